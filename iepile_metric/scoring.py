"""Scoring all rows at once."""

from collections.abc import Iterable, Iterator, Mapping
from typing import Any

from .accumulator import Accumulator, Returned


def scored(rows: Iterable[Mapping[str, Any]], task: str | None = None, **options: Any) -> dict[str, Any]:
    """Score rows; see `iepile_metric.score`.

    Rows that can be read twice are first taken as a stream, which is quicker and takes no memory, and again
    with all records open if the batches of a record turn out to be scattered.

    Raises:
        ValueError: as `Accumulator` does, with the number of the row.
    """
    try:
        return _scored(rows, Accumulator(task, streamed=not isinstance(rows, Iterator), **options))
    except Returned:
        return _scored(rows, Accumulator(task, **options))


def _scored(rows: Iterable[Mapping[str, Any]], scores: Accumulator) -> dict[str, Any]:
    for number, row in enumerate(rows):
        try:
            scores.add(row)
        except ValueError as error:
            raise ValueError(f"row {number}: {error}") from error
    return scores.result()
