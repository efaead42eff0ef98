"""`iepile card check`: a card against the files that it was written from."""

from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import Any

import yaml

from .card import README, Page
from .dataset_card import dataset_page
from .diff_card import Difference, compare_text, compare_values, value_from
from .eval_results import RESULTS, eval_entries
from .model_card import ANSWERS, model_page
from .space_card import app_page, metric_page

KINDS = {"run.json": "model", "manifest.json": "dataset", "scoring.py": "metric", "app.py": "app"}
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
    makers: dict[str, Callable[[str | None], Page]] = {
        "model": lambda repo: model_page(folder, repo),
        "dataset": lambda repo: dataset_page(folder, repo),
        "metric": lambda repo: metric_page(facts or {}, repo),
        "app": lambda repo: app_page(facts or {}, repo),
    }
    make = makers[kind]
    head, body, first = _read(path)
    page = make(None)
    page = make(value_from("repo", page.body, body) or value_from("repo name", page.body, body))
    if not _headings(page.body) & _headings(body):
        raise ValueError(f"{path}: no card of this {kind} (write it with: iepile card)")
    marked = page.body
    if (
        kind == "model" and not (folder / ANSWERS).is_file()
    ):  # as on the Hub: nothing is left to compare the example with
        marked, body = (_without("## Prompt", text) for text in (marked, body))
    found = [Difference(*fault) for fault in page.faults]
    found += _compare_head(page, head)
    found += compare_text(README, marked, body, first)
    if kind == "model":
        found += _compare_results(folder)
    return found


def _without(heading: str, text: str) -> str:
    """The text with empty lines in place of a section's."""
    lines, inside = [], False
    for line in text.splitlines():
        inside = line.startswith(heading) or (inside and not line.startswith("## "))
        lines.append("" if inside else line)
    return "\n".join(lines)


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
    model = kind_of(folder) == "model"
    page, path = model_page(folder) if model else dataset_page(folder), folder / README
    text = path.read_text("utf-8") if path.is_file() else ""
    if _UNWRITTEN in text:
        text = ""
    there = value_from("repo", page.body, text)
    if text in ("", str((model_page(folder, there) if model else dataset_page(folder, there)).card())):
        return str((model_page(folder, repo, base) if model else dataset_page(folder, repo)).card())
    text = text.replace(there, repo) if there else text
    if base:
        card = ModelCard(text)
        card.data.base_model = base
        text = str(card)
        if old := value_from("run.json base_model", page.body, text):
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
    except yaml.YAMLError as error:
        line = getattr(getattr(error, "problem_mark", None), "line", 0) + 2
        raise ValueError(f"{path}:{line}: its head is no YAML (write the card anew: iepile card)") from None
    if not isinstance(data, dict):
        raise ValueError(f"{path}: its head is no YAML object (write the card anew: iepile card)")
    skipped = len(body) - len(body.lstrip("\n"))
    return data, body.lstrip("\n"), (head + end).count("\n") + 2 + skipped


def _compare_head(page: Page, found: dict[str, Any]) -> Iterator[Difference]:
    expected = yaml.safe_load(page.data.to_yaml())
    for key in [*expected, *(key for key in page.origins if key not in expected)]:
        if key != "model-index":
            if key == "sdk_version":  # of the machine that pushed
                continue
            source = page.origins.get(key, "iepile")
            yield from compare_values(README, key, expected.get(key), found.get(key), source)
    for key in found.keys() - expected.keys() - page.origins.keys():
        for number in _numbers(found[key]):
            yield Difference(f"{README} {key}", str(number), "")
    wanted = dict(zip(_values(expected), page.results))
    there = _values(found)
    for name, source in wanted.items():
        value = _values(expected)[name]
        if value != there.get(name):
            yield Difference(f"{README} model-index {' / '.join(name)}", str(there.get(name, "")), source, str(value))
    for name in there.keys() - wanted.keys():
        yield Difference(f"{README} model-index {' / '.join(name)}", str(there[name]), "")


def _numbers(value: Any) -> Iterator[int | float]:
    """The numbers in a piece of YAML."""
    if isinstance(value, dict | list):
        for each in value.values() if isinstance(value, dict) else value:
            yield from _numbers(each)
    elif isinstance(value, int | float) and not isinstance(value, bool):
        yield value


def _values(head: dict[str, Any]) -> dict[tuple[str, ...], Any]:
    """(dataset, config, split, metric) → value, of every result in a `model-index`."""
    values: dict[tuple[str, ...], Any] = {}
    try:
        for model in head.get("model-index") or ():
            for result in model["results"]:
                dataset = tuple(str(result["dataset"][key]) for key in ("type", "config", "split"))
                for metric in result["metrics"]:
                    name = (*dataset, str(metric["name"]))
                    while name in values:  # said twice, and perhaps not the same
                        name = (*name, "again")
                    values[name] = metric["value"]
        return values
    except (KeyError, TypeError) as error:
        raise ValueError(f"{README}: its model-index is not what the Hub knows: {error!r} (write it anew)") from None


def _compare_results(folder: Path) -> Iterator[Difference]:
    """Compare `.eval_results` with the scores."""
    from huggingface_hub import eval_result_entries_to_yaml

    entries = eval_entries(folder)
    path = folder / RESULTS
    try:
        found = yaml.safe_load(path.read_text("utf-8")) if path.is_file() else []
    except yaml.YAMLError:
        raise ValueError(f"{path}: no YAML (write the card anew: iepile card)") from None
    wanted = eval_result_entries_to_yaml([entry for entry, _ in entries])
    try:
        there = {(each["dataset"]["id"], each["dataset"]["task_id"]): each for each in found or ()}
    except (KeyError, TypeError) as error:
        raise ValueError(f"{path}: not results as the Hub knows them: {error!r} (write the card anew)") from None
    for each, (_, source) in zip(wanted, entries):
        name = (each["dataset"]["id"], each["dataset"]["task_id"])
        mine = there.pop(name, {})
        for key in ("value", "notes"):
            yield from compare_values(RESULTS, f"{' / '.join(name)} {key}", each.get(key), mine.get(key), source)
    for name, each in there.items():
        yield Difference(f"{RESULTS} {' / '.join(name)}", str(each.get("value")), "")
