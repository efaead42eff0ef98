"""Where a mention stands in its text, in characters; nothing is returned that does not quote the text.

An answer gives mentions without places. They are found by these rules:

- Only whole words are taken where there are any: "US" is found inside "USA" if it stands nowhere else.
  Scripts without spaces between words (Chinese, Japanese, Korean, Thai and their neighbours) have no such borders.
- A mention that no word spells so is looked for again without regard to case, white space, line breaks, width,
  accents in one character or two, and the shape of quotation marks and dashes: texts come from PDF and e-mail, and
  models tidy them.
- An entity stands where it is no part of a longer mention of the same answer, if it does anywhere: with "New York"
  and "York", "York" is the one that stands alone.
- It stands at each of these places (`places="all"`), at the first of them, or (`"model"`) the n-th time that an answer
  gives one mention under one label at the n-th; when there are no more, at the first again.
- The two ends of a relation stand at the two occurrences nearest to each other that do not overlap, the first
  such pair; an argument at its occurrence nearest to the trigger.
"""

import re
import unicodedata
from bisect import bisect_left, bisect_right
from collections.abc import Iterable, Iterator, Sequence
from functools import lru_cache
from typing import NamedTuple

from iepile_metric.places import LETTER

Place = tuple[int, int]
"""(start, end) in characters"""

MOST = 1_000
"""How many places of one mention are looked at: who repeats himself more often than that has no nearest place."""

_JOINER = "\u200d"
# A sign with the marks on it; accents may be written in one character with their letter or behind it.
_CLUSTER = re.compile(r"[\s\S][\u0300-\u036f\u3099\u309a]*")
_SHAPES = str.maketrans("‘’‚‛′“”„‟″«»‐‑‒–—―−", "'" * 5 + '"' * 7 + "-" * 7)


def occurrences(text: str, mention: str, start: int = 0, end: int | None = None) -> list[Place]:
    """The places of a mention from left to right: those that are whole words, or all where none is.

    Args:
        text: The text.
        mention: What to look for.
        start: Where to begin.
        end: Where to end; None for the text's end.

    >>> occurrences("The USA and the US", "US"), occurrences("The USA", "US")
    ([(16, 18)], [(4, 6)])
    >>> occurrences("北京大学在北京", "北京")
    [(0, 2), (5, 7)]
    >>> occurrences("the New\\nYork times", "new york")
    [(4, 12)]
    """
    end = len(text) if end is None else end
    whole, inside = _by_words(text, _exact(text, mention, start, end))
    if whole:
        return whole
    folded_whole, folded_inside = _by_words(text, _folded_places(text, mention, start, end))
    return folded_whole or inside or folded_inside


def _by_words(text: str, places: Iterable[Place]) -> tuple[list[Place], list[Place]]:
    """Places between borders of words, and the others; of places that overlap the first, of both at most `MOST`."""
    whole: list[Place] = []
    inside: list[Place] = []
    for place in places:
        kept = whole if all(_is_border(text, border) for border in place) else inside
        if (not kept or kept[-1][1] <= place[0]) and len(kept) < MOST:
            kept.append(place)
        if len(whole) == MOST:
            break
    return whole, inside


