"""Near-duplicate texts: MinHash finds the candidates, the shingles themselves decide."""

import re
import zlib
from collections.abc import Iterator, Sequence

from ..errors import DataError

_RUN = 3
_PERMUTATIONS = 64
# Rather a candidate too many than a pair missed: each is checked against the shingles.
_WEIGHTS = (0.1, 0.9)
_MOST = 0.9


def shingles(text: str, language: str) -> frozenset[str]:
    """What a text is compared by: three words in a row, or three characters in a row in Chinese.

    Case, punctuation and white space do not count.

    >>> sorted(shingles("Ada was born, in Ulm", "en"))
    ['ada was born', 'born in ulm', 'was born in']
    >>> sorted(shingles("乌尔姆的人", "zh"))
    ['乌尔姆', '姆的人', '尔姆的']
    """
    between, unit = ("", r"\w") if language == "zh" else (" ", r"\w+")
    units = re.findall(unit, text.lower())
    # A text without a single letter is only like itself.
    runs = [units[start : start + _RUN] for start in range(max(1, len(units) - _RUN + 1))] if units else [[text]]
    return frozenset(map(between.join, runs))


def near_duplicates(texts: Sequence[str], language: str, threshold: float) -> Iterator[tuple[int, int]]:
    """(place, earlier place) of each text that shares enough of its shingles with an earlier one that stays.

    Args:
        texts: Unlike each other.
        language: `zh` compares characters, anything else words.
        threshold: Least share of common shingles (Jaccard), above 0 and at most 1.

    Raises:
        DataError: The package datasketch is not installed.

    >>> list(near_duplicates(["Ada was born in Ulm.", "ADA was born in Ulm", "Bo lives in Bonn."], "en", 0.8))
    [(1, 0)]
    """
    try:
        from datasketch import MinHash, MinHashLSH
    except ImportError:
        raise DataError("near-duplicates need datasketch (pip install 'iepile[clean]', or --skip near)") from None
    index = MinHashLSH(threshold=min(threshold, _MOST), num_perm=_PERMUTATIONS, weights=_WEIGHTS)
    encoded = ([shingle.encode() for shingle in shingles(text, language)] for text in texts)
    sketches = MinHash.generator(encoded, num_perm=_PERMUTATIONS, seed=1, hashfunc=zlib.crc32)
    for place, sketch in enumerate(sketches):
        for earlier in sorted(index.query(sketch)):
            # Cut anew where needed: kept for all texts, shingles would take many times the texts' own memory.
            mine, theirs = shingles(texts[place], language), shingles(texts[earlier], language)
            if len(mine & theirs) >= threshold * len(mine | theirs):
                yield place, earlier
                break
        else:
            index.insert(place, sketch, check_duplication=False)
