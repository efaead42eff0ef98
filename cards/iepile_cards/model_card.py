"""The model card of a run folder, from `run.json`, `scores.json` and the answers beside them."""

import json
import re
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from .card import Page, on_hub, public_name
from .eval_results import HIDDEN, datasets_of, interval, metric_results, write_results
from .licence import strictest
from .template import citation, read_json, read_lines

__all__ = ["ANSWERS", "LEAST_RECALL"]

ANSWERS = "predictions.jsonl"
LEAST_RECALL = 0.05
"""Of a model with less, card and output say that it has hardly learnt to answer."""

_LOOKED_AT = 100  # answers among which the example is chosen
# What is asked on a page that can show no answer of the model itself.
_TEXT = "Marie Curie was born in Warsaw."
_SCHEMAS: dict[str, Any] = {
    "ner": ["person", "city"], "re": ["place of birth"], "ee": {"birth": ["person", "place"]}, "eet": ["birth"],
}  # fmt: skip
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
    """The page of a run folder; see `model_card`. `base` is the Hub name of what it is based on."""
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
    data = run.get("data") or []
    licences = _licences(data)
    shown = [split for split in scores if split not in HIDDEN]
    results = [result for split in shown for result in metric_results(split, scores[split], data)]
    head = _head(run, name, is_adapter, strictest(licences), [result for result, _ in results])
    # A text that others may not have must not go out with the page.
    number, row = (0, None) if head.license == "other" else _example(folder / ANSWERS)
    sourced = {
        "name": (name, "repo name" if repo else "run.json name"),
        "repo": (repo or f"path/to/{name}", "repo"),
        "run": ({**run, "history": None, "data": [_public(entry) for entry in data]}, "run.json "),
        "scores": ({split: _without_labels(by_task) for split, by_task in scores.items()}, "scores.json "),
        "base": (_base(run, adapter), "run.json base_model"),
        "continued": (run.get("adapter") and public_name(run["adapter"]), "run.json adapter"),
        "licence": (head.license, "run.json data[].licences"),
        "licences": (licences, "run.json data[].licences"),
        "example": (row and {name: row[name] for name in ("instruction", "output")}, f"{ANSWERS}:{number} "),
        "use": (_use(row, [entry.get("config") for entry in data]), f"{ANSWERS}:{number} "),
    }
    values = {
        "is_adapter": is_adapter,
        "is_seq2seq": _is_seq2seq(folder, adapter),
        "curve": (folder / "curve.png").is_file(),
        "measures": _measures,
        "least_recall": LEAST_RECALL,
        "interval": interval,
        "citation": citation(),
    }
    origins = {
        "language": "run.json data[].language",
        "license": "run.json data[].licences",
        "base_model": "run.json base_model",
        "datasets": "run.json data[].dataset",
        "metrics": "scores.json",
        "library_name": "run.json method",
    }
    for result, source in results:
        names = (result.dataset_type, result.dataset_config, result.dataset_split, result.metric_name)
        origins[f"model-index {' / '.join(names)}"] = source
    return Page("model", head, values, sourced, origins)


def _head(run: Mapping[str, Any], name: str, is_adapter: bool, licence: str, results: list[Any]) -> Any:
    """The metadata of the card."""
    from huggingface_hub import ModelCardData

    data, base = run.get("data") or [], run.get("base_model")
    return ModelCardData(
        language=sorted({language for entry in data for language in entry.get("language") or ()}) or None,
        license=licence,
        library_name="peft" if is_adapter else "transformers",
        pipeline_tag="text-generation",
        tags=["information-extraction", "iepile", *(["lora"] if is_adapter else [])],
        base_model=base if on_hub(base) else None,
        datasets=sorted({name for entry in data for name in datasets_of(entry) if on_hub(name)}) or None,
        metrics=["f1"] if results else None,
        model_name=name if results else None,
        eval_results=results or None,
    )


def _without_labels(by_task: Mapping[str, Any]) -> dict[str, Any]:
    return {task: {name: value for name, value in one.items() if name != "labels"} for task, one in by_task.items()}


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
    licences: dict[str, None] = {}
    for entry in data:
        stated = entry.get("licences") or []
        if not stated and CORPUS in map(str.lower, datasets_of(entry)):
            stated = [_IEPILE]
        licences |= dict.fromkeys(stated or ["not stated"])
    return list(licences)


def _example(path: Path) -> tuple[int, dict[str, Any] | None]:
    """The shortest of the first answers that are right, or else name something, and the number of its line."""
    if not path.is_file():
        return 0, None
    rows = [
        (number, row)
        for number, row in read_lines(path, _LOOKED_AT)
        if row.get("instruction") and str(row.get("output") or "").strip()
    ]
    # An answer that found something has more than the commas and brackets of one that did not.
    rows = [row for row in rows if re.search(r"\[\s*[^\]\s]", row[1]["output"])] or rows

    def rank(numbered: tuple[int, dict[str, Any]]) -> tuple[bool, bool, int]:
        # A page in English shows an English example if there is one.
        return not _is_right(numbered[1]), numbered[1].get("language") != "en", len(numbered[1]["instruction"])

    return min(rows, key=rank, default=(0, None))


def _is_right(row: Mapping[str, Any]) -> bool:
    """Whether an answer holds the labels and mentions of the gold, and no others."""
    try:
        answer, gold = json.loads(row["output"]), json.loads(row["label"])
        return {label for label, mentions in answer.items() if mentions} | _strings(answer) == _strings(gold)
    except (ValueError, KeyError, TypeError, AttributeError):
        return False


def _strings(value: Any) -> set[str]:
    if isinstance(value, str):
        return {value}
    parts = value.values() if isinstance(value, dict) else value
    return {text for part in parts for text in _strings(part)}


def _use(row: Mapping[str, Any] | None, tasks: list[str | None]) -> dict[str, Any]:
    """A task, a text and a schema to ask about: those of an answered row where they fit into a line."""
    task = next((task for task in tasks if task in _SCHEMAS), "ner")
    use = {"task": task, "text": _TEXT, "schema": _SCHEMAS[task]}
    answered = str((row or {}).get("task")).lower()
    if row is None or answered not in {*tasks} & {*_SCHEMAS}:
        return use
    try:
        asked = json.loads(row["instruction"])
        text, schema = asked["input"], asked["schema"]
    except (ValueError, KeyError, TypeError):
        return use
    is_plain = isinstance(text, str) and "\n" not in text and all(isinstance(label, str) for label in schema)
    return {"task": answered, "text": text, "schema": schema} if is_plain else use
