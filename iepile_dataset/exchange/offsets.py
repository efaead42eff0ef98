"""Places in other units than characters: recognised by the mentions that stand there, and converted."""

import re
from collections.abc import Callable, Iterator
from dataclasses import replace

from ..errors import shown
from .document import Document, Span

__all__ = ["settle"]

_REMEDY = "correct the place or the mention in the tool that wrote them"


def settle(document: Document) -> dict[int, Span]:
    """The spans of a document that stand in its text, by their place in `document.spans`; what is wrong is noted.

    Where all quoted mentions fit under another unit than characters, all places are converted. Otherwise a mention that
    its place does not show is looked up: the nearest place where it stands.

    >>> document = Document("日本 Ulm")
    >>> _ = document.add(7, 10, "city", "Ulm")
    >>> settle(document)[0].pieces, document.losses[0][0]
    (((3, 6),), 'places in UTF-8 bytes, converted')
    """
    spans = document.spans
    quoted = [span for span in spans if span.text and span.pieces]
    if not all(_fits(document.text, span) for span in quoted):
        for unit, places in _units(document):
            converted = [_converted(span, places) for span in spans]
            if all(_fits(document.text, span) for span in converted if span.text and span.pieces):
                document.lose(f"places in {unit}, converted", f"the places are {unit}, converted to characters")
                spans = converted
                break
    settled = {}
    for number, span in enumerate(spans):
        if (kept := _settled(document, span)) is not None:
            settled[number] = kept
    return settled


def _settled(document: Document, span: Span) -> Span | None:
    text, mention = document.text, span.text
    if not span.pieces or (mention and not _fits(text, span)):
        if not mention or not mention.strip():
            document.lose("an empty mention", f"a mention of {shown(span.label)} is empty", "annotate its words")
            return None
        if mention not in text:
            reason = f"{shown(mention)} does not occur in the text"
            document.lose("a mention does not occur in the text", reason, _REMEDY)
            return None
        if span.pieces:
            start = nearest(text, mention, span.pieces[0][0])
            reason = f"{shown(mention)} does not stand at {span.pieces[0][0]}, but at {start}"
            document.lose("a wrong place, corrected", reason, _REMEDY)
            return replace(span, pieces=((start, start + len(mention)),))
        return span
    if any(not 0 <= start <= end <= len(text) for start, end in span.pieces):
        reason = f"{shown(span.label)} at {span.pieces} lies outside the text of {len(text)} characters"
        document.lose("a place outside the text", reason, _REMEDY)
        return None
    if not "".join(text[start:end] for start, end in span.pieces).strip():
        document.lose("an empty mention", f"{shown(span.label)} at {span.pieces[0][0]} is empty", "annotate its words")
        return None
    return span if len(span.pieces) == 1 else replace(span, pieces=_joined(text, span.pieces))


def nearest(text: str, mention: str, place: int) -> int:
    """Where a mention stands that is nearest to a place.

    >>> nearest("a b a", "a", 3)
    4
    """
    return min(occurrences(text, mention), key=lambda start: abs(start - place))


def occurrences(text: str, mention: str) -> list[int]:
    """All places where a mention begins, overlapping ones too.

    >>> occurrences("aaa", "aa")
    [0, 1]
    """
    return [match.start() for match in re.finditer(f"(?={re.escape(mention)})", text)]


def _fits(text: str, span: Span) -> bool:
    """Does the mention stand there? White space may differ: tools join pieces and lines with a space."""
    there = " ".join(text[start:end] for start, end in span.pieces)
    return there == span.text or (bool(span.text) and there.split() == str(span.text).split())


def _joined(text: str, pieces: tuple[tuple[int, int], ...]) -> tuple[tuple[int, int], ...]:
    """Pieces in order, those between which only white space stands as one: a mention across lines."""
    joined: list[tuple[int, int]] = []
    for start, end in sorted(pieces):
        if joined and not text[joined[-1][1] : start].strip():
            joined[-1] = (joined[-1][0], max(end, joined[-1][1]))
        elif start < end:
            joined.append((start, end))
    return tuple(joined)


def _units(document: Document) -> Iterator[tuple[str, list[int]]]:
    """(unit, place in it → character) for each unit that differs from characters here."""
    text, raw = document.text, document.raw_text
    if raw is not None:
        yield "characters of CR LF line ends", _table(raw, lambda letter: 0 if letter == "\r" else 1, inverse=True)
    if not text.isascii():
        yield "UTF-8 bytes", _table(text, lambda letter: len(letter.encode()))
        if any(letter > "\uffff" for letter in text):
            yield "UTF-16 units", _table(text, lambda letter: 2 if letter > "\uffff" else 1)


def _table(text: str, width: Callable[[str], int], inverse: bool = False) -> list[int]:
    """Place in the unit → place in characters.

    Args:
        text: Letter by letter.
        width: How many units a letter has; with `inverse`, how many characters a unit has.
        inverse: The units are the letters of `text` itself.
    """
    places, place = [], 0
    for letter in text:
        if inverse:
            places.append(place)
            place += width(letter)
        else:
            places += [place] * width(letter)
            place += 1
    return [*places, place]


def _converted(span: Span, places: list[int]) -> Span:
    last = len(places) - 1
    return replace(span, pieces=tuple((places[min(a, last)], places[min(b, last)]) for a, b in span.pieces))
