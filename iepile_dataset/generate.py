"""Shards → Arrow tables of rows, every record accounted for."""

from collections import Counter
from collections.abc import Callable, Iterator

import orjson
import pyarrow as pa

from .answers import UNFIT
from .check import problems
from .instruct import Instructor, Row
from .options import Options
from .problems import DataError, Problem, shown
from .shards import Segment, Shard
from .tasks import TASKS

COLUMNS = ("id", "task", "source", "language", "instruction", "output", "label")
ARROW_SCHEMA = pa.schema([(name, pa.string()) for name in COLUMNS])

_TABLE_ROWS = 4096

Report = Callable[[Problem], None]
Counts = Counter[tuple[str, str]]
"""(source key, what) → how many: `read`, `quarantined`, `unlabelled`, `unasked`, `rows`, `empty_rows`."""


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
        yield from _segment_tables(segment, options, counts, report)


def _segment_tables(segment: Segment, options: Options, counts: Counts, report: Report) -> Iterator[pa.Table]:
    source, task = segment.source, TASKS[segment.source.task]
    asker = Instructor(task, source.schema, source.language, segment.split == "train", options)
    prefix = f"{source.key}/{segment.split}:"
    ids: list[str] = []
    labels: list[str] = []
    rows: list[Row] = []
    read = bad = unlabelled = unasked = made = empty = 0

    def table() -> pa.Table:
        count = len(rows)
        instruction, output = zip(*rows)
        constant = [pa.repeat(pa.scalar(value), count) for value in (task.name, source.name, source.language)]
        return pa.Table.from_arrays(
            [pa.array(ids), *constant, pa.array(instruction), pa.array(output), pa.array(labels)],
            schema=ARROW_SCHEMA,
        )

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
            text, items = record["text"], record.get(task.key)
            if not text or (items is None and (task.key in record or segment.split == "train")):
                raise ValueError("no text or no annotation")
            new, label = asker.rows(text, items)
        except orjson.JSONDecodeError as error:
            if line == 1 and raw.lstrip().startswith(b"["):
                leave_out(
                    line,
                    raw[:200],
                    "the file is one JSON array",
                    "write one JSON object a line (jq -c '.[]')",
                )
                break
            leave_out(line, raw, f"not a JSON object: {error}", "mend or remove the line")
            continue
        except UNFIT:
            leave_out(line, raw, *_why(record, task.key, source, segment.split))
            continue
        if items is None:
            unlabelled += 1
        if not new:
            unasked += 1
            continue
        rows += new
        ids += [f"{prefix}{line}"] * len(new)
        labels += [label] * len(new)
        made += len(new)
        if items is not None:
            empty += sum(output.count("[") == output.count("[]") for _, output in new)
        if len(rows) >= _TABLE_ROWS:
            yield table()
            ids, labels, rows = [], [], []
    if rows:
        yield table()
    for what, number in (
        ("read", read), ("quarantined", bad), ("unlabelled", unlabelled), ("unasked", unasked), ("rows", made),
        ("empty_rows", empty),
    ):  # fmt: skip
        counts[source.key, what] += number


def _why(record: object, key: str, source: object, split: str) -> tuple[str, str]:
    schema = source.schema  # type: ignore[attr-defined]
    for reason, remedy in problems(record, key, schema):
        return reason, remedy
    if isinstance(record, dict) and record.get(key) is None:
        return (
            f'no "{key}"',
            f"annotate it (an empty list where nothing occurs); {split} records must be annotated",
        )
    return f"does not fit its schema: {shown(record)}", "compare it with the record format of the task"
