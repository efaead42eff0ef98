"""One row per record: counts and what was wrong, for pandas, Arrow or a spreadsheet."""

from collections.abc import Iterable, Mapping
from typing import Any

import orjson
import pyarrow as pa

from .accumulator import Accumulator, Record
from .counts import Outcome, rates
from .errors import KINDS, errors_of

__all__ = ["per_record"]


def per_record(
    rows: Iterable[Mapping[str, Any]], task: str | None = None, match: str = "exact", **options: Any
) -> pa.Table:
    """Score record by record.

    Args:
        rows: As for `iepile_metric.score`.
        task: The task of rows that do not name theirs.
        match: As for `iepile_metric.score`; with "overlap", tp, fp and fn are those before any credit.
        options: `count` and `parse`.

    Returns:
        An Arrow table (`.to_pandas()`) with task, source, id, answers, unparseable, and for each record
        precision, recall, f1, tp, fp, fn of the headline measure, the same with a prefix for each measure of
        events, one count per kind of error, and the missed and extra units as JSON.

    >>> row = {"id": "a", "output": '{"person": ["Bob"]}', "label": "[]"}
    >>> table = per_record([row], "ner")
    >>> table.column("f1").to_pylist(), table.column("extra").to_pylist()
    ([0.0], ['[["person","Bob"]]'])
    """
    lines: list[dict[str, Any]] = []

    def watch(record: Record, outcomes: list[Outcome]) -> None:
        lines.append(_row(record, outcomes, match))

    Accumulator(task, match=match, watch=watch, **options).extend(rows).result()
    names = list(dict.fromkeys(name for row in lines for name in row))
    return pa.table({name: [row.get(name) for row in lines] for name in names})


def _row(record: Record, outcomes: list[Outcome], match: str) -> dict[str, Any]:
    row: dict[str, Any] = {
        "task": record.task.name,
        "source": record.source,
        "id": record.id,
        "answers": len(record.rows),
        "unparseable": len(record.failed),
    }
    prefixes = [""] if len(outcomes) == 1 else [f"{measure}_" for measure in record.task.fields]
    for prefix, outcome in zip(["", *prefixes], [outcomes[-1], *outcomes]):
        counts = [len(units) for units in outcome]
        for name, value in zip(("precision", "recall", "f1", "tp", "fp", "fn"), [*rates(*counts), *counts]):
            row[prefix + name] = value
    kinds = [error.kind for error in errors_of(record, outcomes, match)]
    row |= {kind.replace(" ", "_"): kinds.count(kind) for kind in KINDS}
    row["extra"] = orjson.dumps([unit for outcome in outcomes for unit in outcome[1]]).decode()
    row["missed"] = orjson.dumps([unit for outcome in outcomes for unit in outcome[2]]).decode()
    return row
