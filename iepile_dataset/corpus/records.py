"""Lines → records: the one reader of annotated JSON lines, and why a line or a record cannot be used."""

from collections.abc import Iterable, Iterator
from dataclasses import replace
from typing import Any

import orjson

from ..errors import Problem, shown
from ..tasks import TASKS
from .file_form import BOM, FormError, wrong_form
from .lines import LINE_BYTES, Overlong
from .record_check import problems
from .sources import Source

__all__ = ["read_records"]

_TOO_LONG = FormError(f"the line is longer than {LINE_BYTES >> 20} MB", "cut its text into several records", False)


def read_records(lines: Iterable[tuple[int, bytes]]) -> Iterator[tuple[int, bytes, Any]]:
    """(line number, line, record) for each line that is not blank; the error in place of a record that is not JSON.

    Where the first line shows that the whole file has another form, nothing follows: see `file_form.wrong_form`.

    >>> list(read_records([(1, b"{}"), (2, b" "), (3, b"7")]))
    [(1, b'{}', {}), (3, b'7', 7)]
    """
    for number, line in lines:
        if line.__class__ is Overlong:
            yield number, line, _TOO_LONG
            continue
        if line.isspace():
            continue
        try:
            record = orjson.loads(line if number > 1 else line.removeprefix(BOM))
        except orjson.JSONDecodeError as error:
            form = wrong_form(line, is_first=number == 1)
            if form and form.is_whole:
                yield number, line[:200], form
                return
            record = form or error
        yield number, line, record


def refused(file: str, line: int, raw: bytes, record: Any, source: Source, split: str) -> Problem:
    """Why a record of a source cannot be used; `line`, `raw` and `record` as `read_records` gives them."""
    task = TASKS[source.task]
    reason, remedy = f"does not fit its schema: {shown(record)}", "compare it with the record format of the task"
    if isinstance(record, FormError):
        reason, remedy = record.reason, record.remedy
    elif isinstance(record, ValueError):
        reason, remedy = f"not a JSON object: {record}", "mend or remove the line"
    else:
        if isinstance(record, dict) and record.get(task.annotation) is None:
            reason = f'no "{task.annotation}"'
            remedy = f"annotate it (an empty list where nothing occurs); {split} records must be annotated"
        # What is asked by type is not served by the bare relations.
        by_name = task.labels(source.schema) == source.schema.relations
        schema = source.schema if by_name else replace(source.schema, relations=())
        reason, remedy = next(problems(record, task.annotation, schema), (reason, remedy))
    return Problem.of_line(file, line, raw, reason, remedy)
