"""A page as it lies in a file against the same page written anew: every value that differs, with its source.

Where a line shows a value of a source is found by writing the page once more with another value there.
"""

import re
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from difflib import SequenceMatcher, get_close_matches
from typing import Any

from .card import Page
from .template import fraction, inline, percent, whole

# Digits that are part of a name (T5, en_2) are none.
_NUMBER = re.compile(r"(?<![\w.])[-+]?(?:\d[\d,]*(?:\.\d+)?|\.\d+)(?:e[-+]?\d+)?", re.IGNORECASE)
_ALIKE = 0.5  # how alike two lines are, 0 to 1, that count as one line changed
_SHOWN = 100  # characters
_UNNAMED = "NAMEOFNOREPOSITORY"


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


def _shown(text: str) -> str:
    return repr(text if len(text) <= _SHOWN else text[:_SHOWN] + "…") if text else "nothing"


class Expected:
    """The text of a page, and the sources of the values in its lines.

    Args:
        page: What the card should be.
        without: The heading of a section that is not compared.
    """

    def __init__(self, page: Page, without: str = "") -> None:
        self._page = page
        self.lines = without_section(page.body, without)
        self._leaves = [
            (path, leaf)
            for name, (value, _) in page.sourced.items()
            for path, leaf in _leaves((name, 0), value)
            if leaf is not None
        ]

    def values(self, number: int) -> list[tuple[int, int, str]]:
        """Start, end and source of the values that a line shows; `number` counts from 0."""
        shown = [(path, self._places(number, self.lines[number], path, leaf)) for path, leaf in self._leaves]
        values: list[tuple[int, int, str]] = []
        for start, stop, source in sorted((*place, self._source(path)) for path, places in shown for place in places):
            if not values or start >= values[-1][1]:
                values.append((start, stop, source))
        return values

    def _places(self, number: int, line: str, path: tuple[Any, ...], leaf: Any) -> list[tuple[int, int]]:
        other = _other(leaf)
        for form, changed in zip(_forms(leaf), _forms(other)):
            if form and form in line:
                lines = self._page.render(_altered(self._page.sourced, path, other)).splitlines()
                now = lines[number] if number < len(lines) else ""
                places = [match.span() for match in re.finditer(re.escape(form), line)]
                shows = [(i, j) for i, j in places if line[:i] + changed + line[j:] == now]
                if shows or line.replace(form, changed) == now:
                    return shows or places
        return []

    def _source(self, path: tuple[Any, ...]) -> str:
        place = "".join(f"[{part}]" if isinstance(part, int) else f".{part}" for part in path[2:])
        return (self._page.sourced[path[0]][1] + place.removeprefix(".")).strip()


def _leaves(path: tuple[Any, ...], value: Any) -> Iterator[tuple[tuple[Any, ...], Any]]:
    if isinstance(value, dict | list | tuple):
        for key, part in value.items() if isinstance(value, dict) else enumerate(value):
            yield from _leaves((*path, key), part)
    else:
        yield path, value


def _altered(value: Any, path: tuple[Any, ...], leaf: Any) -> Any:
    """A copy of nested values with another leaf."""
    if not path:
        return leaf
    copy = dict(value) if isinstance(value, dict) else list(value)
    copy[path[0]] = _altered(copy[path[0]], path[1:], leaf)
    return copy


def _other(leaf: Any) -> Any:
    if isinstance(leaf, bool):
        return not leaf
    return "\n".join(f"{line}~" for line in leaf.split("\n")) if isinstance(leaf, str) else leaf + 1


def _forms(leaf: Any) -> list[str]:
    """How templates write a value: its lines, a cell, a number in each of their ways."""
    if isinstance(leaf, int | float) and not isinstance(leaf, bool):
        return [form(leaf) for form in (str, whole, fraction, percent)]
    return [str(inline(leaf)), *str(leaf).split("\n")]


