"""Ways to ask about the same records.

A row may carry `order` (which order of the schema's labels) and `split_num` (how many labels were asked at once).
Rows that differ in them answer the same question again: they never unite, and are scored apart (`robustness`).
"""

from collections.abc import Iterable, Iterator, Mapping
from typing import Any, TypeVar

__all__ = ["first_way", "is_marked"]

KEYS = ("order", "split_num")

MARKS = frozenset({*KEYS, "confidence"})
"""Fields for which a row is more than an answer and its gold."""

Way = tuple[Any, ...]
"""The values of `KEYS` in a row."""

Row = TypeVar("Row", bound=Mapping[str, Any])


def way_of(row: Mapping[str, Any]) -> Way:
    """How a row was asked.

    >>> way_of({"order": 2, "output": "{}"})
    (2, None)
    """
    return tuple(row.get(name) for name in KEYS)


def is_marked(row: Mapping[str, Any]) -> bool:
    """Whether a row says how it was asked."""
    return any(name in row for name in KEYS)


def first_way(rows: Iterable[Row]) -> Iterator[Row]:
    """The rows that were asked as the first one was: all of them where no row says how.

    >>> [row["id"] for row in first_way([{"id": "a", "order": 0}, {"id": "a", "order": 1}, {"id": "b", "order": 0}])]
    ['a', 'b']
    """
    first = None
    for row in rows:
        way = way_of(row)
        first = way if first is None else first
        if way == first:
            yield row