def _exact(text: str, mention: str, start: int, end: int) -> Iterator[Place]:
    tries = max(100 * MOST // max(len(mention), 1), MOST)  # a letter stands inside many words before it stands alone
    start = text.find(mention, start, end) if mention else -1
    while start >= 0 and tries:
        tries -= 1
        yield start, start + len(mention)
        start = text.find(mention, start + 1, end)


def _folded_places(text: str, mention: str, start: int, end: int) -> Iterator[Place]:
    wanted = _folded(mention).text.strip()
    folded = _folded(text)
    first, last = bisect_left(folded.starts, start), bisect_right(folded.ends, end)
    for begin, behind in _exact(folded.text, wanted, first, last):
        # A sign that became several letters (a ligature, a fraction) is not cut.
        if begin and folded.starts[begin - 1] == folded.starts[begin]:
            continue
        if behind < len(folded.ends) and folded.ends[behind - 1] == folded.ends[behind]:
            continue
        yield folded.starts[begin], folded.ends[behind - 1]


class _Folded(NamedTuple):
    """A text without what writers differ in, and where each of its characters comes from."""

    text: str
    starts: list[int]
    ends: list[int]


@lru_cache(maxsize=8)
def _folded(text: str) -> _Folded:
    letters: list[str] = []
    starts: list[int] = []
    ends: list[int] = []
    space = None
    for match in _CLUSTER.finditer(text):
        cluster, place = match[0], match.span()
        folded = cluster.lower() if cluster.isascii() else _fold(cluster)
        if not folded.strip():
            space = place if folded else space
            continue
        # Line breaks stand anywhere in scripts that know no spaces.
        if space and letters and not (_is_spaceless(letters[-1]) or _is_spaceless(folded[0])):
            letters.append(" ")
            starts.append(space[0])
            ends.append(space[1])
        space = None
        letters.extend(folded)
        starts += [place[0]] * len(folded)
        ends += [place[1]] * len(folded)
    return _Folded("".join(letters), starts, ends)


def _fold(cluster: str) -> str:
    shaped = unicodedata.normalize("NFKC", "".join(sign for sign in cluster if unicodedata.category(sign) != "Cf"))
    return unicodedata.normalize("NFKC", shaped.translate(_SHAPES).casefold())


def _is_spaceless(letter: str) -> bool:
    return letter.isalpha() and not LETTER.match(letter)


def nearest_pair(heads: Sequence[Place], tails: Sequence[Place]) -> tuple[Place, Place] | None:
    """The two places nearest to each other, None where one list is empty.

    Places that overlap are taken only where no others are; of equals the first head, then the first tail.

    >>> nearest_pair([(0, 3), (20, 23)], [(10, 14), (25, 30)])
    ((20, 23), (25, 30))
    >>> nearest_pair([(0, 3), (9, 12)], [(0, 3), (9, 12)])
    ((0, 3), (9, 12))
    """
    tails = sorted(tails)
    pairs = [(head, tail) for head in heads for tail in _beside(head, tails)]
    return min(pairs, key=lambda pair: (_gap(*pair), pair), default=None)


def nearest(places: Sequence[Place], to: Place | None) -> Place | None:
    """The place nearest to another one, the first where there is none.

    >>> nearest([(0, 3), (20, 23)], (25, 30))
    (20, 23)
    """
    if to is None:
        return places[0] if places else None
    return min(places, key=lambda place: (_gap(place, to), place), default=None)


def _beside(place: Place, others: list[Place]) -> list[Place]:
    """Those that could be nearest: the last before, the first behind, and one that overlaps."""
    length = others[0][1] - others[0][0] if others else 0  # all are places of one mention
    before = bisect_left(others, (place[0] - length + 1, 0))
    behind = bisect_left(others, (place[1], 0))
    picked = others[max(before - 1, 0) : before] + others[behind : behind + 1]
    return picked + others[before:behind][:1]


def _gap(one: Place, other: Place) -> float:
    """Characters between two places; overlapping ones are farther apart than any others."""
    gap = max(one[0], other[0]) - min(one[1], other[1])
    return gap if gap >= 0 else float("inf")


def _is_border(text: str, place: int) -> bool:
    """Whether a word may begin or end here."""
    if place in (0, len(text)):
        return True
    before, after = text[place - 1], text[place]
    if before.isascii() and after.isascii():
        return not (before.isalnum() and after.isalnum())
    if unicodedata.category(after).startswith("M") or _JOINER in (before, after):
        return False  # an accent belongs to the letter before it, a joiner makes one picture of two
    return not (LETTER.match(before) and LETTER.match(after))
