"""A page as it lies in a file against the same page written anew: every value that differs, with its source."""

import re
from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from difflib import SequenceMatcher
from typing import Any

from .provenance import pieces, plain

# Digits that are part of a name (T5, en_2) are none.
_NUMBER = re.compile(r"(?<![\w.])[-+]?(?:\d[\d,]*(?:\.\d+)?|\.\d+)(?:e[-+]?\d+)?", re.IGNORECASE)
_ALIKE = 0.5  # how alike two lines are, 0 to 1, that count as one line changed
_SHOWN = 100  # characters

Pieces = list[tuple[str, str | None]]


@dataclass(frozen=True)
class Difference:
    """A place of a card that its source does not bear out.

    Attributes:
        place: File, and line or key.
        says: What the card says there.
        source: File and key that it should come from; "" where no source has it.
        expected: What stands there.
    """

    place: str
    says: str
    source: str
    expected: str = ""

    def __str__(self) -> str:
        if not self.source:
            return f"{self.place}: says {_shown(self.says)}, which no source says"
        return f"{self.place}: says {_shown(self.says)}, {self.source} says {_shown(self.expected)}"


def compare_text(file: str, marked: str, text: str, first: int = 1) -> Iterator[Difference]:
    """Compare a rendered text with what lies in a file.

    The template's words may be edited and lines added, as long as no number comes in that has no source.

    Args:
        file: Its name, for the differences.
        marked: The text as it should be, see `provenance.render`.
        text: The text as it is.
        first: Number of its first line in the file.

    >>> marked = "F1 \\ue000scores.json f1\\ue0010.5\\ue002 of 2 tries"
    >>> [str(found) for found in compare_text("a.md", marked, "F1 0.9 of 2 tries")]
    ["a.md:1: says '0.9', scores.json f1 says '0.5'"]
    """
    wanted = [pieces(line) for line in marked.splitlines()]
    expected, found = plain(marked).splitlines(), text.splitlines()
    for what, i, i_end, j, j_end in SequenceMatcher(None, expected, found, autojunk=False).get_opcodes():
        if what == "equal":
            continue
        for at, here in _pairs(expected, found, range(i, i_end), range(j, j_end)):
            place = f"{file}:{first + (j if here is None else here)}"
            line = "" if here is None else found[here]
            yield from _compare_line(place, [] if at is None else wanted[at], line)


def compare_values(file: str, key: str, expected: Any, found: Any, source: str) -> Iterator[Difference]:
    """Compare a value of metadata; tags may be added."""
    if key == "tags" and set(expected or ()) <= set(found or ()):
        return
    if expected != found:
        yield Difference(f"{file} {key}", _word(found), source, _word(expected))


def value_from(source: str, marked: str, text: str) -> str | None:
    """What stands in a text where a rendered one has the values of a source."""
    lines = text.splitlines()
    for parts in map(pieces, marked.splitlines()):
        for place, (_, origin) in enumerate(parts):
            if origin == source:
                nth = sum(1 for _, each in parts[:place] if each is not None)
                values = next((values for line in lines if (values := values_in(parts, line))), None)
                if values:
                    return values[nth]
    return None


def values_in(parts: Pieces, line: str) -> list[str] | None:
    """The values of a line that has a rendered line's words, None where it has others.

    >>> values_in([("of ", None), ("3", "a"), (" rows", None)], "of 12 rows")
    ['12']
    """
    at = 0
    values = []
    for place, (text, source) in enumerate(parts):
        if source is None:
            if not line.startswith(text, at):
                return None
            at += len(text)
            continue
        after = parts[place + 1][0] if place + 1 < len(parts) and parts[place + 1][1] is None else ""
        if line.startswith(text + after, at) and (after or at + len(text) == len(line)):
            end = at + len(text)
        else:
            end = line.find(after, at) if after else len(line)
        if end < 0:
            return None
        values.append(line[at:end])
        at = end
    return values if at == len(line) else None


def _pairs(
    expected: Sequence[str], found: Sequence[str], wanted: range, there: range
) -> Iterable[tuple[int | None, int | None]]:
    """Which line became which; None where it came from nothing or went."""
    if len(wanted) == len(there):
        return list(zip(wanted, there))
    pairs: list[tuple[int | None, int | None]] = []
    left = list(there)
    for at in wanted:
        alike = {here: SequenceMatcher(None, expected[at], found[here], autojunk=False).ratio() for here in left}
        best = max(alike, key=lambda here: alike[here], default=None)
        if best is None or alike[best] < _ALIKE:
            pairs.append((at, None))
        else:
            left.remove(best)
            pairs.append((at, best))
    return pairs + [(None, here) for here in left]


def _compare_line(place: str, parts: Pieces, line: str) -> Iterator[Difference]:
    told = [(text, source) for text, source in parts if source is not None]
    values = values_in(parts, line)
    if values is not None:
        for (text, source), value in zip(told, values):
            if value != text:
                yield Difference(place, value, source, text)
        return
    for text, source in told:
        if text not in line:
            yield Difference(place, line.strip(), source, text)
    known = Counter(_NUMBER.findall("".join(text for text, _ in parts)))
    for number in (Counter(_NUMBER.findall(line)) - known).elements():
        yield Difference(place, number, "")


def _word(value: Any) -> str:
    return "" if value is None else str(value)


def _shown(text: str) -> str:
    if not text:
        return "nothing"
    return repr(text if len(text) <= _SHOWN else text[:_SHOWN] + "…")
