"""The licence that a model inherits: the strictest of its data."""

import re
from collections.abc import Iterable

# From strict to free: the Hub's identifier, less its version; the versions that the Hub knows; how to recognise it.
_KNOWN = (
    ("cc-by-nc-nd", ("3.0", "4.0"), r"by.nc.nd"),
    ("cc-by-nc-sa", ("2.0", "3.0", "4.0"), r"by.nc.sa"),
    ("cc-by-nc", ("2.0", "3.0", "4.0"), r"by.nc"),
    ("cc-by-nd", ("4.0",), r"by.nd"),
    ("gpl-3.0", (), r"\bgpl.{0,3}3"),
    ("cc-by-sa", ("3.0", "4.0"), r"by.sa"),
    ("cc-by", ("2.0", "2.5", "3.0", "4.0"), r"cc.by"),
    ("apache-2.0", (), r"apache"),
    ("bsd-3-clause", (), r"bsd.3"),
    ("mit", (), r"(?-i:\bMIT\b)|^mit$|\bmit licen[cs]e"),
    ("cc0-1.0", (), r"\bcc0"),
)
# The licence of a program says nothing about data.
_CODE = re.compile(r"\(code\b[^)]*\)|[^;,()]*\(code\)|\bcode:[^;,]*", re.IGNORECASE)
_COMMERCIAL = re.compile(r"commercial|商用|商业", re.IGNORECASE)
# Words that take something out of a licence, or add a condition to it: then it is not the one that the Hub knows.
_MORE = re.compile(
    r"not covered|terms apply|third.party|unlicen[cs]ed|no licen[cs]e|not licen[cs]ed|unknown|unclear|not stated"
    r"|agreement|permission|consent|on request|rights reserved|proprietary"
    r"|research|academic|education|scholar|personal use|研究|学术"
    r"|\b(?:[al]gpl|odbl|odc|gfdl|gpl.{0,3}2)",  # and licences that have no place in the order above
    re.IGNORECASE,
)


def strictest(licences: Iterable[str]) -> str:
    """The Hub identifier of the strictest of some licences; `other` where one of them is not understood.

    Args:
        licences: Licence words as data sets give them. A Creative Commons licence needs its version, one that
            the Hub knows.

    >>> strictest(["CC-BY-4.0 (written for this package)", "repo LICENSE: Apache-2.0"])
    'cc-by-4.0'
    >>> strictest(["MIT", "CC BY-NC-SA 3.0"]), strictest(["MIT", "ask the authors"]), strictest([])
    ('cc-by-nc-sa-3.0', 'other', 'other')
    >>> strictest(["MIT; for academic research only"]), strictest(["CC-BY 4.0 (code MIT)"])
    ('other', 'cc-by-4.0')
    """
    ranks = [_ranked(words) for words in licences]
    if not ranks or None in ranks:
        return "other"
    return min(ranked for ranked in ranks if ranked is not None)[1]


def _ranked(words: str) -> tuple[int, str] | None:
    words = _CODE.sub("", words)
    if _MORE.search(words):
        return None
    for rank, (name, versions, pattern) in enumerate(_KNOWN):
        if match := re.search(pattern, words, re.IGNORECASE):
            if "-nc" not in name and _COMMERCIAL.search(words):
                return None
            if not versions:
                return rank, name
            version = re.search(r"\d\.\d", words[match.end() :])
            return (rank, f"{name}-{version[0]}") if version and version[0] in versions else None
    return None
