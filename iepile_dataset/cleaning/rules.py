"""Which records of a source go, and why: each rule is a function of what is known about all of them."""

from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from hashlib import blake2b
from typing import Any

import orjson

from ..errors import DataError, shown
from .near_duplicates import near_duplicates

NORMALISE = "normalise"
_HELD_OUT = ("validation", "test")


@dataclass(frozen=True, slots=True)
class Fact:
    """What the rules know of one record.

    Attributes:
        split: `train`, `validation` or `test`.
        line: Its 1-based line.
        text: Its text, normalised where that rule is on; None where the line holds none.
        annotation: A digest of its annotation, the same for any order of the items; None where it has none.
        annotated: It has at least one annotation.
        fits: Its annotation fits its text and schema.
    """

    split: str
    line: int
    text: str | None
    annotation: bytes | None
    annotated: bool
    fits: bool = True


@dataclass(frozen=True, slots=True)
class Drop:
    """Why a record goes, and which one stays in its stead."""

    rule: str
    reason: str
    twin: int | None = None


@dataclass(frozen=True)
class CleanOptions:
    """How a corpus is cleaned; what each field means stands in its help.

    Raises:
        DataError: A rule or a value is unknown, or no rule is left.

    >>> CleanOptions(only=("duplicate",)).rules
    ('duplicate',)
    """

    only: tuple[str, ...] = field(
        default=(),
        metadata={
            "help": "Only this rule: normalise, empty, leak, contradiction, duplicate or near; again for several.",
            "type": list[str],
        },
    )
    skip: tuple[str, ...] = field(
        default=(), metadata={"help": "All but this rule; again for several.", "type": list[str]}
    )
    threshold: float = field(
        default=0.8,
        metadata={
            "help": "Near-duplicates share at least this part of their three-word or three-letter runs, up to 1."
        },
    )
    leak_from: str = field(
        default="train",
        metadata={
            "help": "The side that loses a text which train shares with validation or test; test means both of them.",
            "choices": ("train", "test"),
        },
    )

    def __post_init__(self) -> None:
        for name in ("only", "skip"):
            object.__setattr__(self, name, tuple(getattr(self, name)))
        known = (NORMALISE, *RULES)
        for name in (*self.only, *self.skip):
            if name not in known:
                raise DataError(f"rule {shown(name)} is unknown (one of {', '.join(known)})")
        if not 0 < self.threshold <= 1:
            raise DataError(f"threshold={self.threshold} (a share of common shingles, above 0 and at most 1)")
        if self.leak_from not in ("train", "test"):
            raise DataError(f"leak_from={shown(self.leak_from)} (train, or test for validation and test)")
        if not self.rules:
            raise DataError("no rule is left (fewer --skip)")

    @property
    def rules(self) -> tuple[str, ...]:
        """The rules that are on, in the order in which they are applied."""
        return tuple(name for name in (NORMALISE, *RULES) if name in (self.only or (name,)) and name not in self.skip)


def fact(split: str, line: int, record: Any, text: str | None, key: str, fits: bool = True) -> Fact:
    """What the rules know of a record.

    >>> one = fact("train", 1, {"text": "a", "entity": [{"x": 1, "y": 2}, {"z": 3}]}, "a", "entity")
    >>> two = fact("train", 2, {"text": "a", "entity": [{"z": 3}, {"y": 2, "x": 1}]}, "a", "entity")
    >>> one.annotation == two.annotation
    True
    """
    items = record.get(key) if isinstance(record, dict) else None
    digest = None if items is None else blake2b(_canonical(items), digest_size=16).digest()
    return Fact(split, line, text, digest, bool(items), fits)


def _canonical(value: Any) -> bytes:
    """JSON that does not depend on the order of keys or items: neither says anything in an annotation."""
    if isinstance(value, list):
        return b"[" + b",".join(sorted(map(_canonical, value))) + b"]"
    if isinstance(value, dict):
        parts = (orjson.dumps(name) + b":" + _canonical(part) for name, part in sorted(value.items()))
        return b"{" + b",".join(parts) + b"}"
    return orjson.dumps(value)


def drops(facts: Sequence[Fact], language: str, options: CleanOptions) -> dict[int, Drop]:
    """Place of each record that goes → why; rules see only what the rules before them left.

    Args:
        facts: The records of one source, split after split.
        language: How texts are cut into shingles, `en` or `zh`.
        options: Which rules are on.

    >>> facts = [fact("train", line, {"entity": []}, "In Ulm", "entity") for line in (1, 2)]
    >>> drops(facts, "en", CleanOptions(only=("duplicate",)))
    {1: Drop(rule='duplicate', reason='same text and annotation', twin=0)}
    """
    gone: dict[int, Drop] = {}
    for name in options.rules:
        if name != NORMALISE:
            left = [place for place in range(len(facts)) if place not in gone]
            gone.update(RULES[name](facts, left, language, options))
    return gone


