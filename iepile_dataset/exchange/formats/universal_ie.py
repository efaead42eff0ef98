"""Universal-IE (UIE): `text`, `tokens`, and `entity`, `relation`, `event` with the numbers of their tokens."""

from collections.abc import Iterator
from typing import Any

from ..document import Document, Event, Loss, Relation, Span
from ..files import DataFile
from ..format import Format, ReadOptions, objects, text_of
from ..tokens import aligned

_SHAPE = '{"text", "tokens", "entity": [{"type", "offset", "text"}], "relation": …, "event": …}'


def fits(file: DataFile) -> bool:
    """A text with its tokens and the three lists."""
    return any({"text", "tokens", "entity", "relation", "event"} <= value.keys() for value in file.objects)


def read(file: DataFile, options: ReadOptions) -> Iterator[Document | Loss]:
    """Texts."""
    yield from objects(file, _document, _SHAPE)


def _document(value: dict[str, Any]) -> Document:
    document = Document(text_of(value["text"]))
    places = aligned(document.text, value["tokens"])

    def span(mention: dict[str, Any], is_entity: bool = False, label: str | None = None) -> int:
        pieces = _pieces(mention["offset"], places) if places else ()
        return document.once(Span(pieces, mention["type"] if label is None else label, mention["text"], is_entity))

    for one in value["entity"]:
        span(one, is_entity=True)
    for one in value["relation"]:
        head, tail = (span(end) for end in one["args"])
        document.relations.append(Relation(one["type"], head, tail))
    for one in value["event"]:
        arguments = tuple((part["type"], span(part, label="")) for part in one["args"])
        document.events.append(Event(one["type"], span(one), arguments))
    return document


def _pieces(numbers: list[int], places: list[tuple[int, int]]) -> tuple[tuple[int, int], ...]:
    """Tokens that follow one another as one piece."""
    pieces: list[tuple[int, int]] = []
    for before, number in zip([None, *numbers], numbers):
        start, end = places[number]
        if before is not None and number == before + 1:
            pieces[-1] = (pieces[-1][0], end)
        else:
            pieces.append((start, end))
    return tuple(pieces)


FORMAT = Format("universal-ie", "Universal-IE JSON lines", fits, read, ("text", "tokens", "spot", "asoc", "record"))
