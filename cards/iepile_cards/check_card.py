"""`iepile card check`: a card against the files that it was written from."""

from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import Any

import yaml

from .card import README, Page
from .dataset_card import dataset_page
from .diff_card import Difference, Expected, compare_text, compare_values, without_section, written_name
from .eval_results import RESULTS, as_yaml, eval_entries
from .model_card import ANSWERS, model_page
from .space_card import app_page, metric_page

KINDS = {"run.json": "model", "manifest.json": "dataset", "matching.py": "metric", "app.py": "app"}
"""The file by which a folder's kind is known → the kind."""

_UNWRITTEN = "[More Information Needed]"  # in the empty forms that other libraries leave in a folder


def kind_of(folder: Path | str) -> str:
    """What a folder holds: `model`, `dataset`, `metric` or `app`.

    Raises:
        ValueError: None of these.
    """
    for name, kind in KINDS.items():
        if (Path(folder) / name).is_file():
            return kind
    raise ValueError(f"{folder}: nothing that has a card: none of {', '.join(KINDS)} is in it")


def check_card(folder: Path | str, facts: Mapping[str, Any] | None = None) -> list[Difference]:
    """Compare every value of a card with its source.

    Args:
        folder: A run folder, a prepared folder, or the folder of a metric or an app, with its README.md.
        facts: For a metric or an app, what it is now; see `space`.

    Returns:
        What does not agree, in the order of the page; nothing where all does.

    Raises:
        ValueError: No card, or a file that cannot be read.
    """
    folder = Path(folder)
    kind = kind_of(folder)
    path = folder / README
    if not path.is_file():
        raise ValueError(f"{path}: no such file (write the card with: iepile card)")
    pages: dict[str, Callable[[str | None], Page]] = {
        "model": lambda repo: model_page(folder, repo),
        "dataset": lambda repo: dataset_page(folder, repo),
        "metric": lambda repo: metric_page(facts or {}, repo),
        "app": lambda repo: app_page(facts or {}, repo),
    }
    head, body, first = _read(path)
    title = body.partition("\n")[0].removeprefix("# ")
    page = pages[kind](written_name(pages[kind], body) or title)
    if not _headings(page.body) & _headings(body):
        raise ValueError(f"{path}: no card of this {kind} (write it with: iepile card)")
    # On the Hub there is nothing left to compare the example with, nor the text that the first lines ask about.
    left_out = "## Prompt" if kind == "model" and not (folder / ANSWERS).is_file() else ""
    written = yaml.safe_load(page.data.to_yaml())
    written.pop("sdk_version", None)  # of the machine that pushed
    return [
        *(Difference(*fault) for fault in page.faults),
        *compare_values(README, _by_name(written), _by_name(head), page.origins),
        *(
            difference
            for difference in compare_text(README, Expected(page, left_out), without_section(body, left_out), first)
            if not (left_out and difference.source.startswith(f"{ANSWERS}:0 "))
        ),
        *(_compare_results(folder) if kind == "model" else ()),
    ]


def _headings(text: str) -> set[str]:
    return {line for line in text.splitlines() if line.startswith("## ")}


def card_text(folder: Path | str, repo: str, base: str | None = None) -> str:
    """The card of a run or a prepared folder for the Hub, where it has a name.

    Args:
        folder: If its README.md was written on by hand, that is the card, and only the lines that say how to load it
            change; else it is made anew.
        repo: Its name on the Hub.
        base: The name on the Hub of what a model is based on, where its run knows it by a folder.
    """
    from huggingface_hub import ModelCard

    folder = Path(folder)
    path = folder / README

    def page(name: str | None = None, base: str | None = None) -> Page:
        return dataset_page(folder, name) if kind_of(folder) == "dataset" else model_page(folder, name, base)

    text = path.read_text("utf-8") if path.is_file() else ""
    if _UNWRITTEN in text:
        text = ""
    there = written_name(page, text)
    if text in ("", str(page(there).card())):
        return str(page(repo, base).card())
    text = text.replace(there, repo) if there else text
    if base:
        card = ModelCard(text)
        card.data.base_model = base
        text = str(card)
        if old := written_name(lambda name: page(None, name), text):
            text = text.replace(f"`{old}`", f"`{base}`").replace(f'"{old}"', f'"{base}"')
    return text


def _read(path: Path) -> tuple[dict[str, Any], str, int]:
    """The metadata of a card, its text, and the number of the text's first line."""
    content = path.read_text("utf-8-sig")
    _, dashes, rest = content.partition("---\n")
    head, end, body = rest.partition("\n---\n")
    if not (dashes and end):
        raise ValueError(f"{path}: no metadata between two lines of --- at its head (write the card anew: iepile card)")
    try:
        data = yaml.safe_load(head)
    except (yaml.YAMLError, RecursionError) as error:
        line = getattr(getattr(error, "problem_mark", None), "line", 0) + 2
        raise ValueError(f"{path}:{line}: its head is no YAML (write the card anew: iepile card)") from None
    if not isinstance(data, dict):
        raise ValueError(f"{path}: its head is no YAML object (write the card anew: iepile card)")
    skipped = len(body) - len(body.lstrip("\n"))
    return data, body.lstrip("\n"), (head + end).count("\n") + 2 + skipped


def _by_name(head: dict[str, Any]) -> dict[str, Any]:
    """The metadata of a card, of its `model-index` each value by its name: data set, config, split and metric."""
    values = {key: value for key, value in head.items() if key != "model-index"}
    try:
        for model in head.get("model-index") or ():
            for result in model["results"]:
                dataset = [str(result["dataset"][key]) for key in ("type", "config", "split")]
                for metric in result["metrics"]:
                    name = " / ".join(["model-index " + dataset[0], *dataset[1:], str(metric["name"])])
                    while name in values:  # said twice, and perhaps not the same
                        name += " / again"
                    values[name] = metric["value"]
        return values
    except (KeyError, TypeError) as error:
        raise ValueError(f"{README}: its model-index is not what the Hub knows: {error!r} (write it anew)") from None


def _compare_results(folder: Path) -> Iterator[Difference]:
    """Compare `.eval_results` with the scores."""
    path = folder / RESULTS
    entries = eval_entries(folder)
    wanted = _by_task(as_yaml(entries))
    try:
        actual = _by_task(yaml.safe_load(path.read_text("utf-8")) if path.is_file() else [])
    except (yaml.YAMLError, RecursionError):
        raise ValueError(f"{path}: no YAML (write the card anew: iepile card)") from None
    except (KeyError, TypeError) as error:
        raise ValueError(f"{path}: not results as the Hub knows them: {error!r} (write the card anew)") from None
    sources = {key: entries[number // 2][1] for number, key in enumerate(wanted)}
    yield from compare_values(RESULTS, wanted, actual, sources)


def _by_task(results: list[dict[str, Any]] | None) -> dict[str, Any]:
    """Data set, task and key → value or notes."""
    return {
        f"{result['dataset']['id']} / {result['dataset']['task_id']} {key}": result.get(key)
        for result in results or ()
        for key in ("value", "notes")
    }
