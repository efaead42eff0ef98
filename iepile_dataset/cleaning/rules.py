"""Which records of a source go, and why: each rule is a function of what is known about all of them."""

from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from hashlib import blake2b
from typing import Any

import orjson

from ..options import NORMALISE, CleanOptions
from .near_duplicates import near_duplicates

_HELD_OUT = ("validation", "test")


@dataclass(eq=False, slots=True)
class Record:
    """One line of a source, and what the rules know of it.

    Attributes:
        split: `train`, `validation` or `test`.
        line: Its 1-based line.
        raw: The line, without its end.
        text: Its text, normalised where that rule is on; None where the line holds none.
        annotation: A digest of its annotation, the same for any order of the items; None where it has none.
        annotated: It has at least one annotation.
        fits: Its annotation fits its text and schema.
        changed: The line that is written instead.
        unnormalised: It is not, since a mention would have been lost.
        drop: Why it goes, if it does.
    """

    split: str
    line: int
    raw: bytes = b""
    text: str | None = None
    annotation: bytes | None = None
    annotated: bool = False
    fits: bool = False
    changed: bytes | None = None
    unnormalised: bool = False
    drop: "Drop | None" = None


@dataclass(frozen=True, eq=False, slots=True)
class Drop:
    """Why a record goes, and which one stays in its stead."""

    rule: str
    reason: str
    twin: Record | None = None


def digest_of(items: Any) -> bytes | None:
    """A digest of an annotation; None where there is none.

    >>> digest_of([{"x": 1, "y": 2}, {"z": 3}]) == digest_of([{"z": 3}, {"y": 2, "x": 1}])
    True
    """
    return None if items is None else blake2b(_canonical(items), digest_size=16).digest()


def _canonical(value: Any) -> bytes:
    """JSON that does not depend on the order of keys or items: neither says anything in an annotation."""
    if isinstance(value, list):
        return b"[" + b",".join(sorted(map(_canonical, value))) + b"]"
    if isinstance(value, dict):
        parts = (orjson.dumps(name) + b":" + _canonical(part) for name, part in sorted(value.items()))
        return b"{" + b",".join(parts) + b"}"
    return orjson.dumps(value)


def drop(records: Sequence[Record], language: str, options: CleanOptions) -> None:
    """Mark the records that go; rules see only what the rules before them left.

    Args:
        records: Those of one source, split after split.
        language: How texts are cut into shingles, `en` or `zh`.
        options: Which rules are on.

    >>> records = [Record("train", line, text="In Ulm") for line in (1, 2)]
    >>> drop(records, "en", CleanOptions(only=("duplicate",)))
    >>> records[0].drop, records[1].drop.reason, records[1].drop.twin is records[0]
    (None, 'same text and annotation', True)
    """
    for name in options.rules:
        if name != NORMALISE:
            left = [record for record in records if not record.drop]
            for record, reason, twin in RULES[name](left, language, options):
                record.drop = Drop(name, reason, twin)


def leaks(records: Sequence[Record]) -> dict[str, int]:
    """Held-out split → how many distinct texts it shares with train, letter for letter.

    >>> leaks([Record(split, 1, text="In Ulm") for split in ("train", "test", "test")])
    {'test': 1}
    """
    texts: dict[str, set[str]] = {}
    for record in records:
        texts.setdefault(record.split, set()).update([record.text] if record.text else ())
    return {split: len(texts[split] & texts["train"]) for split in _HELD_OUT if "train" in texts and split in texts}


Drops = Iterator[tuple[Record, str, Record | None]]
"""(the record that goes, why, the one that stays)"""


def _empty(left: list[Record], language: str, options: CleanOptions) -> Drops:
    for record in left:
        if record.text is None:
            yield record, "not an object with a text, or nested too deep to be read", None
        elif not record.text.strip():
            yield record, "the text is empty", None
        elif not record.annotated and not any(map(str.isalnum, record.text)):
            yield record, "no letter or digit in the text, and nothing annotated", None


def _leak(left: list[Record], language: str, options: CleanOptions) -> Drops:
    sides: tuple[dict[str, Record], dict[str, Record]] = ({}, {})  # held out, train
    for record in left:
        if record.text:
            sides[record.split == "train"].setdefault(record.text, record)
    loses = options.leak_from == "train"
    for record in left:
        twin = sides[not loses].get(record.text or "")
        if twin and (record.split == "train") is loses:
            yield record, f"the text is in {twin.split} too", twin


def _contradiction(left: list[Record], language: str, options: CleanOptions) -> Drops:
    """Of the annotations that fit, the one that most records of a text have stays; where none leads, the first."""
    said = [record for record in left if record.text and record.annotation is not None]
    votes: dict[tuple[str, str | None], Counter[bytes | None]] = {}
    first: dict[tuple[str, str | None, bytes | None], Record] = {}
    for record in said:
        # One that fits outvotes any number of those that do not.
        votes.setdefault((record.split, record.text), Counter())[record.annotation] += len(said) if record.fits else 1
        first.setdefault((record.split, record.text, record.annotation), record)
    for record in said:
        ballot = votes[record.split, record.text]
        best = max(ballot, key=ballot.__getitem__)  # the first of equals, in the order of occurrence
        if record.annotation != best:
            yield record, "same text, another annotation", first[record.split, record.text, best]


def _duplicate(left: list[Record], language: str, options: CleanOptions) -> Drops:
    first: dict[tuple[str, str, bytes | None], Record] = {}
    for record in left:
        if record.text:
            twin = first.setdefault((record.split, record.text, record.annotation), record)
            if twin is not record:
                yield record, "same text and annotation", twin


def _near(left: list[Record], language: str, options: CleanOptions) -> Drops:
    """Records of one text go or stay together: it is the other rules that tell them apart."""
    splits: dict[str, dict[str, list[Record]]] = {}
    for record in left:
        if record.text:
            splits.setdefault(record.split, {}).setdefault(record.text, []).append(record)
    for by_text in splits.values():
        texts = list(by_text)
        for later, earlier in near_duplicates(texts, language, options.threshold):
            for record in by_text[texts[later]]:
                yield record, "nearly the same text", by_text[texts[earlier]][0]


RULES: Mapping[str, Callable[[list[Record], str, CleanOptions], Drops]] = {
    "empty": _empty, "leak": _leak, "contradiction": _contradiction, "duplicate": _duplicate, "near": _near,
}  # fmt: skip