def leaks(facts: Sequence[Fact]) -> dict[str, int]:
    """Held-out split → how many distinct texts it shares with train, letter for letter.

    >>> leaks([fact(split, 1, {}, "In Ulm", "entity") for split in ("train", "test", "test")])
    {'test': 1}
    """
    texts = {
        split: {fact.text for fact in facts if fact.split == split and fact.text}
        for split in dict.fromkeys(fact.split for fact in facts)
    }
    return {split: len(texts[split] & texts["train"]) for split in _HELD_OUT if "train" in texts and split in texts}


Drops = Iterator[tuple[int, Drop]]


def _empty(facts: Sequence[Fact], left: list[int], language: str, options: CleanOptions) -> Drops:
    for place in left:
        text = facts[place].text
        if text is None:
            yield place, Drop("empty", "not an object with a text, or nested too deep to be read")
        elif not text.strip():
            yield place, Drop("empty", "the text is empty")
        elif not facts[place].annotated and not any(map(str.isalnum, text)):
            yield place, Drop("empty", "no letter or digit in the text, and nothing annotated")


def _leak(facts: Sequence[Fact], left: list[int], language: str, options: CleanOptions) -> Drops:
    train: dict[str, int] = {}
    held_out: dict[str, int] = {}
    for place, text in _texts(facts, left):
        (train if facts[place].split == "train" else held_out).setdefault(text, place)
    other = held_out if options.leak_from == "train" else train
    for place, text in _texts(facts, left):
        if (facts[place].split == "train") is (options.leak_from == "train") and text in other:
            twin = other[text]
            yield place, Drop("leak", f"the text is in {facts[twin].split} too", twin)


def _contradiction(facts: Sequence[Fact], left: list[int], language: str, options: CleanOptions) -> Drops:
    """Of the annotations that fit, the one that most records of a text have stays; where none leads, the first."""
    votes: dict[tuple[str, str], Counter[bytes]] = {}
    first: dict[tuple[str, str, bytes], int] = {}
    for place, text in _texts(facts, left):
        split, annotation = facts[place].split, facts[place].annotation
        if annotation is not None:
            # One that fits outvotes any number of those that do not.
            votes.setdefault((split, text), Counter())[annotation] += len(facts) if facts[place].fits else 1
            first.setdefault((split, text, annotation), place)
    # The first of equals, in the order of occurrence.
    chosen = {where: max(ballot, key=ballot.__getitem__) for where, ballot in votes.items()}
    for place, text in _texts(facts, left):
        split, annotation = facts[place].split, facts[place].annotation
        if annotation is not None and annotation != (best := chosen[split, text]):
            yield place, Drop("contradiction", "same text, another annotation", first[split, text, best])


def _duplicate(facts: Sequence[Fact], left: list[int], language: str, options: CleanOptions) -> Drops:
    first: dict[tuple[str, str, bytes | None], int] = {}
    for place, text in _texts(facts, left):
        twin = first.setdefault((facts[place].split, text, facts[place].annotation), place)
        if twin != place:
            yield place, Drop("duplicate", "same text and annotation", twin)


def _near(facts: Sequence[Fact], left: list[int], language: str, options: CleanOptions) -> Drops:
    """Records of one text go or stay together: it is the other rules that tell them apart."""
    places: dict[str, dict[str, list[int]]] = {}
    for place, text in _texts(facts, left):
        places.setdefault(facts[place].split, {}).setdefault(text, []).append(place)
    for by_text in places.values():
        texts = list(by_text)
        for later, earlier in near_duplicates(texts, language, options.threshold):
            for place in by_text[texts[later]]:
                yield place, Drop("near", "nearly the same text", by_text[texts[earlier]][0])


def _texts(facts: Sequence[Fact], left: list[int]) -> Iterator[tuple[int, str]]:
    """(place, text) of the records that have a text."""
    for place in left:
        text = facts[place].text
        if text:
            yield place, text


RULES: Mapping[str, Callable[[Sequence[Fact], list[int], str, CleanOptions], Drops]] = {
    "empty": _empty, "leak": _leak, "contradiction": _contradiction, "duplicate": _duplicate, "near": _near,
}  # fmt: skip
