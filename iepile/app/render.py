"""What was found → HTML, by the templates beside this module; they escape whatever comes from a visitor or a file."""

import json
from collections.abc import Iterable, Sequence
from functools import cache
from typing import Any

from iepile_trainer.extraction.questions import Question
from iepile_trainer.extraction.results import Extraction

from .highlight import pieces, spans_of
from .records import Page
from .scoring import REPORT, Scored

ROWS = 500
"""The most results in a table, and lines in a list; how many more there are is said."""


def status(text: str, kind: str = "done") -> str:
    """One line that a screen reader speaks: `done`, `busy` or `error`.

    >>> print(status("3 < 4"))
    <p class="status done" role="status">3 &lt; 4</p>
    """
    return _render("status", text=text, kind=kind)


def questions(asked: Sequence[Question], answers: Sequence[str] = ()) -> str:
    """The instructions, each folded, with the model's answer where it has come."""
    return _render("questions", questions=_read(asked, answers))


def extraction(found: Extraction) -> str:
    """The text with what was found in it, and the same as a table."""
    return _render("extraction", found=found, pieces=pieces(found.text, spans_of(found.results)), rows=ROWS)


def records(page: Page) -> str:
    """Records with their annotation."""
    shown = [
        {
            "record": record,
            "pieces": pieces(record.found.text, spans_of(record.found.results)) if record.found is not None else (),
            "questions": _read(record.questions, [question.output for question in record.questions]),
        }
        for record in page.records
    ]
    return _render("records", shown=shown, rows=ROWS)


def scores(found: Scored) -> str:
    """Tables, lines that could not be scored, and the report in a frame of its own."""
    tables = [
        {
            "title": table.title,
            "head": [column.header for column in table.columns] if table.show_header else [],
            "lines": list(zip(*(column.cells for column in table.columns))),
        }
        for table in found.tables
    ]
    # Of each task the first table at once; the others are there to be opened.
    main = [table for table in tables if table["head"][:1] == ["measure"]]
    others = [table for table in tables if table not in main]
    is_shown = len(found.report.encode()) <= REPORT
    return _render("scores", main=main, others=others, found=found, report=found.report if is_shown else "", rows=ROWS)


def framed(page: str, title: str) -> str:
    """A page without scripts in a frame that could not run any."""
    return _render("frame", page=page, title=title)


def _read(asked: Iterable[Question], answers: Sequence[str]) -> list[dict[str, Any]]:
    read = []
    for number, question in enumerate(asked):
        parts = json.loads(question.instruction)
        answer = answers[number] if number < len(answers) else ""
        schema = json.dumps(parts["schema"], ensure_ascii=False)
        labels = list(question.asked)
        read.append({"labels": labels, "parts": parts, "schema": schema, "question": question, "answer": answer})
    return read


@cache
def _environment() -> Any:
    from jinja2 import Environment, PackageLoader

    return Environment(loader=PackageLoader("iepile.app"), autoescape=True, trim_blocks=True, lstrip_blocks=True)


def _render(name: str, **told: Any) -> str:
    text: str = _environment().get_template(f"{name}.html.jinja").render(**told)
    return text
