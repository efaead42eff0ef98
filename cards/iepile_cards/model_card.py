"""The model card of a run folder, from `run.json`, `scores.json` and the answers beside them."""

import json
import re
from collections.abc import Iterator, Mapping
from importlib import resources
from itertools import islice
from pathlib import Path
from typing import Any

from .card import Page
from .eval_results import datasets_of, is_hidden, metric_results, write_results
from .licence import strictest
from .provenance import read_json, render, told

ANSWERS = "predictions.jsonl"

_LOOKED_AT = 100  # answers among which the example is chosen
CORPUS = "zjunlp/iepile"
_IEPILE = "CC BY-NC-SA 4.0 (IEPile)"


def model_card(run_dir: Path | str, repo: str | None = None) -> Any:
    """Write the card of a trained model; what the folder does not tell, the card says that it does not know.

    Args:
        run_dir: A run folder: `run.json` (how it was made), `scores.json` ({split: {task: scores}}, fractions),
            `predictions.jsonl` (for an example) and `curve.png`, all but the first optional.
        repo: Its name on the Hub, for the lines that say how to load it.

    Returns:
        A `huggingface_hub.ModelCard`; its metadata hold the F1 of every split, task and source (`model-index`).

    Raises:
        FileNotFoundError: There is no `run.json`.
        ValueError: One of the files is no JSON.
    """
    return model_page(run_dir, repo).card()


def write_model_card(run_dir: Path | str, repo: str | None = None) -> Path:
    """Write `README.md` into a run folder, see `model_card`, and `.eval_results`, see `eval_results.write_results`.

    Returns:
        The path of `README.md`.
    """
    page = model_page(run_dir, repo)
    write_results(run_dir)
    return page.write(run_dir)


def model_page(run_dir: Path | str, repo: str | None = None, base: str | None = None) -> Page:
    """The page of a run folder, its values marked; see `model_card`. `base` is the Hub name of what it is based on."""
    from huggingface_hub import ModelCardData

    folder = Path(run_dir)
    run = read_json(folder / "run.json")
    if run is None:
        raise FileNotFoundError(f"{folder} holds no run.json: a card is written from a finished run (train one first)")
    if base:
        run["base_model"] = base
    scores = read_json(folder / "scores.json") or {}
    name = repo.rpartition("/")[2] if repo else run.get("name") or folder.resolve().name
    adapter = read_json(folder / "adapter_config.json")
    is_adapter = adapter is not None or run.get("method") == "lora"
    base = run.get("base_model")
    data = run.get("data") or []
    licences = _licences(data)
    found = [
        result for split in scores if not is_hidden(split) for result in metric_results(split, scores[split], data)
    ]
    head = ModelCardData(
        language=sorted({language for entry in data for language in entry.get("language") or ()}) or None,
        license=strictest(licences),
        library_name="peft" if is_adapter else "transformers",
        pipeline_tag="text-generation",
        tags=["information-extraction", "iepile", *(["lora"] if is_adapter else [])],
        base_model=base if on_hub(base) else None,
        datasets=sorted({name for entry in data for name in datasets_of(entry) if on_hub(name)}) or None,
        metrics=["f1"] if found else None,
        model_name=name if found else None,
        eval_results=[result for result, _ in found] or None,
    )
    body = render(
        "model.md.jinja",
        name=told(name, "repo name" if repo else "run.json name"),
        repo=told(repo or f"path/to/{name}", "repo"),
        run=told({**run, "history": None, "data": [_public(entry) for entry in data]}, "run.json"),
        scores=told(scores, "scores.json"),
        base=told(_base(run, adapter), "run.json base_model"),
        continued=told(run.get("adapter") and public_name(run["adapter"]), "run.json adapter"),
        tasks=[entry["config"] for entry in data if entry.get("config")],
        is_adapter=is_adapter,
        is_seq2seq=_is_seq2seq(folder, adapter),
        licence=told(head.license, "run.json data[].licences"),
        licences=told(licences, "run.json data[].licences"),
        # A text that others may not have must not go out with the page.
        example=None if head.license == "other" else _example(folder / ANSWERS),
        curve=(folder / "curve.png").is_file(),
        measures=_measures,
        interval=interval,
        citation=citation(),
    )
    origins = {
        "language": "run.json data[].language",
        "license": "run.json data[].licences",
        "base_model": "run.json base_model",
        "datasets": "run.json data[].dataset",
        "metrics": "scores.json",
        "library_name": "run.json method",
    }
    return Page("model", head, body, origins, tuple(source for _, source in found))


