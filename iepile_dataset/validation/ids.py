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
        ids, lines, asked, _ = self._columns()
        order = np.lexsort((asked, ids))
        same = (ids[order][1:] == ids[order][:-1]) & (asked[order][1:] == asked[order][:-1])
        yield from self._pairs(order, same, lines)

    def conflicting(self) -> Iterator[tuple[int, int]]:
        """(line, earlier line) of rows that bear the same id and are about different records."""
        ids, lines, _, about = self._columns()
        order = np.argsort(ids, kind="stable")
        same = ids[order][1:] == ids[order][:-1]
        yield from self._pairs(order, same & (about[order][1:] != about[order][:-1]), lines)

    def _columns(self) -> tuple[np.ndarray, np.ndarray, np.ndarray, np.ndarray]:
        return (
            np.frombuffer(self._ids, np.uint64),
            np.frombuffer(self._lines, np.uint64),
            np.frombuffer(self._asked, np.uint32),
            np.frombuffer(self._about, np.uint32),
        )

    @staticmethod
    def _pairs(order: np.ndarray, found: np.ndarray, lines: np.ndarray) -> Iterator[tuple[int, int]]:
        pairs = ((int(lines[order[place + 1]]), int(lines[order[place]])) for place in np.flatnonzero(found))
        yield from sorted(pairs)
