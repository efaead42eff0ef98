"""One self-contained HTML page: scores, errors, and every record with its mentions highlighted."""

from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

import orjson

from .accumulator import Accumulator, Record
from .bootstrap import Counted, intervals
from .counts import Outcome
from .errors import KINDS, Analysis, Error, questions

ANSWER = 4_000  # characters of a model's raw text that are shown


class Report:
    """A watcher that collects what the page shows; give it to `Accumulator(watch=…)`.

    >>> report = Report()
    >>> scores = Accumulator("ner", watch=report)
    >>> scores.add({"id": "a", "output": '{"person": ["</script>"]}', "label": "[]"})
    >>> "</script><" in report.html(scores.result(), resamples=100)
    False
    """

    def __init__(self, match: str = "exact") -> None:
        self.analysis = Analysis(match)
        self.counted = Counted()
        self._records: list[dict[str, Any]] = []

    def __call__(self, record: Record, outcomes: list[Outcome]) -> None:
        """Take one record."""
        self.counted(record, outcomes)
        errors = self.analysis(record, outcomes)
        text, _ = questions(record.rows)
        self._records.append(
            {
                "id": record.id,
                "task": record.task.name,
                "source": record.source,
                "text": text,
                "units": [*_hits(record, outcomes), *map(_unit, errors)],
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
        text = orjson.dumps(data).decode()
        for character in "<>&\u2028\u2029":
            text = text.replace(character, f"\\u{ord(character):04x}")
        page = Environment(loader=PackageLoader("iepile_metric", "page"), autoescape=True)
        return page.get_template("report.html").render(title=title, data=text)


def _hits(record: Record, outcomes: list[Outcome]) -> list[dict[str, Any]]:
    return [
        {"kind": "", "measure": measure, "found": unit, "wanted": unit}
        for measure, (hits, _, _) in zip(record.task.fields, outcomes)
        for unit in hits
    ]


def _unit(error: Error) -> dict[str, Any]:
    return {"kind": error.kind, "measure": error.measure, "found": error.found, "wanted": error.wanted}


def _shown(output: Any) -> str:
    text = str(output or "").encode("utf-8", "replace").decode()
    return text if len(text) <= ANSWER else text[:ANSWER] + f"… ({len(text)} characters)"


def write_report(
    rows: Iterable[Mapping[str, Any]], path: str | Path, task: str | None = None, title: str = "", **options: Any
) -> dict[str, Any]:
    """Score rows and write the page about them.

    Args:
        rows: As for `iepile_metric.score`; with `instruction`, the page shows the texts.
        path: The HTML file to write.
        task: The task of rows that do not name theirs.
        title: Of the page; by default the file's name.
        options: `match`, `count`, `parse`.

    Returns:
        The scores.
    """
    report = Report(options.get("match", "exact"))
    scores = Accumulator(task, watch=report, **options).extend(rows).result()
    Path(path).write_text(report.html(scores, title or Path(path).stem), encoding="utf-8")
    return scores
