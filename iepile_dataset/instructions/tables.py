"""Shards → Arrow tables of rows."""

from collections.abc import Iterator

import numpy as np
import orjson
import pyarrow as pa
import pyarrow.compute as pc

from ..corpus.shards import Segment, Shard
from ..options import Options
from ..tasks import TASKS
from .generate import Counts, Report, instructor, questions_of
from .instructor import Questions

COLUMNS = ("id", "task", "source", "language", "instruction", "output", "label")
_STRING = pa.string()
ARROW_SCHEMA = pa.schema([(name, _STRING) for name in COLUMNS])

_TABLE_ROWS = 4096
_TABLE_LETTERS = 1 << 20  # what fits the processor's cache is put together faster; a long text stands in many rows


def tables(shard: Shard, options: Options, counts: Counts, report: Report) -> Iterator[pa.Table]:
    """The rows of a shard as Arrow tables of some thousand rows; see `questions_of`.

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
        self._records: list[tuple[int, bytes, str, int]] = []  # line, text, label, number of rows
        self._asked: list[str] = []
        self._outputs: list[str] = []
        self._letters = 0

    @property
    def count(self) -> int:
        return len(self._asked)

    def add(self, line: int, text: str, questions: Questions) -> bool:
        """Whether these are enough for a table."""
        count = len(questions.asked)
        escaped = b', "input": ' + orjson.dumps(text) + b"}"  # escapes as `quote` does, long texts faster
        self._records.append((line, escaped, questions.label, count))
        self._asked += questions.asked
        self._outputs += questions.outputs
        self._letters += (len(text) + len(questions.label) + len(questions.asked[0])) * count
        return self._letters >= _TABLE_LETTERS or len(self._asked) >= _TABLE_ROWS

    def table(self) -> pa.Table:
        lines, texts, labels, repeats = zip(*self._records)
        record = pa.array(np.repeat(np.arange(len(lines)), repeats))
        ids = pc.binary_join_element_wise(self._prefix, pa.array(lines).cast(_STRING), "").take(record)
        constant = [pa.repeat(pa.scalar(value), self.count) for value in self._constant]
        asked, text = pa.array(self._asked, _STRING), pa.array(texts, _STRING).take(record)
        instruction = pc.binary_join_element_wise(self._head, asked, text, "")
        outputs, label = pa.array(self._outputs, _STRING), pa.array(labels, _STRING).take(record)
        return pa.Table.from_arrays([ids, *constant, instruction, outputs, label], schema=ARROW_SCHEMA)
