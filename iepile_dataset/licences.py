"""What the licence words of a source allow, as far as words can tell."""

import re

USES = ("any", "derivatives", "commercial")

_KNOWN = re.compile(r"\b(MIT|Apache|BSD|GPL|ODC|ODbL|CC0|CC[ -]BY|public domain)", re.IGNORECASE)
_FORBIDDEN = {
    "commercial": re.compile(
        r"\bNC\b|non-?commercial|(research|academic|educational)[\w ]*only|only for (research|academic)", re.IGNORECASE
    ),
    "derivatives": re.compile(r"\bND\b|no-?deriv", re.IGNORECASE),
}
# Words that take something out of a known licence leave the rest of the data without one.
_EXCEPT = re.compile(r"not covered|terms apply|third.party", re.IGNORECASE)


def allows(words: str, use: str) -> bool:
    """Whether licence words plainly allow a use; unknown or doubtful words do not.

    Args:
        words: As they stand in a source's `meta.json`.
        use: `any` (a known licence is named), `derivatives` or `commercial`.

    >>> allows("CC-BY 4.0", "commercial"), allows("CC BY-NC-SA 4.0", "commercial"), allows("", "any")
    (True, False, False)
    >>> allows("MIT; for academic research purposes only", "commercial")
    False
    """
    if not _KNOWN.search(words) or _EXCEPT.search(words):
        return False
    return use == "any" or not _FORBIDDEN[use].search(words)
