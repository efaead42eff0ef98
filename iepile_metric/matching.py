"""When two texts count as the same: exact, normalised, or in part by overlap."""

import re
import unicodedata
from difflib import SequenceMatcher
from functools import lru_cache

from .mentions import Unit

__all__ = ["COUNTS", "MATCHES"]

Pair = tuple[float, Unit, Unit]
"""Credit between 0 and 1, predicted unit, gold unit."""

MATCHES = {
    "exact": "texts are equal, character for character",
    "normalised": "texts are equal after NFKC, case folding, single spaces, less surrounding punctuation",
    "span": (
        "places are equal: each occurrence counts by its start and end, which the gold states; predictions have those "
        "that they state, or all places of the mention in the text (of two mentions the nearest)"
    ),
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
    outer = "".join({character for character in folded if unicodedata.category(character).startswith("P")})
    return folded.strip(outer + " ") or folded


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
    longest = SequenceMatcher(None, left, right, autojunk=False).find_longest_match().size
    return 2 * longest / (len(left) + len(right))


def credits(extra: list[Unit], missed: list[Unit], positions: tuple[int, ...]) -> list[Pair]:
    """Pair units that differ in their texts alone, best overlap first, each unit in one pair.

    Returns:
        (credit between 0 and 1, predicted unit, gold unit) of every pair.

    >>> credits([("place", "York City")], [("place", "New York City"), ("name", "York City")], (1,))
    [(0.8, ('place', 'York City'), ('place', 'New York City'))]
    """
    candidates = []
    for i, predicted in enumerate(extra[:MOST]):
        for j, gold in enumerate(missed[:MOST]):
            if all(predicted[k] == gold[k] for k in range(len(gold)) if k not in positions):
                parts = [overlap(predicted[k], gold[k]) for k in positions]
                if all(parts):
                    candidates.append((-sum(parts) / len(parts), i, j))
    pairs: dict[int, Pair] = {}
    taken: set[int] = set()
    for credit, i, j in sorted(candidates):
        if i not in pairs and j not in taken:
            taken.add(j)
            pairs[i] = (-credit, extra[i], missed[j])
    return list(pairs.values())
