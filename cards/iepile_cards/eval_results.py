"""The scores of a run as the Hub reads them: `model-index` in the card, and `.eval_results/*.yaml`."""

from collections.abc import Iterator, Mapping
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import yaml

from .card import on_hub, write_text
from .template import read_json

__all__ = ["RESULTS"]

RESULTS = ".eval_results/iepile.yaml"
PRECISION = 6  # decimals of a value in metadata
HIDDEN = ("before",)
"""Splits that are scored for comparison, no result of the trained model."""


def metric_results(split: str, by_task: Mapping[str, Any], data: list[dict[str, Any]]) -> Iterator[tuple[Any, str]]:
    """The `huggingface_hub.EvalResult` of every measure, over all sources and for each, with the value's place."""
    from huggingface_hub import EvalResult

    dataset = _dataset(data) or "iepile"
    for task, scores in by_task.items():
        for source, figures in [("", scores), *(scores.get("sources") or {}).items()]:
            for measure, value in figures.items():
                if measure.endswith("f1") and isinstance(value, int | float):
                    place = f"sources.{source}.{measure}" if source else measure
                    result = EvalResult(
                        task_type="text-generation",
                        task_name=f"information extraction, {task.upper()}",
                        dataset_type=dataset,
                        dataset_name=f"{task} ({split})",
                        dataset_config=task,
                        dataset_split=split,
                        metric_type="f1",
                        metric_name=f"{measure}, {source}" if source else measure,
                        metric_value=round(value, PRECISION),
                    )
                    yield result, f"scores.json {split}.{task}.{place}"


def interval(scores: Mapping[str, Any]) -> Any:
    """The interval of F1 that scores hold, as [low, high], else None."""
    stated = scores.get("interval")
    return stated.get("f1") if isinstance(stated, dict) else stated


def eval_entries(run_dir: Path | str, repo: str | None = None) -> list[tuple[Any, str]]:
    """The `huggingface_hub.EvalResultEntry` of every task's F1 on a data set of the Hub, with the value's place.

    Only the test split counts on the Hub, and only where the run's data have a name there. The date is that of the
    scores, the revision the commit that was trained on, the source the scores in the repository `repo`, as far as these
    are known. A huggingface_hub that does not know such entries yet gets none.
    """
    import huggingface_hub

    folder = Path(run_dir)
    run, scores = read_json(folder / "run.json") or {}, read_json(folder / "scores.json") or {}
    dataset = _dataset(run.get("data") or [])
    if not dataset or not on_hub(dataset) or not hasattr(huggingface_hub, "EvalResultEntry"):
        return []
    commits = {commit for entry in run["data"] if (commit := (entry.get("revision") or {}).get(dataset))}
    known = {
        "dataset_revision": commits.pop() if len(commits) == 1 else None,
        "date": datetime.fromtimestamp((folder / "scores.json").stat().st_mtime, UTC).date().isoformat(),
        "source_url": repo and f"https://huggingface.co/{repo}/blob/main/scores.json",
        "source_name": repo and "scores.json",
    }
    entries = []
    for task, figures in (scores.get("test") or {}).items():
        match = (figures.get("definitions") or {}).get("match", "exact").partition(":")[0]
        notes = f"micro F1 of iepile_f1, {match} match"
        if certain := interval(figures):
            notes += ", 95 % interval {:.4f} to {:.4f}".format(*certain)
        value = round(figures["f1"], PRECISION)
        entry = huggingface_hub.EvalResultEntry(dataset_id=dataset, task_id=task, value=value, notes=notes, **known)
        entries.append((entry, f"scores.json test.{task}.f1"))
    return entries


def as_yaml(entries: list[tuple[Any, str]]) -> list[dict[str, Any]]:
    """What `.eval_results` say, as the Hub wants it."""
    if not entries:
        return []
    from huggingface_hub import eval_result_entries_to_yaml

    return list(eval_result_entries_to_yaml([entry for entry, _ in entries]))


def results_text(run_dir: Path | str, repo: str | None = None) -> str:
    """What `.eval_results/iepile.yaml` says, see `eval_entries`; empty where there is nothing to say."""
    results = as_yaml(eval_entries(run_dir, repo))
    return yaml.safe_dump(results, sort_keys=False, allow_unicode=True) if results else ""


def write_results(run_dir: Path | str) -> Path | None:
    """Write `.eval_results/iepile.yaml` into a run folder; remove it where there is nothing to say.

    Returns:
        Its path, None where there is none.
    """
    path = Path(run_dir) / RESULTS
    text = results_text(run_dir)
    if not text:
        path.unlink(missing_ok=True)
        return None
    return write_text(path, text)


def datasets_of(entry: Mapping[str, Any]) -> list[str]:
    """The data sets of an entry of a run's data; several are mixed as `a + b`.

    >>> datasets_of({"dataset": "someone/news + rows"}), datasets_of({})
    (['someone/news', 'rows'], [])
    """
    return [name for name in str(entry.get("dataset") or "").split(" + ") if name]


def _dataset(data: list[dict[str, Any]]) -> str | None:
    """The data set that scores are of, None where there are several or none."""
    names = {name for entry in data for name in datasets_of(entry)}
    return names.pop() if len(names) == 1 else None
