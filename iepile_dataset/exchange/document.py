"""One annotated text as spans and what joins them: what readers of other formats hand over, and writers take."""

from dataclasses import dataclass, field, replace
from typing import Any

from ..errors import Problem

__all__ = ["KINDS", "UNTYPED", "Document", "Event", "Loss", "Losses", "Relation", "Span", "Tally"]

UNTYPED = "untyped"
"""The label of a span in formats that want one, where our annotation has none: the end of a plain relation."""

KINDS = ("entity", "relation", "event")


@dataclass(frozen=True)
class Span:
    """A piece of a text, or several.

    Attributes:
        pieces: (start, end) of each piece, in characters; () where the format names no place.
        label: Its type; "" for none.
        text: The mention as the file quotes it; None where it only says the place.
        is_entity: It is an entity of its own, not only a trigger or an untyped end of a relation.
        score: How sure a model was, 0 to 1.
    """

    pieces: tuple[tuple[int, int], ...]
    label: str
    text: str | None = None
    is_entity: bool = True
    score: float | None = None


@dataclass(frozen=True)
class Relation:
    """`head` and `tail` are places in `Document.spans`."""

    label: str
    head: int
    tail: int
    score: float | None = None


@dataclass(frozen=True)
class Event:
    """`trigger` is a place in `Document.spans`, None where no word says it; `arguments` are (role, place) pairs."""

    label: str
    trigger: int | None
    arguments: tuple[tuple[str, int], ...] = ()
    score: float | None = None


@dataclass(frozen=True)
class Loss(Problem):
    """Something that could not be kept, or not as it stood.

    Attributes:
        kind: The reason without its values; like losses are counted together.
        is_record: It is a whole record, with `raw` to be set aside.
    """

    kind: str = ""
    is_record: bool = False


@dataclass
class Tally:
    """How often something happened, and where first."""

    first: Loss
    count: int = 0


class Losses(dict[str, Tally]):
    """Kind → what could not be kept, like losses together.

    >>> losses = Losses()
    >>> for line in (3, 8): losses.lose(Loss("a.json", line, "no label", "label it"))
    >>> losses["no label"].count, losses["no label"].first.line
    (2, 3)
    """

    def lose(self, loss: Loss) -> None:
        """Count a loss."""
        self.setdefault(loss.kind or loss.reason, Tally(loss)).count += 1


@dataclass
class Document:
    """An annotated text.

    Attributes:
        text: The text.
        spans: Its mentions.
        relations: What joins two of them.
        events: What happens in it.
        kinds: What it is annotated with, of `entity`, `relation`, `event`: a text in which nothing occurs is
            annotated too.
        file: Where it lies.
        line: The line on which it begins, from 1.
        split: `train`, `validation` or `test`, "" where nothing says it.
        losses: What its reader could not keep, as (kind, reason, remedy).
        raw_text: The text before its line ends were made line feeds, where they were others.
    """

    text: str
    spans: list[Span] = field(default_factory=list)
    relations: list[Relation] = field(default_factory=list)
    events: list[Event] = field(default_factory=list)
    kinds: tuple[str, ...] = KINDS
    file: str = ""
    line: int = 0
    split: str = ""
    losses: list[tuple[str, str, str]] = field(default_factory=list)
    raw_text: str | None = None

    def add(self, start: int, end: int, label: str, text: str | None = None, **more: Any) -> int:
        """Add a span of one piece and give its place."""
        self.spans.append(Span(((start, end),), label, text, **more))
        return len(self.spans) - 1

    def quote(self, text: str, label: str, **more: Any) -> int:
        """Add a span whose place is not known, once for each text and label, and give its place."""
        return self.once(Span((), label, text, **more))

    def once(self, span: Span) -> int:
        """Add a span unless it is there, if only as the end of something, and give its place."""
        for place, other in enumerate(self.spans):
            if replace(other, is_entity=span.is_entity) == span:
                if span.is_entity:
                    self.spans[place] = span
                return place
        self.spans.append(span)
        return len(self.spans) - 1

    def lose(self, kind: str, reason: str = "", remedy: str = "") -> None:
        """Note what cannot be kept."""
        self.losses.append((kind, reason or kind, remedy))
