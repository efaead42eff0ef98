"""What was found → HTML, by the templates beside this module; they escape whatever comes from a visitor or a file."""

import json
from collections.abc import Iterable, Sequence
from functools import cache
from typing import TYPE_CHECKING, Any

from iepile_trainer.extraction.questions import Question
from iepile_trainer.extraction.results import Extraction

from .highlight import Span, pieces, spans_of
from .records import Page

if TYPE_CHECKING:
    from iepile_dataset.exchange.importing import Imported
    from iepile_metric.report import Examined

REPORT = 12_000_000
"""Bytes of a report that are shown in the page; a larger one is given as a file alone."""

ROWS = 500
"""The most results in a table, and lines in a list; how many more there are is said."""


def status(text: str, kind: str = "done") -> str:
    """One line that a screen reader speaks: `done`, `busy` or `error`.

    >>> print(status("3 < 4"))
    <p class="status done" role="status">3 &lt; 4</p>
    """
    return _render("status", text=text, kind=kind)


def failure(problem: Exception, *spoken: type[Exception]) -> str:
    """An error as a line: in its own words where they are meant for visitors, else its name alone."""
    known = isinstance(problem, spoken)
    return status(str(problem) if known else f"This did not work: {type(problem).__name__}", "error")


def questions(asked: Sequence[Question], answers: Sequence[str] = ()) -> str:
    """The instructions, each folded, with the model's answer where it has come."""
    return _render("questions", questions=_read(asked, answers))


def extraction(result: Extraction) -> str:
    """The text with what was found in it, and the same as a table."""
    return _render("extraction", found=result, pieces=pieces(result.text, spans_of(result.results)), rows=ROWS)


def records(page: Page) -> str:
    """Records with their annotation."""
    shown = [
        {
            "record": record,
            "pieces": pieces(record.annotation.text, spans_of(record.annotation.results))
            if record.annotation is not None
            else (),
            "questions": _read(record.questions, [question.output for question in record.questions]),
        }
        for record in page.records
    ]
    return _render("records", shown=shown, rows=ROWS)


def scores(examined: "Examined") -> str:
    """Tables, lines that could not be scored, and the report in a frame of its own."""
    from iepile_metric.tables import tables

    laid_out: list[dict[str, Any]] = [
        {
            "title": table.title,
            "head": [column.header for column in table.columns] if table.show_header else [],
            "lines": list(zip(*(column.cells for column in table.columns))),
        }
        for table in tables(examined.figures)
    ]
    # Of each task the first table at once; the others are there to be opened.
    main = [table for table in laid_out if table["head"][:1] == ["measure"]]
    others = [table for table in laid_out if table not in main]
    report = examined.page if len(examined.page.encode()) <= REPORT else ""
    return _render("scores", main=main, others=others, bad=examined.bad, report=report, rows=ROWS)


def imported(done: "Imported", records: Iterable[tuple[str, list[Span]]]) -> str:
    """What an import did, and its first records with the places that they state."""
    losses = sorted(done.losses.items(), key=lambda pair: -pair[1].count)
    shown = [pieces(text, spans) for text, spans in records]
    return _render("imported", done=done, losses=losses, shown=shown, rows=ROWS)


def framed(page: str, title: str) -> str:
    """A page without scripts in a frame that could not run any."""
    return _render("frame", page=page, title=title)


def _read(asked: Iterable[Question], answers: Sequence[str]) -> list[dict[str, Any]]:
    read = []
    for number, question in enumerate(asked):
        parts = json.loads(question.instruction)
        answer = answers[number] if number < len(answers) else ""
        schema = json.dumps(parts["schema"], ensure_ascii=False)
        labels = list(question.entries)
        read.append({"labels": labels, "parts": parts, "schema": schema, "question": question, "answer": answer})
    return read


@cache
def _environment() -> Any:
    from jinja2 import Environment, PackageLoader

    return Environment(loader=PackageLoader("iepile.app"), autoescape=True, trim_blocks=True, lstrip_blocks=True)


def _render(name: str, **values: Any) -> str:
    text: str = _environment().get_template(f"{name}.html.jinja").render(**values)
    return text
