"""Which labels meet: on the same mention, and in the same text."""

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
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


class Cooccurrence:
    """Counts on how many mentions and in how many texts one source's labels meet, in memory that does not grow.

    Beyond `limit` distinct mentions, those stay whose checksum divides by 2, then by 4 and so on: the shares
    below are then those of an evenly drawn part, the same one on every machine.

    Args:
        labels: Of the source; others are passed over.
        limit: The most mentions that are remembered.

    >>> met = Cooccurrence(["city", "person"])
    >>> met.add({"city": '["Ulm", "Ada"]', "person": '["Ada"]'})
    >>> met.shares_of_mentions().round(2).tolist()  # 1 of √(2 · 1)
    [[0.0, 0.71], [0.71, 0.0]]
    >>> met.shares_of_texts().tolist()
    [[0.0, 1.0], [1.0, 0.0]]
    >>> met.examples()
    {('city', 'person'): ['Ada']}
    """

    def __init__(self, labels: Sequence[str], limit: int = _MENTIONS) -> None:
        self.every = 1
        """Each how many-th mention is remembered: 1 for all of them."""
        self._numbers = {label: number for number, label in enumerate(labels)}
        self._limit = limit
        self._labels_of: dict[str, int] = {}  # a mention → the bits of its labels
        self._texts: Counter[tuple[int, ...]] = Counter()  # sets of labels

    def add(self, answers: Mapping[str, str]) -> None:
        """Count one record.

        Args:
            answers: Label → JSON answer, for the labels that occur in it.
        """
        known = {self._numbers[label]: answer for label, answer in answers.items() if label in self._numbers}
        self._texts[tuple(sorted(known))] += 1
        for number, answer in known.items():
            for mention in mentions(orjson.loads(answer)):
                if self._is_drawn(mention):
                    self._labels_of[mention] = self._labels_of.get(mention, 0) | 1 << number
        while len(self._labels_of) > self._limit:
            self.every *= 2
            self._labels_of = {mention: bits for mention, bits in self._labels_of.items() if self._is_drawn(mention)}

    def shares_of_mentions(self) -> np.ndarray:
        """For each two labels, the mentions that have both over √(those of the one · those of the other)."""
        # Few sets of labels stand behind many mentions.
        sets = Counter(self._labels_of.values())
        return self._cosines({_numbers(bits): count for bits, count in sets.items()})

    def shares_of_texts(self) -> np.ndarray:
        """For each two labels, the texts that have both over √(those of the one · those of the other)."""
        return self._cosines(self._texts)

    def examples(self, count: int = 3) -> dict[tuple[str, str], list[str]]:
        """For each two labels that meet on a mention, in their given order, the first such mentions."""
        labels = list(self._numbers)
        shared: dict[tuple[str, str], list[str]] = {}
        for mention, bits in self._labels_of.items():
            for one, other in combinations(_numbers(bits), 2) if bits & (bits - 1) else ():
                some = shared.setdefault((labels[one], labels[other]), [])
                if len(some) < count:
                    some.append(mention)
        return shared

    def _is_drawn(self, mention: str) -> bool:
        return self.every == 1 or crc32(mention.encode("utf-8", "replace")) % self.every == 0

    def _cosines(self, sets: Mapping[tuple[int, ...], int]) -> np.ndarray:
        table = np.zeros((len(self._numbers), len(self._numbers)))
        for numbers, count in sets.items():
            table[np.ix_(numbers, numbers)] += count
        norms = np.sqrt(np.maximum(table.diagonal(), 1))
        cosines = table / np.outer(norms, norms)
        np.fill_diagonal(cosines, 0.0)
        return cosines


def _numbers(bits: int) -> tuple[int, ...]:
    return tuple(number for number in range(bits.bit_length()) if bits >> number & 1)
