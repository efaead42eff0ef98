"""Tokens → text, and tags → mentions: what all token formats share."""

import re
from collections.abc import Sequence
from functools import lru_cache

from ..errors import shown
from .document import Document

__all__ = ["Scheme", "join", "scheme_of", "tagged", "tokenised"]

_CJK = re.compile(r"[\u2e80-\u9fff\uf900-\ufaff\ufe30-\ufe4f\uff00-\uffef\U00020000-\U0003ffff]")
_TOKEN = re.compile(rf"{_CJK.pattern}|\w+|[^\w\s]")
_TAG = re.compile(r"^(?:O|([BIESMLUW])[-_](.+))$", re.S)

Scheme = str
"""`BIO`, `IOB1` or `BIOES`; the last stands for BMES and BILOU, too."""


@lru_cache(maxsize=1 << 14)
def is_tag(cell: str) -> bool:
    """Is it O, or a prefix and a label?

    >>> is_tag("B-city"), is_tag("O"), is_tag("city")
    (True, True, False)
    """
    return _TAG.match(cell) is not None


def join(tokens: Sequence[str]) -> tuple[str, list[tuple[int, int]]]:
    """Tokens as a text, and the place of each.

    A space between two, but none beside a Chinese or Japanese character; in a text with such characters none between
    single Latin letters or digits either, since it was cut into characters.

    >>> join(["In", "Ulm", "."])[0], join(["我", "在", "N", "B", "A", "看", "iPhone", "15"])[0]
    ('In Ulm .', '我在NBA看iPhone 15')
    """
    chinese = _CJK.search("".join(tokens)) is not None
    parts: list[str] = []
    places = []
    length = 0
    for number, token in enumerate(tokens):
        if number and token and not (chinese and _close(tokens[number - 1], token)):
            parts.append(" ")
            length += 1
        parts.append(token)
        places.append((length, length + len(token)))
        length += len(token)
    return "".join(parts), places


def _close(left: str, right: str) -> bool:
    """Is there no space between two tokens of a Chinese text?"""
    if not left or _CJK.match(left[-1]) or _CJK.match(right[0]):
        return True
    return len(left) == len(right) == 1 or not (left[-1].isalnum() and right[0].isalnum())


def aligned(text: str, tokens: Sequence[str]) -> list[tuple[int, int]] | None:
    """The places of tokens in a text that is known, None where it is another text.

    >>> aligned("In  Ulm.", ["In", "Ulm", "."])
    [(0, 2), (4, 7), (7, 8)]
    """
    places = []
    end = 0
    for token in tokens:
        start = text.find(token, end)
        if start < 0 or text[end:start].strip():
            return None
        end = start + len(token)
        places.append((start, end))
    return None if text[end:].strip() else places


def tokenised(text: str, cuts: Sequence[int] = ()) -> list[tuple[int, int]]:
    """The places of a text's tokens: words, signs and Chinese characters, cut also at `cuts`.

    >>> tokenised("In Ulm。去", [4])
    [(0, 2), (3, 4), (4, 6), (6, 7), (7, 8)]
    """
    places = []
    ordered = sorted(set(cuts))
    for match in _TOKEN.finditer(text):
        inside = [cut for cut in ordered if match.start() < cut < match.end()]
        borders = [match.start(), *inside, match.end()]
        places += list(zip(borders, borders[1:]))
    return places


def scheme_of(sentences: Sequence[Sequence[str]]) -> Scheme:
    """The scheme of tags, by those of some sentences.

    IOB1 begins a mention with I, and with B only after another of its type; so no B stands elsewhere there.

    >>> scheme_of([["I-a", "B-a", "O"]]), scheme_of([["B-a", "I-a"]]), scheme_of([["S-a", "O"]])
    ('IOB1', 'BIO', 'BIOES')
    """
    begins = 0
    for tags in sentences:
        for before, tag in zip(("O", *tags), tags):
            if tag[:1] in "ESMLUW" and tag != "O":
                return "BIOES"
            if tag[:1] == "B" and before[2:] != tag[2:]:
                return "BIO"
            begins += tag[:1] == "I" and before[2:] != tag[2:]
    return "IOB1" if begins else "BIO"


def mentions(tags: Sequence[str], scheme: Scheme) -> tuple[list[tuple[int, int, str]], int]:
    """(first token, last token, label) of each mention, and how many tags break the scheme.

    An I, M, E or L that continues nothing begins a mention, as in conlleval; an unclosed mention ends where the next
    one begins.

    >>> mentions(["B-a", "I-a", "O", "I-b"], "BIO")
    ([(0, 1, 'a'), (3, 3, 'b')], 1)
    >>> mentions(["B-a", "E-a", "S-b"], "BIOES")
    ([(0, 1, 'a'), (2, 2, 'b')], 0)
    """
    spans: list[tuple[int, int, str]] = []
    broken, is_open = 0, False
    for number, tag in enumerate(tags):
        prefix, label = tag[:1], tag[2:]
        if tag == "O":
            is_open = False
            continue
        continues = is_open and prefix in "IMEL" and spans[-1][2] == label
        if continues:
            spans[-1] = (spans[-1][0], number, label)
        else:
            broken += prefix in "MEL" or (prefix == "I" and scheme != "IOB1")
            spans.append((number, number, label))
        is_open = prefix in "BIM"
    return spans, broken


def tagged(tokens: Sequence[str], tags: Sequence[str], scheme: Scheme, stated: str | None = None) -> Document:
    """The document of tokens and their tags.

    Args:
        tokens: What its text is made of.
        tags: As many.
        scheme: See `scheme_of`.
        stated: Its text, where the file says it.
    """
    text, places = join(tokens)
    document = Document(text, kinds=("entity",))
    if stated is not None and (known := aligned(stated, tokens)):
        document.text, places = stated, known
    elif stated is not None:
        document.lose("a stated text that its tokens do not make up", f"the tokens are not those of {shown(stated)}")
    spans, broken = mentions(tags, scheme)
    if broken:
        document.lose("a tag that continues nothing begins a mention", f"{broken} of its tags continue no mention")
    for first, last, label in spans:
        document.add(places[first][0], places[last][1], label)
    return document
