"""One self-contained HTML page: scores, errors, and every record with its mentions highlighted."""

import json
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import orjson

from .accumulator import Record
from .counts import Outcome
from .errors import KINDS, Analysis, questions
from .files import BadLine, Marked, score_file
from .robustness import fields_in, score_ways
from .semeval import SemEval

__all__ = ["Examined", "examine"]

ANSWER = 4_000  # characters of a model's raw text that are shown


class Report:
    """A watcher that collects what the page shows; give it to `Accumulator(watch=…)`.

    >>> from .accumulator import Accumulator
    >>> report = Report()
    >>> scores = Accumulator("ner", watch=report)
    >>> scores.add({"id": "a", "output": '{"person": ["</script>"]}', "label": "[]"})
    >>> "</script><" in report.html(scores.result(), resamples=100)
    False
    """

    def __init__(self, match: str = "exact") -> None:
        from .bootstrap import Counted

        self.analysis = Analysis(match)
        self.counted = Counted()
        self._records: list[dict[str, Any]] = []

    def __call__(self, record: Record, outcomes: list[Outcome]) -> None:
        """Take one record."""
        self.counted(record, outcomes)
        errors = self.analysis(record, outcomes)
        text, _ = questions(record.rows)
        units = [
            ("", measure, unit, unit) for measure, (hits, _, _) in zip(record.task.measures, outcomes) for unit in hits
        ] + [(error.kind, error.measure, error.predicted, error.gold) for error in errors]
        self._records.append(
            {
                "id": record.id,
                "task": record.task.name,
                "source": record.source,
                "text": text,
                "units": [dict(zip(("kind", "measure", "found", "wanted"), unit)) for unit in units],
                "answers": [_shown(row.get("output")) for row in record.rows],
                "failed": len(record.failed),
            }
        )

    def html(self, scores: dict[str, Any], title: str = "Scores", resamples: int = 1_000) -> str:
        """Write the page.

        Args:
            scores: The result of the accumulator that was watched.
            title: Of the page.
            resamples: For the intervals of F1; 0 leaves them out.
        """
        from jinja2 import Environment, PackageLoader

        from .bootstrap import intervals

        data = {
            "title": title,
            "tasks": scores.get("tasks") or {scores["task"]: scores},
            "errors": self.analysis.summary(scores),
            "intervals": intervals(self.counted, resamples) if resamples else {},
            "kinds": KINDS,
            "records": self._records,
        }
        # Nothing in the data may end the script element or start a comment in it; U+2028 and U+2029 end
        # lines in older scripts.
        try:
            text = orjson.dumps(data).decode()
        except TypeError:  # half of a character somewhere
            text = json.dumps(data, ensure_ascii=False)
        for character in "<>&\u2028\u2029":
            text = text.replace(character, f"\\u{ord(character):04x}")
        page = Environment(loader=PackageLoader("iepile_metric", "page"), autoescape=True)
        return page.get_template("report.html").render(title=title, data=text).encode("utf-8", "replace").decode()


def _shown(output: Any) -> str:
    text = str(output or "").encode("utf-8", "replace").decode()
    return text if len(text) <= ANSWER else text[:ANSWER] + f"… ({len(text)} characters)"


@dataclass(frozen=True)
class Examined:
    """A file of answers, scored.

    Attributes:
        figures: What `tables.tables` lays out: `tasks`, and `spread`, `calibration`, `errors`, `intervals` if at hand.
        bad: The lines that could not be scored.
        page: The report; "" unless a title was given.
    """

    figures: dict[str, Any]
    bad: list[BadLine]
    page: str


def examine(
    path: str | Path,
    task: str | None = None,
    *,
    errors: bool = False,
    resamples: int = 0,
    title: str = "",
    match: str = "exact",
    **options: Any,
) -> Examined:
    """Score a file with all that is known of it.

    Where rows carry confidences, they are compared with the outcomes; where records were asked in several ways, each
    way is scored apart, and all else holds for the first.

    Args:
        path: JSON lines, see `files.score_file`.
        task: The task of rows that do not name theirs.
        errors: Name the errors, and count entities that are right in part (`semeval`).
        resamples: For intervals of F1; 0 for none.
        title: Of the report; "" for none.
        match: As for `iepile_metric.score`.
        options: `count` and `parse`.

    Raises:
        ValueError: no such file, unknown option, or nothing in it can be scored.
    """
    if not (title or errors or resamples):
        # Most files need nothing else, and most of the time of a small one goes into imports.
        with suppress(Marked):
            scores, bad = score_file(path, task, unmarked=True, match=match, **options)
            return Examined({"tasks": scores.get("tasks") or {scores["task"]: scores}}, bad, "")
    from .bootstrap import intervals
    from .calibration import Calibration

    report = Report(match) if title or errors or resamples else None
    # Confidences belong to mentions, not to their places, and SemEval's schemes compare words.
    by_words = match != "span"
    calibration = Calibration(match) if by_words and fields_in(path, ["confidence"]) else None
    semeval = SemEval() if by_words and errors else None
    watchers = [watcher for watcher in (report, calibration, semeval) if watcher]

    def watch(record: Record, outcomes: list[Outcome]) -> None:
        for watcher in watchers:
            watcher(record, outcomes)

    scores, spread, bad = score_ways(path, task, watch if watchers else None, match=match, **options)
    figures: dict[str, Any] = {"tasks": scores.get("tasks") or {scores["task"]: scores}}
    if spread:
        figures["spread"] = spread
    if calibration and (by_task := calibration.summary()):
        figures["calibration"] = by_task
    if semeval and (schemes := semeval.summary()):
        figures["semeval"] = schemes
    if report and errors:
        figures["errors"] = report.analysis.summary(scores)
    if report and resamples:
        figures["intervals"] = intervals(report.counted, resamples)
    page = report.html(scores, title, resamples or 1_000) if report and title else ""
    return Examined(figures, bad, page)
