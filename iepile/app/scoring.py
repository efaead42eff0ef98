"""A file of answers that a visitor gives → tables, the report page, and what could not be scored."""

from dataclasses import dataclass
from pathlib import Path
from typing import Any

BYTES = "32mb"
"""The largest file that the page takes."""

REPORT = 12_000_000  # bytes of a report that are shown in the page; a larger one is given as a file alone


@dataclass(frozen=True)
class Scored:
    """A scored file.

    Attributes:
        tables: `rich` tables, as the command shows them.
        bad: Lines that could not be scored, each with file and line.
        report: The report page.
    """

    tables: list[Any]
    bad: list[str]
    report: str


def scored(path: Path, task: str | None = None, **options: Any) -> Scored:
    """Score a file as `iepile score --errors --resamples 1000 --report` does.

    Args:
        path: JSON lines.
        task: The task of rows that do not name theirs.
        options: `match`, `count`, `parse`.

    Raises:
        ValueError: Nothing in it can be scored; tells the file's name, not its place.
    """
    from iepile_metric.bootstrap import intervals
    from iepile_metric.calibration import Calibration
    from iepile_metric.files import score_file
    from iepile_metric.report import Report
    from iepile_metric.robustness import KEYS, fields_in, score_ways
    from iepile_metric.tables import tables

    def told(message: object) -> str:
        return str(message).replace(str(path), path.name)

    report = Report(options["match"])
    sure = Calibration(options["match"], options["parse"])

    def watch(record: Any, outcomes: Any) -> None:
        report(record, outcomes)
        sure(record, outcomes)

    if path.suffix == ".gz":  # a small one may hold more than the memory
        raise ValueError(f"{path.name}: packed (unpack it first: gunzip {path.name})")
    try:
        spread: dict[str, Any] = {}
        if fields_in(path) & set(KEYS):
            scores, spread, bad = score_ways(path, task, watch, **options)
        else:
            scores, bad = score_file(path, task, watch=watch, **options)
    except ValueError as error:
        raise ValueError(told(error)) from None
    found = {
        "tasks": scores.get("tasks") or {scores["task"]: scores},
        "spread": spread,
        "calibration": sure.summary() or {},
        "errors": report.analysis.summary(scores),
        "intervals": intervals(report.counted, 1_000),
    }
    return Scored(list(tables(found)), [told(line) for line in bad], report.html(scores, path.name))
