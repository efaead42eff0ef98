"""What the licence words of a source allow, as far as words can tell."""

import re

__all__ = ["allows"]

USES = ("any", "derivatives", "commercial")


def _words(*patterns: str) -> re.Pattern[str]:
    """Whole words: `\\b` will not do, for it sees no end in `CC_BY_NC`."""
    return re.compile(rf"(?<![A-Za-z])(?:{'|'.join(patterns)})(?![A-Za-z])", re.IGNORECASE)


# "mit" is German for "with", so in small letters it must stand where a licence does.
_KNOWN = _words(
    r"(?-i:MIT)", r"mit(?=\s*\Z|[ -]licen[cs]e)", r"Apache", r"BSD", r"[AL]?GPL(?:v\d)?", r"ODC", r"ODbL", r"CC0",
    r"CC[ _-]?BY", r"public domain",
)  # fmt: skip
# The licence of a program says nothing about data.
_CODE = re.compile(r"\(code\b[^)]*\)|[^;,()]*\(code\)|\bcode:[^;,]*", re.IGNORECASE)
# Words that speak of a use at all put it in doubt, whichever way they are turned.
_DOUBTFUL = {
    "commercial": re.compile(
        rf"{_words('NC').pattern}|commercial|research|academic|education|scholar|personal use|商用|商业|研究|学术",
        re.IGNORECASE,
    ),
    "derivatives": re.compile(rf"{_words('ND').pattern}|deriv|unmodified|verbatim|演绎|改编", re.IGNORECASE),
}
# Words that take something out of a known licence leave the rest of the data without one.
_EXCEPT = re.compile(
    r"not covered|terms apply|third.party|unlicen[cs]ed|no licen[cs]e|not licen[cs]ed|unknown|unclear|not stated"
    r"|agreement|permission|consent|on request|rights reserved|proprietary",
    re.IGNORECASE,
)


def allows(words: str, use: str) -> bool:
    """Whether licence words plainly allow a use; unknown or doubtful words do not.

    Args:
        words: As they stand in a source's `meta.json`.
        use: `any` (a known licence is named), `derivatives` or `commercial`.

    >>> allows("CC-BY 4.0", "commercial"), allows("CC_BY_NC_SA 4.0", "commercial"), allows("", "any")
    (True, False, False)
    >>> allows("MIT; for research purposes", "commercial"), allows("MIT (code)", "any")
    (False, False)
    """
    if not _KNOWN.search(_CODE.sub("", words)) or _EXCEPT.search(words):
        return False
    return use == "any" or not _DOUBTFUL[use].search(words)