def compare_text(file: str, expected: Expected, text: Sequence[str], first: int = 1) -> Iterator[Difference]:
    """Compare a page with the lines that lie in a file.

    The template's words may be edited and lines added, as long as no number comes in that has no source.

    Args:
        file: Its name, for the differences.
        expected: The page as it should be.
        text: The lines as they are.
        first: Number of the first of them in the file.
    """
    for tag, i, i_end, j, j_end in SequenceMatcher(None, expected.lines, text, autojunk=False).get_opcodes():
        for number, place in _pairs(expected.lines, text, range(i, i_end), range(j, j_end)) if tag != "equal" else ():
            line = "" if place is None else text[place]
            yield from _compare_line(f"{file}:{first + (j if place is None else place)}", expected, number, line)


def _pairs(
    expected: Sequence[str], text: Sequence[str], wanted: range, there: range
) -> Iterable[tuple[int | None, int | None]]:
    """Which line became which; None where it came from nothing or went."""
    if len(wanted) == len(there):
        return list(zip(wanted, there))
    pairs: list[tuple[int | None, int | None]] = []
    left = {text[number]: number for number in reversed(there)}
    for number in wanted:
        best = get_close_matches(expected[number], left, 1, _ALIKE)
        pairs.append((number, left.pop(best[0]) if best else None))
    taken = {place for _, place in pairs}
    return pairs + [(None, number) for number in there if number not in taken]


def _compare_line(place: str, expected: Expected, number: int | None, line: str) -> Iterator[Difference]:
    wanted, values = ("", []) if number is None else (expected.lines[number], expected.values(number))
    pattern, end = "", 0
    for start, stop, _ in values:
        pattern, end = pattern + re.escape(wanted[end:start]) + "(.*?)", stop
    match = re.fullmatch(pattern + re.escape(wanted[end:]), line)
    for (start, stop, source), value in zip(values, match.groups() if match else [line.strip()] * len(values)):
        text = wanted[start:stop]
        if value != text if match else text not in line:
            yield Difference(place, value, source, text)
    if not match:
        known = Counter(_NUMBER.findall(wanted))
        for digits in (Counter(_NUMBER.findall(line)) - known).elements():
            yield Difference(place, digits, "")


def compare_values(
    file: str, expected: Mapping[str, Any], actual: Mapping[str, Any], sources: Mapping[str, str]
) -> Iterator[Difference]:
    """Compare values by their names; tags may be added, and what else holds no number."""
    for key in dict.fromkeys([*expected, *sources]):
        wanted, value = expected.get(key), actual.get(key)
        if wanted != value and not (key == "tags" and set(wanted or ()) <= set(value or ())):
            yield Difference(f"{file} {key}", _word(value), sources.get(key, "iepile"), _word(wanted))
    for key in actual.keys() - expected.keys() - sources.keys():
        for _, leaf in _leaves((), actual[key]):
            if isinstance(leaf, int | float) and not isinstance(leaf, bool):
                yield Difference(f"{file} {key}", str(leaf), "")


def _word(value: Any) -> str:
    return "" if value is None else str(value)


def written_name(page: Callable[[str], Page], text: str) -> str | None:
    """The name that a text has where a page of another name has that: its repository's, as it was written."""
    for line in page(_UNNAMED).body.splitlines():
        if _UNNAMED in line and not line.startswith("# "):  # the title has no more than a part of it
            pattern = re.escape(line).replace(_UNNAMED, "(.+)", 1).replace(_UNNAMED, ".+")
            if match := re.search(f"^{pattern}$", text, re.MULTILINE):
                return match[1]
    return None


def without_section(text: str, heading: str) -> list[str]:
    """The lines of a text with empty ones in place of a section's.

    >>> without_section("a\\n## B\\nb\\n## C", "## B")
    ['a', '', '', '## C']
    """
    lines, inside = [], False
    for line in text.splitlines():
        inside = bool(heading) and (line.startswith(heading) or (inside and not line.startswith("## ")))
        lines.append("" if inside else line)
    return lines
