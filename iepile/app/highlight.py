"""A text in pieces, each with what covers it: results may overlap, hold each other or stand at one place."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from iepile_trainer.extraction.results import Event, Relation, Result

COLOURS = 8


@dataclass(frozen=True)
class Span:
    """A place in a text and what is said of it.

    Attributes:
        start: In characters.
        end: In characters.
        name: What is shown behind it.
        colour: From 0 to `COLOURS - 1`.
    """

    start: int
    end: int
    name: str
    colour: int


@dataclass(frozen=True)
class Piece:
    """A part of the text that is covered alike.

    Attributes:
        text: Its characters.
        covers: The spans that cover it, the longest first.
        ends: The names of those that end with it, the shortest span's first.
    """

    text: str
    covers: tuple[Span, ...] = ()
    ends: tuple[Span, ...] = ()


def pieces(text: str, spans: Iterable[Span]) -> list[Piece]:
    """Cut a text where spans begin and end.

    >>> parts = pieces("New York Times", [Span(0, 14, "paper", 0), Span(0, 8, "city", 1)])
    >>> [(piece.text, len(piece.covers), [span.name for span in piece.ends]) for piece in parts]
    [('New York', 2, ['city']), (' Times', 1, ['paper'])]
    """
    known = sorted(
        {span for span in spans if 0 <= span.start < span.end <= len(text)}, key=lambda s: (s.start, -s.end, s.name)
    )
    edges = sorted({0, len(text), *(span.start for span in known), *(span.end for span in known)})
    cut: list[Piece] = []
    open_spans: list[Span] = []
    place = 0
    for start, end in zip(edges, edges[1:]):
        open_spans = [span for span in open_spans if span.end > start]
        while place < len(known) and known[place].start == start:
            open_spans.append(known[place])
            place += 1
        covers = sorted(open_spans, key=lambda span: span.start - span.end)
        cut.append(Piece(text[start:end], tuple(covers), tuple(s for s in reversed(covers) if s.end == end)))
    return cut


def spans_of(results: Sequence[Result]) -> list[Span]:
    """The places of results: a mention's with its label, a relation's ends and an event's parts with theirs."""
    colours: dict[str, int] = {}
    spans: list[Span] = []
    for result in results:
        colour = colours.setdefault(result.label, len(colours) % COLOURS)
        if isinstance(result, Relation):
            head, tail = result.head, result.tail
            named = [(head, f"{result.label} →"), (tail, f"→ {result.label}")]
            named = [(end, f"{end.label} · {name}" if end.label else name) for end, name in named]
        elif isinstance(result, Event):
            named = [(part, part.label) for part in result.arguments]
            if result.trigger:
                named.append((result.trigger, f"{result.label}!"))
        else:
            named = [(result, result.label)]
        spans += [Span(start, end, name, colour) for mention, name in named for start, end in mention.spans]
    return list(dict.fromkeys(spans))
