"""The model card of a run folder, from `run.json`, `scores.json` and the answers beside them."""

import json
from collections.abc import Iterator
from importlib import resources
from pathlib import Path
from typing import Any

from .licence import strictest

METADATA_PRECISION = 6  # decimals of a metric's value in the card's metadata
_HIDDEN = ("before",)  # scored for comparison, not a result of the model


def model_card(run_dir: Path | str) -> Any:
    """Write the card of a trained model; what the folder does not tell, the card says that it does not know.

    Args:
        run_dir: A run folder: `run.json` (how it was made), `scores.json` ({split: {task: scores}}, fractions),
            `predictions.jsonl` (for an example) and `curve.png`, all but the first optional.

    Returns:
        A `huggingface_hub.ModelCard`; its metadata hold the F1 of every split, task and source (`model-index`).

    Raises:
        FileNotFoundError: There is no `run.json`.
    """
    from huggingface_hub import ModelCard, ModelCardData

    folder = Path(run_dir)
    if not (folder / "run.json").is_file():
        raise FileNotFoundError(f"{folder} holds no run.json: a card is written from a finished run (train one first)")
    run = json.loads((folder / "run.json").read_text("utf-8"))
    scores = _read(folder / "scores.json") or {}
    data = run.get("data") or []
    results = [result for split in scores if split not in _HIDDEN for result in _results(split, scores[split], data)]
    name = run.get("name") or folder.resolve().name
    adapter = run.get("method") == "lora"
    base = run.get("base_model")
    licences = _licences(data)
    card_data = ModelCardData(
        language=sorted({language for entry in data for language in entry.get("language", ())}) or None,
        license=strictest(licences),
        library_name="peft" if adapter else "transformers",
        pipeline_tag="text-generation",
        tags=["information-extraction", "iepile", *(["lora"] if adapter else [])],
        base_model=base if _on_hub(base) else None,
        datasets=sorted({entry["dataset"] for entry in data if _on_hub(entry.get("dataset"))}) or None,
        metrics=["f1"] if results else None,
        model_name=name,
        eval_results=results or None,
    )
    template = resources.files(__package__).joinpath("model.md.jinja").read_text("utf-8")
    return ModelCard.from_template(
        card_data,
        template_str=template,
        name=name,
        run=run,
        scores=scores,
        definitions=next(
            (each["definitions"] for task in scores.values() for each in task.values() if "definitions" in each), None
        ),
        licence=card_data.license,
        licences=licences,
        number=_number,
        example=_example(folder / "predictions.jsonl"),
        curve=(folder / "curve.png").is_file(),
        adapter=adapter,
        base=base,
        tasks=[entry.get("config") for entry in data],
        citation=resources.files(__package__).joinpath("citation.bib").read_text("utf-8").strip(),
    )


def write_model_card(run_dir: Path | str) -> Path:
    """Write `README.md` into a run folder, see `model_card`.

    Returns:
        Its path.
    """
    path = Path(run_dir) / "README.md"
    model_card(run_dir).save(path)
    return path


def _results(split: str, by_task: dict[str, Any], data: list[dict[str, Any]]) -> Iterator[Any]:
    """One entry per task and measure over all sources, and one per source."""
    from huggingface_hub import EvalResult

    dataset = next((entry["dataset"] for entry in data if entry.get("dataset")), "iepile")
    for task, scores in by_task.items():
        for source, figures in [("", scores), *(scores.get("sources") or {}).items()]:
            for measure, value in figures.items():
                if measure.endswith("f1") and isinstance(value, (int, float)):
                    yield EvalResult(
                        task_type="text-generation",
                        task_name=f"information extraction, {task.upper()}",
                        dataset_type=dataset,
                        dataset_name=f"{task} ({split})",
                        dataset_config=task,
                        dataset_split=split,
                        metric_type="f1",
                        metric_name=f"{measure}, {source}" if source else measure,
                        metric_value=round(value, METADATA_PRECISION),
                    )


def _all(scores: dict[str, dict[str, Any]]) -> Iterator[dict[str, Any]]:
    return (figures for by_task in scores.values() for figures in by_task.values())


def _licences(data: list[dict[str, Any]]) -> list[str]:
    """Licence words of the training data; IEPile itself has one, an entry that says nothing is unknown."""
    found: dict[str, None] = {}
    for entry in data:
        stated = entry.get("licences") or []
        if not stated and str(entry.get("dataset")).lower().endswith("/iepile"):
            stated = ["CC BY-NC-SA 4.0 (IEPile)"]
        found |= dict.fromkeys(stated or ["not stated"])
    return list(found)


def _example(path: Path) -> dict[str, Any] | None:
    if not path.is_file():
        return None
    with path.open(encoding="utf-8") as lines:
        row = next(map(json.loads, lines), None)
    return row if row and row.get("instruction") else None


def _on_hub(name: str | None) -> bool:
    """Whether a name can be a Hub id: two parts, and no folder of that name at hand."""
    if not name or name.startswith((".", "/")) or Path(name).exists():
        return False
    return name.count("/") == 1


def _number(value: Any) -> str:
    return f"{value:.4f}" if isinstance(value, (int, float)) else "?"


def _read(path: Path) -> Any:
    return json.loads(path.read_text("utf-8")) if path.is_file() else None
