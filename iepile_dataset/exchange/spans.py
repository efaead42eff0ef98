"""What formats of plain spans can hold of a document; the rest is counted."""

from ..errors import shown
from .document import Document

__all__ = ["flat", "only"]


def only(document: Document, *kinds: str) -> None:
    """Note the annotations that a format has no place for.

    >>> from .document import Event
    >>> document = Document("Ada sued", events=[Event("lawsuit", None)])
    >>> only(document, "entity")
    >>> document.losses[0][0]
    'an event, which the format cannot hold'
    """
    if "relation" not in kinds:
        for relation in document.relations:
            document.lose("a relation, which the format cannot hold", f"{shown(relation.label)} is left out")
    if "event" not in kinds:
        for event in document.events:
            document.lose("an event, which the format cannot hold", f"{shown(event.label)} is left out")


def flat(document: Document) -> list[tuple[int, int, str]]:
    """Entities of which none overlaps another, in the order of the text: the longest stay, of equal ones the first.

    >>> document = Document("New York Times")
    >>> for start, end, label in ((0, 8, "city"), (0, 14, "paper")): _ = document.add(start, end, label)
    >>> flat(document), document.losses[0][0]
    ([(0, 14, 'paper')], 'a mention inside or across another')
    """
    only(document, "entity")
    chosen: list[tuple[int, int, str]] = []
    entities = [(*span.pieces[0], span.label) for span in document.spans if span.is_entity]
    for start, end, label in sorted(entities, key=lambda span: (span[0] - span[1], span[0])):
        if any(start < other[1] and other[0] < end for other in chosen):
            reason = f"{shown(document.text[start:end])} ({label}) overlaps another mention"
            document.lose("a mention inside or across another", reason)
        else:
            chosen.append((start, end, label))
    return sorted(chosen)
