"""Shards → Arrow tables of rows, every record accounted for."""

from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import replace
from functools import partial

import numpy as np
import orjson
import pyarrow as pa
import pyarrow.compute as pc

from ..answers import UNFIT
from ..corpus.record_check import problems
from ..corpus.shards import Segment, Shard
from ..corpus.sources import Source
from ..errors import DataError, Problem, shown
from ..options import Options
from ..tasks import TASKS
from .empty_answers import limited
from .instructor import Instructor, Questions
from .token_budget import Fitter

COLUMNS = ("id", "task", "source", "language", "instruction", "output", "label")
_STRING = pa.string()
ARROW_SCHEMA = pa.schema([(name, _STRING) for name in COLUMNS])

_TABLE_ROWS = 4096
_TABLE_LETTERS = 1 << 20  # what fits the processor's cache is put together faster; a long text stands in many rows

Report = Callable[[Problem], None]
Counts = Counter[tuple[str, str]]
"""(source key, what) → how many: `read`, `quarantined`, `unlabelled`, `unasked`, `rows`, `empty_rows`; with a limit
on empty rows `dropped_empty`; with a token budget `windows` (beyond the first of a text), `lost` (annotated units
that no window holds) and `over` (instructions that exceed it all the same); once for each training file
`unknown_hard_negatives`."""


def tables(shard: Shard, options: Options, counts: Counts, report: Report) -> Iterator[pa.Table]:
    """The rows of a shard as Arrow tables of some thousand rows.

    Args:
        shard: What to read.
        options: How to ask.
        counts: Is added to, for each source.
        report: Is told of each record that is left out, and why.

    Raises:
        DataError: With `options.strict`, at the first bad record.
    """
    for segment in shard:
        asker = instructor(segment, options)
        waiting = _Rows(segment, asker.head)
        for line, text, questions in questions_of(segment, asker, options, counts, report):
            if waiting.add(line, text, questions):
                yield waiting.table()
                waiting = _Rows(segment, asker.head)
        if waiting.count:
            yield waiting.table()


def instructor(segment: Segment, options: Options) -> Instructor | Fitter:
    """Who asks the records of a segment."""
    source, task = segment.source, TASKS[segment.source.task]
    train = segment.split == "train"
    make = partial(Instructor, task, language=source.language, train=train, options=options, source=source.name)
    return Fitter(make, task, source.schema, options) if options.max_prompt_tokens else make(source.schema)


class _Rows:
    """Rows on their way to a table.

    Python touches only what differs: the long strings are put together by Arrow, each text escaped once however
    many rows ask about it.
    """

    def __init__(self, segment: Segment, head: str) -> None:
        source = segment.source
        self._constant = (TASKS[source.task].name, source.name, source.language)
        self._prefix = f"{source.key}/{segment.split}:"
        self._head = head
        self._lines: list[int] = []
        self._texts: list[bytes] = []
        self._labels: list[str] = []
        self._repeats: list[int] = []
        self._asked: list[str] = []
        self._outputs: list[str] = []
        self._letters = 0

    @property
    def count(self) -> int:
        return len(self._asked)

    def add(self, line: int, text: str, questions: Questions) -> bool:
        """Whether these are enough for a table."""
        count = len(questions.asked)
        self._lines.append(line)
        self._texts.append(b', "input": ' + orjson.dumps(text) + b"}")  # escapes as `quote` does, long texts faster
        self._labels.append(questions.label)
        self._repeats.append(count)
        self._asked += questions.asked
        self._outputs += questions.outputs
        self._letters += (len(text) + len(questions.label) + len(questions.asked[0])) * count
        return self._letters >= _TABLE_LETTERS or len(self._asked) >= _TABLE_ROWS

    def table(self) -> pa.Table:
        record = pa.array(np.repeat(np.arange(len(self._lines)), self._repeats))
        ids = pc.binary_join_element_wise(self._prefix, pa.array(self._lines).cast(_STRING), "")
        texts = pa.array(self._texts, _STRING).take(record)
        constant = [pa.repeat(pa.scalar(value), self.count) for value in self._constant]
        instruction = pc.binary_join_element_wise(self._head, pa.array(self._asked, _STRING), texts, "")
        outputs, labels = pa.array(self._outputs, _STRING), pa.array(self._labels, _STRING).take(record)
        return pa.Table.from_arrays([ids.take(record), *constant, instruction, outputs, labels], schema=ARROW_SCHEMA)


def questions_of(
    segment: Segment, asker: Instructor | Fitter, options: Options, counts: Counts, report: Report
) -> Iterator[tuple[int, str, Questions]]:
    """(line number, text, questions) for each record that has any; see `tables` for the arguments."""
    source, key, train = segment.source, asker.task.annotation, segment.split == "train"
    below = source.empty_below if train else None
    read = bad = unlabelled = unasked = made = empty = dropped = 0

    def leave_out(line: int, raw: bytes, reason: str, remedy: str) -> None:
        nonlocal bad
        bad += 1
        problem = Problem(segment.file, line, reason, remedy, raw.decode("utf-8", "replace").rstrip("\r\n"))
        if options.strict:
            raise DataError(str(problem))
        report(problem)

    if not source.sizes[segment.split]:
        leave_out(0, b"", "the file is empty", "give it one JSON object a line, or remove it")
    for line, raw in segment.lines():
        if raw.isspace():
            continue
        read += 1
        try:
            record = orjson.loads(raw if line > 1 else raw.removeprefix(b"\xef\xbb\xbf"))
            text, items = record["text"], record.get(key)
            if type(text) is not str or not text:
                raise ValueError("no text")
            if type(items) is not list and (items is not None or train or key in record):
                raise ValueError("no annotation")
            parts = asker.parts(text, items)
        except orjson.JSONDecodeError as error:
            if line == 1 and raw.lstrip().startswith(b"["):
                leave_out(line, raw[:200], "the file is one JSON array", "write one JSON object a line (jq -c '.[]')")
                break
            leave_out(line, raw, f"not a JSON object: {error}", "mend or remove the line")
            continue
        except UNFIT:
            leave_out(line, raw, *_why(record, key, source, segment.split))
            continue
        unlabelled += items is None
        asked = False
        for window, questions in parts:
            asked |= bool(questions.asked)
            if below is not None:
                before = len(questions.asked)
                questions = limited(questions, below)
                dropped += before - len(questions.asked)
            if questions.asked:
                made += len(questions.asked)
                empty += questions.empty
                yield line, window, questions
        unasked += not asked
    for what, number in (
        ("read", read),
        ("quarantined", bad),
        ("unlabelled", unlabelled),
        ("unasked", unasked),
        ("rows", made),
        ("empty_rows", empty),
        ("dropped_empty", dropped),
        ("windows", asker.windows),
        ("lost", asker.lost),
        ("over", asker.over),
        ("unknown_hard_negatives", asker.unknown_hard if train and not segment.start else 0),
    ):
        counts[source.key, what] += number


def _why(record: object, key: str, source: Source, split: str) -> tuple[str, str]:
    # What is asked by type is not served by the bare relations.
    schema = replace(source.schema, relations=()) if source.task in ("spo", "kg") else source.schema
    for finding in problems(record, key, schema):
        return finding
    if isinstance(record, dict) and record.get(key) is None:
        return f'no "{key}"', f"annotate it (an empty list where nothing occurs); {split} records must be annotated"
    return f"does not fit its schema: {shown(record)}", "compare it with the record format of the task"
