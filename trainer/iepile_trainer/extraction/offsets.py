"""Where a mention stands in its text, in characters; nothing is returned that does not quote the text.

An answer gives mentions without places. They are found by these rules:

- Only whole words are taken where there are any: "US" is found inside "USA" if it stands nowhere else.
  Scripts without spaces between words (Chinese, Japanese, Korean, Thai and their neighbours) have no such borders.
- An entity stands where it is no part of a longer mention of the same answer, if it does anywhere: with "New York"
  and "York", "York" is the one that stands alone.
- The n-th time that an answer gives one mention under one label, it is the n-th occurrence; when there are no
  more, the first again.
- The two ends of a relation stand at the two occurrences nearest to each other that do not overlap, the first
  such pair; an argument at its occurrence nearest to the trigger.
"""

import re
import unicodedata
from bisect import bisect_left
from collections.abc import Sequence

Place = tuple[int, int]
"""(start, end) in characters"""

MOST = 1_000
"""How many places of one mention are looked at: who repeats himself more often than that has no nearest place."""

# Letters and digits of scripts that put spaces between words.
_LETTER = re.compile(
    r"[^\W_\u0e00-\u0eff\u1000-\u109f\u1780-\u17ff\u2e80-\u9fff\uac00-\ud7af\uf900-\ufaff\uff66-\uff9f"
    r"\U00020000-\U0003ffff]"
)
_JOINER = "\u200d"


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
    """
    whole: list[Place] = []
    inside: list[Place] = []
    start = text.find(mention, start, end) if mention else -1
    tries = max(100 * MOST // max(len(mention), 1), MOST)  # a letter stands inside many words before it stands alone
    while start >= 0 and len(whole) < MOST and tries:
        tries -= 1
        place = (start, start + len(mention))
        places = whole if all(_is_border(text, border) for border in place) else inside
        if not places or places[-1][1] <= start:
            places.append(place)
        start = text.find(mention, start + 1, end)
    return whole or inside[:MOST]


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
    return not (_LETTER.match(before) and _LETTER.match(after))
