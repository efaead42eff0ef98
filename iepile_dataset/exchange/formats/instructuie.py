"""InstructUIE and B2NERD: folders of IE_INSTRUCTIONS, `sentence` with `entities`, `relations` or `events`."""

from collections.abc import Iterator
from typing import Any

from ..document import Document, Event, Loss, Relation, Span
from ..files import DataFile
from ..format import Format, ReadOptions, objects, text_of

_SHAPE = '{"sentence": …, "entities": [{"name", "type", "pos"}]}, or "relations", or "events"'
_KEYS = {"entity": "entities", "relation": "relations", "event": "events"}


def fits(file: DataFile) -> bool:
    """A sentence with one of the three lists."""
    lists = (map(value.get, _KEYS.values()) for value in file.objects if "sentence" in value)
    return any(isinstance(part, list) for parts in lists for part in parts)


def read(file: DataFile, options: ReadOptions) -> Iterator[Document | Loss]:
    """Sentences; the types `NA` and "" stand for nothing."""
    yield from objects(file, _document, _SHAPE)


def _document(value: dict[str, Any]) -> Document:
    document = Document(text_of(value["sentence"]), kinds=tuple(kind for kind, key in _KEYS.items() if key in value))
    for one in value.get("entities") or ():
        if one["type"] not in ("NA", ""):
            _span(document, one, is_entity=True)
    for one in value.get("relations") or ():
        if one["type"] not in ("NA", ""):
            ends = (_span(document, one[name]) for name in ("head", "tail"))
            document.relations.append(Relation(one["type"], *ends))
    for one in value.get("events") or ():
        if one["type"] not in ("NA", ""):
            arguments = tuple(
                (part["role"], document.quote(part["name"], "", is_entity=False)) for part in one["arguments"]
            )
            trigger = document.quote(one["trigger"], one["type"], is_entity=False) if one["trigger"] else None
            document.events.append(Event(one["type"], trigger, arguments))
    return document


def _span(document: Document, mention: dict[str, Any], is_entity: bool = False) -> int:
    """A mention at its `pos`, where it has a place that is one."""
    place, label = mention.get("pos"), mention.get("type") or ""
    if not (isinstance(place, list) and len(place) == 2 and all(isinstance(one, int) for one in place)):
        return document.quote(mention["name"], label, is_entity=is_entity)
    return document.once(Span(((place[0], place[1]),), label, mention["name"], is_entity))


FORMAT = Format("instructuie", "InstructUIE or B2NERD", fits, read, ("sentence", "entities", "relations", "events"))
