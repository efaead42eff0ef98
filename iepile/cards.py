"""What only the front door can know of a Hub page: a dataset's statistics, the metric's facts, scores counted anew."""

from collections.abc import Callable, Iterator
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from iepile_cards import Difference

# One hit, one wrong, one missed: half of what was expected, half of what was predicted.
_PREDICTION = '{"person": ["Ada"], "city": ["Ulm"]}'
_REFERENCE = '[{"entity": "Ada", "entity_type": "person"}, {"entity": "Rome", "entity_type": "city"}]'
_FIGURES = ("precision", "recall", "f1", "records", "unparseable")
_PRECISION = 1e-9


def write_dataset_page(
    folder: Path, repo: str | None = None, progress: Callable[[int, int], None] | None = None
) -> tuple[Path, str]:
    """Count and draw what is in a prepared folder, write its card, and seal its manifest.

    Args:
        folder: What `iepile prepare` made.
        repo: Its name on the Hub, for the lines that say how to load it.
        progress: Called with (rows counted, rows in all).

    Returns:
        The path of README.md, and what could not be done, "" if nothing.

    Raises:
        DataError: Rows or files are not those of the manifest, or there is none.
    """
    from iepile_cards import dataset_page
    from iepile_dataset.atomic import json_text, write_file
    from iepile_dataset.errors import DataError
    from iepile_dataset.export.manifest import MANIFEST, check_rows, read_manifest, seal
    from iepile_dataset.statistics.pictures import write_statistics
    from iepile_dataset.statistics.prepared import prepared_statistics

    check_rows(folder)
    missing = ""
    if read_manifest(folder / MANIFEST)["format"] == "parquet":
        counted = prepared_statistics(folder, progress)
        place = folder / "statistics"
        try:
            write_statistics(counted, place, with_page=False)
        except DataError as problem:
            missing = f"no pictures: {problem}"
            write_file(place / "stats.json", json_text(counted.report()))
    else:
        missing = "no statistics: they are made of Parquet, these rows are JSON lines"
    path = dataset_page(folder, repo).write(folder)
    seal(folder)
    return path, missing


def metric_facts() -> dict[str, Any]:
    """Tasks, definitions, requirements and a scored example of the metric, as plain JSON.

    >>> facts = metric_facts()
    >>> facts["tasks"]["ner"]["units"], facts["example"]["scores"]["f1"]
    ({'entity': ['type', 'mention']}, 0.5)
    """
    import iepile_metric
    from iepile_metric.accumulator import PARSES
    from iepile_metric.matching import COUNTS, MATCHES

    folder = Path(iepile_metric.__file__).parent
    scores = iepile_metric.score([{"output": _PREDICTION, "label": _REFERENCE}], "ner")
    return {
        "version": version("iepile"),
        "sdk_version": _version("gradio"),
        "tasks": {
            name: {
                "units": {measure: list(fields) for measure, fields in task.fields.items()},
                "headline": task.headline,
                "further": {
                    further: [task.fields[measure][place] for place in places]
                    for further, (measure, places) in task.looser.items()
                },
            }
            for name, task in iepile_metric.TASKS.items()
        },
        "match": dict(MATCHES),
        "count": dict(COUNTS),
        "parse": dict(PARSES),
        "requirements": _requirements(folder),
        "example": {
            "prediction": _PREDICTION,
            "reference": _REFERENCE,
            "scores": {name: scores[name] for name in ("precision", "recall", "f1", "tp", "fp", "fn")},
        },
    }


def app_facts(folder: Path) -> dict[str, Any]:
    """Versions and requirements of the app in a folder, as plain JSON."""
    return {"version": version("iepile"), "sdk_version": _version("gradio"), "requirements": _requirements(folder)}


def _requirements(folder: Path) -> list[str]:
    path = folder / "requirements.txt"
    lines = path.read_text("utf-8").splitlines() if path.is_file() else []
    return [line.strip() for line in lines if line.strip() and not line.startswith("#")]


def _version(package: str) -> str | None:
    try:
        return version(package)
    except PackageNotFoundError:
        return None


def compare_scores(run: Path) -> "Iterator[Difference]":
    """Score the answers of a run anew, and yield where its `scores.json` says otherwise.

    Splits and tasks that `scores.json` does not name are left out: nothing is said about them. So is a run without
    answers.

    Raises:
        ValueError: There is no row to score in the file of answers.
    """
    from iepile_cards.model_card import ANSWERS
    from iepile_cards.template import read_json
    from iepile_metric import score
    from iepile_metric.files import rows_of
    from iepile_trainer.evaluate_run import split_of

    stated = read_json(run / "scores.json")
    if not stated or not (run / ANSWERS).is_file():
        return
    by_split: dict[str, list[dict[str, Any]]] = {}
    for row in rows_of(run / ANSWERS)[0]:
        by_split.setdefault(split_of(row, "predictions"), []).append(row)
    for split, rows in by_split.items():
        result = score(rows)
        for task, scores in (result.get("tasks") or {result["task"]: result}).items():
            if task in stated.get(split, {}):
                yield from _compare(f"{split}.{task}", stated[split][task], scores)


def _compare(place: str, stated: dict[str, Any], scores: dict[str, Any]) -> "Iterator[Difference]":
    from iepile_cards import Difference
    from iepile_cards.model_card import ANSWERS

    for name in _FIGURES:
        if name in stated and abs(stated[name] - scores[name]) > _PRECISION:
            yield Difference(f"scores.json {place}.{name}", str(stated[name]), ANSWERS, str(scores[name]))
    for source, figures in scores.get("sources", {}).items():
        if source in stated.get("sources", {}):
            yield from _compare(f"{place}.sources.{source}", stated["sources"][source], figures)
