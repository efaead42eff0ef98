"""Counts taken while the lines of a split file become rows, so that one reading is enough."""

from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import dataclass

import orjson
import pyarrow as pa
import pyarrow.compute as pc

from ..answers import UNFIT
from ..corpus.shards import Segment
from ..corpus.sources import Source
from ..errors import Problem
from ..instructions.tables import Counts, tables
from ..options import Options
from ..tasks import TASKS
from .figures import Figures

_LINES = 2048  # between two signs of progress

Progress = Callable[[int], None]
"""Told how many bytes have been read."""


@dataclass(frozen=True, kw_only=True)
class Watched(Segment):
    """A segment that shows each of its lines to somebody."""

    see: Callable[[int, bytes], None]

    def lines(self) -> Iterator[tuple[int, bytes]]:
        """(1-based line number, line), each seen before it is given."""
        for line, raw in super().lines():
            self.see(line, raw)
            yield line, raw


def count_split(
    source: Source,
    split: str,
    options: Options,
    *,
    texts: Figures | None = None,
    count_tokens: Callable[[str], int] | None = None,
    report: Callable[[Problem], None],
    progress: Progress | None = None,
) -> Figures:
    """The figures of one split of a source.

    Args:
        source: The source.
        split: One that it has.
        options: How instructions are made.
        texts: What another task found out about the same file's texts, so that they are not measured again.
        count_tokens: Text → number of tokens; None leaves them out.
        report: Is told of each record that is left out.
        progress: Is told of bytes read, now and then.
    """
    figures = Figures()
    watch = _Watch(source, figures, texts is None, count_tokens, progress)
    counts: Counts = Counter()
    segment = Watched(source, split, 0, source.sizes[split], see=watch.see)
    for table in tables((segment,), options, counts, report):
        _measure(table, figures)
    sums: Counter[str] = Counter()
    for (_, what), number in counts.items():
        sums[what] += number
    figures.records = sums["read"]
    figures.left_out = min(sums["quarantined"], sums["read"])  # an empty file is a problem, but no record
    figures.unlabelled = sums["unlabelled"]
    figures.instructions, figures.empty_instructions = sums["rows"], sums["empty_rows"]
    if texts is not None:
        figures.text_characters, figures.text_tokens = texts.text_characters, texts.text_tokens
    return figures


class _Watch:
    """Looks at each line for what rows do not tell: texts without rows, and what is annotated under which label."""

    def __init__(
        self,
        source: Source,
        figures: Figures,
        measure: bool,
        count_tokens: Callable[[str], int] | None,
        progress: Progress | None,
    ) -> None:
        self._task, self._schema, self._figures = TASKS[source.task], source.schema, figures
        self._labels = set(self._task.labels(source.schema))
        self._measure, self._count_tokens, self._progress = measure, count_tokens, progress
        self._read = 0

    def see(self, line: int, raw: bytes) -> None:
        self._read += len(raw)
        if self._progress and line % _LINES == 0:
            self._progress(self._read)
        try:
            record = orjson.loads(raw if line > 1 else raw.removeprefix(b"\xef\xbb\xbf"))
            text = record["text"]
            if self._measure and isinstance(text, str):
                self._figures.text_characters[len(text)] += 1
                if self._count_tokens:
                    self._figures.text_tokens[self._count_tokens(text)] += 1
            items = record[self._task.annotation]
            found = self._task.answer(text, items, self._schema)
        except UNFIT:
            return  # the rows' maker says why
        if text and found.keys() <= self._labels:
            self._figures.without += not items
            for label, answer in found.items():
                self._figures.labels[label] += len(orjson.loads(answer))


def _measure(table: pa.Table, figures: Figures) -> None:
    answers = pc.utf8_length(table.column("output"))
    answered = pc.greater(answers, 0)
    figures.unanswered += len(table) - pc.sum(answered).as_py()
    for lengths, column in (
        (figures.instruction_characters, pc.utf8_length(table.column("instruction"))),
        (figures.answer_characters, answers.filter(answered)),
    ):
        for entry in pc.value_counts(column).to_pylist():
            lengths[entry["values"]] += entry["counts"]
