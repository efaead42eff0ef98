"""What the pages of the metric and of the app tell, taken from the code itself."""

from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import Any

# One hit, one wrong, one missed: half of what was expected, half of what was predicted.
_PREDICTION = '{"person": ["Ada"], "city": ["Ulm"]}'
_REFERENCE = '[{"entity": "Ada", "entity_type": "person"}, {"entity": "Rome", "entity_type": "city"}]'


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