def citation() -> str:
    """BibTeX of the corpus's paper."""
    return resources.files(__package__).joinpath("citation.bib").read_text("utf-8").strip()


def public_name(path: str) -> str:
    """A Hub name as it is, a folder of this machine by its last name alone.

    >>> public_name("someone/base-1b"), public_name("/home/me/models/base")
    ('someone/base-1b', 'base')
    """
    return path if on_hub(path) else Path(path).name


def on_hub(name: str | None) -> bool:
    """Whether a name can be a Hub id: two parts, and no folder of that name at hand."""
    if not name or name.startswith((".", "/", "~")) or Path(name).exists():
        return False
    return bool(re.fullmatch(r"[\w.-]+/[\w.-]+", name))


def interval(scores: Mapping[str, Any]) -> Any:
    """The interval of F1 that scores hold, as [low, high], else None."""
    found = scores.get("interval")
    return found.get("f1") if isinstance(found, dict) else found


def _measures(scores: Mapping[str, Any]) -> dict[str, Any]:
    """Name → F1 of the further measures, which events have."""
    return {name[:-3].replace("_", " "): value for name, value in scores.items() if name.endswith("_f1")}


def _base(run: Mapping[str, Any], adapter: Mapping[str, Any] | None) -> str | None:
    base = run.get("base_model") or (adapter or {}).get("base_model_name_or_path")
    return public_name(str(base)) if base else None


def _public(entry: Mapping[str, Any]) -> dict[str, Any]:
    """What is said about data; a folder of this machine is known by its name alone."""
    return {**entry, "dataset": " + ".join(map(public_name, datasets_of(entry))) or "?"}


def _is_seq2seq(folder: Path, adapter: Mapping[str, Any] | None) -> bool:
    if adapter is not None:
        return adapter.get("task_type") == "SEQ_2_SEQ_LM"
    return bool((read_json(folder / "config.json") or {}).get("is_encoder_decoder"))


def _licences(data: list[dict[str, Any]]) -> list[str]:
    """Licence words of the training data; IEPile itself has one, an entry that says nothing is unknown."""
    found: dict[str, None] = {}
    for entry in data:
        stated = entry.get("licences") or []
        if not stated and CORPUS in map(str.lower, datasets_of(entry)):
            stated = [_IEPILE]
        found |= dict.fromkeys(stated or ["not stated"])
    return list(found)


def _example(path: Path) -> Any:
    """The shortest of the first answers that found something."""
    if not path.is_file():
        return None
    with path.open(encoding="utf-8") as lines:
        rows = list(_answered(islice(lines, _LOOKED_AT)))
    # An answer that found something has more than the commas and brackets of one that did not.
    told_much = [row for row in rows if re.search(r"\[\s*[^\]\s]", row[1]["output"])] or rows
    # A page in English shows an English example if there is one.
    number, row = min(
        told_much, key=lambda row: (row[1].get("language") != "en", len(row[1]["instruction"])), default=(0, None)
    )
    return row and told({name: row[name] for name in ("instruction", "output")}, f"{ANSWERS}:{number}")


def _answered(lines: Iterator[str]) -> Iterator[tuple[int, dict[str, str]]]:
    for number, line in enumerate(lines, 1):
        try:
            row = json.loads(line)
        except ValueError:
            continue
        if isinstance(row, dict) and row.get("instruction") and str(row.get("output") or "").strip():
            yield number, row
