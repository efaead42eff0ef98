"""When two texts count as the same: exact, normalised, or in part by overlap."""

import re
import unicodedata
from functools import lru_cache

from .mentions import Unit

MATCHES = {
    "exact": "texts are equal, character for character",
    "normalised": "texts are equal after NFKC, case folding, single spaces, less surrounding punctuation",
    "overlap": (
        "exact matches first; then each remaining predicted unit may be credited to one remaining gold "
        "unit with the same labels by the Dice overlap of their texts' longest common run of tokens (words; "
        "single characters in Chinese), the mean over the unit's texts, all of which must overlap; best "
        "pairs first"
    ),
}
COUNTS = {
    "multiset": (
        "gold units that repeat are merged as generated answers merge them; a unit may be predicted as "
        "often as it was annotated, each further time is a false positive"
    ),
    "set": "every unit counts at most once per record",
}

MOST = 1_000
"""How many units of a record are tried for pairs; who answers more than that has other troubles."""

# A run of Latin-like word characters is one token, any other character that is no space is one.
_TOKEN = re.compile(r"[^\W\u2e80-\u9fff\uac00-\ud7af\uf900-\ufaff\U00020000-\U0003ffff]+|\S")


@lru_cache(maxsize=65_536)
def normalised(text: str) -> str:
    r"""Fold what readers do not see as a difference; labels are never folded.

    >>> normalised(" “Ｎｅｗ\u3000 York”. "), normalised("(!)")
    ('new york', '(!)')
    """
    folded = " ".join(unicodedata.normalize("NFKC", text).casefold().split())
    first, last = 0, len(folded)
    while first < last and _outer(folded[first]):
        first += 1
    while first < last and _outer(folded[last - 1]):
        last -= 1
    return folded[first:last] or folded


def _outer(character: str) -> bool:
    return character == " " or unicodedata.category(character).startswith("P")


def respelt(units: list[Unit], positions: tuple[int, ...]) -> list[Unit]:
    """Normalise the texts of units, which stand at the given positions.

    >>> respelt([("Person", "ADA")], (1,))
    [('Person', 'ada')]
    """
    return [tuple(normalised(text) if i in positions else text for i, text in enumerate(unit)) for unit in units]


@lru_cache(maxsize=65_536)
def tokens(text: str) -> tuple[str, ...]:
    """Split into words, or characters where a script has no spaces.

    >>> tokens("New York-based 北京市")
    ('New', 'York', '-', 'based', '北', '京', '市')
    """
    return tuple(_TOKEN.findall(text))


def overlap(one: str, other: str) -> float:
    """Dice overlap of the longest common run of tokens: 2·run / (tokens of one + tokens of other).

    >>> overlap("New York City", "York City"), overlap("Paris", "London")
    (0.8, 0.0)
    """
    left, right = tokens(one)[:200], tokens(other)[:200]
    if not left or not right:
        return 1.0 if left == right else 0.0
    if set(left).isdisjoint(right):
        return 0.0
    longest = 0
    previous = [0] * (len(right) + 1)
    for token in left:
        current = [0] * (len(right) + 1)
        for i, match in enumerate(right):
            if token == match:
                current[i + 1] = previous[i] + 1
                longest = max(longest, current[i + 1])
        previous = current
    return 2 * longest / (len(left) + len(right))


def credits(extra: list[Unit], missed: list[Unit], positions: tuple[int, ...]) -> list[tuple[float, Unit, Unit]]:
    """Pair units that differ in their texts alone, best overlap first, each unit in one pair.

    Returns:
        (credit between 0 and 1, predicted unit, gold unit) of every pair.

    >>> credits([("place", "York City")], [("place", "New York City"), ("name", "York City")], (1,))
    [(0.8, ('place', 'York City'), ('place', 'New York City'))]
    """
    candidates = []
    for i, found in enumerate(extra[:MOST]):
        for j, wanted in enumerate(missed[:MOST]):
            if any(found[k] != wanted[k] for k in range(len(found)) if k not in positions):
                continue
            parts = [overlap(found[k], wanted[k]) for k in positions]
            if all(parts):
                candidates.append((sum(parts) / len(parts), i, j))
    candidates.sort(key=lambda pair: (-pair[0], pair[1], pair[2]))
    pairs: list[tuple[float, Unit, Unit]] = []
    used: tuple[set[int], set[int]] = (set(), set())
    for credit, i, j in candidates:
        if i not in used[0] and j not in used[1]:
            used[0].add(i)
            used[1].add(j)
            pairs.append((credit, extra[i], missed[j]))
    return pairs
