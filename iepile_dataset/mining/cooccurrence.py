"""Which labels meet: on the same mention, and in the same text."""

from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from itertools import combinations
from typing import Any
from zlib import crc32

import numpy as np
import orjson

_MENTIONS = 1 << 17  # about 30 MB of them at most


def mentions(answer: Any) -> Iterator[str]:
    """What an answer says of one label, as strings that can be compared with what it says of another.

    Entities are their mentions, relations their two ends, events their triggers, graph nodes their names; what has
    none of these is passed over, for a model's answer may be anything.

    >>> list(mentions(["Ulm", {"subject": "Ada", "object": "Ulm"}, {"trigger": "sued", "arguments": {}}, 7]))
    ['Ulm', 'Ada → Ulm', 'sued']
    """
    if isinstance(answer, dict):
        yield from answer
    if not isinstance(answer, list):
        return
    for value in answer:
        if isinstance(value, dict):
            if "trigger" in value:
                value = value["trigger"]
            elif isinstance(value.get("subject"), str) and isinstance(value.get("object"), str):
                value = f"{value['subject']} → {value['object']}"
        if isinstance(value, str) and value not in ("", "NAN"):
            yield value


class Meetings:
    """Counts of the meetings of one source's labels, in memory that does not grow with the corpus.

    Beyond `limit` distinct mentions, those stay whose checksum divides by 2, then by 4 and so on: the shares
    below are then those of an evenly drawn part, the same one on every machine.

    Args:
        labels: Of the source; others are passed over.
        limit: The most mentions that are remembered.

    >>> met = Meetings(["city", "person"])
    >>> met.add({"city": '["Ulm", "Ada"]', "person": '["Ada"]'})
    >>> met.shares_of_mentions().round(2).tolist()  # 1 of √(2 · 1)
    [[0.0, 0.71], [0.71, 0.0]]
    >>> met.shares_of_texts().tolist()
    [[0.0, 1.0], [1.0, 0.0]]
    >>> met.examples()
    {('city', 'person'): ['Ada']}
    """

    def __init__(self, labels: Sequence[str], limit: int = _MENTIONS) -> None:
        self.records = 0
        self._numbers = {label: number for number, label in enumerate(labels)}
        self._limit, self._every = limit, 1
        self._labels_of: dict[str, int] = {}  # a mention → the bits of its labels
        self._texts: Counter[tuple[int, int]] = Counter()

    @property
    def every(self) -> int:
        """Each how many-th mention is remembered: 1 for all of them."""
        return self._every

    def add(self, found: Mapping[str, str]) -> None:
        """Count one record.

        Args:
            found: Label → JSON answer, for the labels that occur in it.
        """
        self.records += 1
        numbers = sorted(self._numbers[label] for label in found if label in self._numbers)
        self._texts.update((number, number) for number in numbers)
        self._texts.update(combinations(numbers, 2))
        for label, answer in found.items():
            if label in self._numbers:
                self._remember(1 << self._numbers[label], mentions(orjson.loads(answer)))

    def shares_of_mentions(self) -> np.ndarray:
        """For each two labels, the mentions that have both over √(those of the one · those of the other)."""
        counts: Counter[tuple[int, int]] = Counter()
        # Few sets of labels stand behind many mentions.
        for bits, number in Counter(self._labels_of.values()).items():
            having = _numbers(bits)
            for pair in (*((number, number) for number in having), *combinations(having, 2)):
                counts[pair] += number
        return _cosines(counts, len(self._numbers))

    def shares_of_texts(self) -> np.ndarray:
        """For each two labels, the texts that have both over √(those of the one · those of the other)."""
        return _cosines(self._texts, len(self._numbers))

    def examples(self, count: int = 3) -> dict[tuple[str, str], list[str]]:
        """For each two labels that meet on a mention, in their given order, the first such mentions."""
        labels = list(self._numbers)
        found: dict[tuple[str, str], list[str]] = {}
        for mention, bits in self._labels_of.items():
            if bits & (bits - 1):  # more than one label
                for one, other in combinations(_numbers(bits), 2):
                    some = found.setdefault((labels[one], labels[other]), [])
                    if len(some) < count:
                        some.append(mention)
        return found

    def _remember(self, bit: int, found: Iterable[str]) -> None:
        for mention in found:
            if self._every > 1 and crc32(mention.encode("utf-8", "replace")) % self._every:
                continue
            self._labels_of[mention] = self._labels_of.get(mention, 0) | bit
            while len(self._labels_of) > self._limit:
                self._every *= 2
                self._labels_of = {
                    kept: bits
                    for kept, bits in self._labels_of.items()
                    if crc32(kept.encode("utf-8", "replace")) % self._every == 0
                }


def _numbers(bits: int) -> list[int]:
    return [number for number in range(bits.bit_length()) if bits >> number & 1]


def _cosines(counts: Mapping[tuple[int, int], int], size: int) -> np.ndarray:
    table = np.zeros((size, size))
    for (one, other), number in counts.items():
        table[one, other] = table[other, one] = number
    each = np.sqrt(np.where(table.diagonal(), table.diagonal(), 1))
    cosines = table / np.outer(each, each)
    np.fill_diagonal(cosines, 0.0)
    return cosines
