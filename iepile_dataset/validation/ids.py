"""Are ids repeated? Answered in 24 bytes a row, so that millions of rows fit."""

from array import array
from collections.abc import Iterator

import numpy as np

_MASK = 0xFFFFFFFF


class Ids:
    """Collects (id, question, gold); two rows of one id are fine if they ask different things and have the same gold.

    Only digests are kept. Two unlike ids are taken for the same with a probability of 4e-7 in four million rows.

    >>> ids = Ids()
    >>> for line, (asked, text) in enumerate([("x", "t"), ("y", "t"), ("x", "t"), ("z", "u")]):
    ...     ids.add("a", asked, text, line)
    >>> list(ids.repeated()), list(ids.conflicting())
    ([(2, 0)], [(3, 2)])
    """

    def __init__(self) -> None:
        self._ids, self._lines = array("Q"), array("Q")
        self._asked, self._about = array("I"), array("I")

    def add(self, name: object, asked: object, about: object, line: int) -> None:
        """Take note of a row."""
        self._ids.append(hash(name) & 0xFFFFFFFFFFFFFFFF)
        self._asked.append(hash(asked) & _MASK)
        self._about.append(hash(about) & _MASK)
        self._lines.append(line)

    def repeated(self) -> Iterator[tuple[int, int]]:
        """(line, earlier line) of rows that ask the same thing under the same id."""
        return self._neighbours(self._asked, np.equal)

    def conflicting(self) -> Iterator[tuple[int, int]]:
        """(line, earlier line) of rows that bear the same id and are about different records."""
        return self._neighbours(None, np.not_equal)

    def _neighbours(self, beside: "array[int] | None", compare: np.ufunc) -> Iterator[tuple[int, int]]:
        """Rows of one id that follow each other, in the order of ids and of what they are sorted by beside."""
        ids, lines = np.frombuffer(self._ids, np.uint64), np.frombuffer(self._lines, np.uint64)
        values = np.frombuffer(self._about if beside is None else beside, np.uint32)
        order = np.argsort(ids, kind="stable") if beside is None else np.lexsort((values, ids))
        same = (ids[order][1:] == ids[order][:-1]) & compare(values[order][1:], values[order][:-1])
        yield from sorted((int(lines[order[place + 1]]), int(lines[order[place]])) for place in np.flatnonzero(same))
