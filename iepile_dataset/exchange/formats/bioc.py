"""BioC JSON: documents with passages, annotations by offset, and relations between them."""

from collections.abc import Iterator
from typing import Any

from ..document import Document, Loss, Relation, Span
from ..files import DataFile
from ..format import Format, ReadOptions, objects

_SHAPE = '{"documents": [{"passages": [{"offset", "text", "annotations"}]}]}'


def fits(file: DataFile) -> bool:
    """A collection with `documents`, or documents with `passages`."""
    return any({"documents", "passages", "PubTator3"} & value.keys() for value in file.objects)


def read(file: DataFile, options: ReadOptions) -> Iterator[Document | Loss]:
    """Documents, their passages in one text."""
    keys = set().union(*file.objects)
    key = next((key for key in ("documents", "PubTator3") if key in keys), "")
    yield from objects(file, _document, _SHAPE, key)


def _document(value: dict[str, Any]) -> Document:
    parts = [part for passage in value["passages"] for part in (passage.get("sentences") or [passage])]
    start = min((part["offset"] for part in parts), default=0)
    document = Document(_text(parts, start), kinds=("entity", "relation"))
    holders = [
        value,
        *value["passages"],
        *(part for passage in value["passages"] for part in passage.get("sentences") or ()),
    ]
    places: dict[str, int] = {}
    for one in (one for holder in holders for one in holder.get("annotations") or ()):
        pieces = tuple(
            (spot["offset"] - start, spot["offset"] - start + spot["length"]) for spot in one.get("locations") or ()
        )
        label = (one.get("infons") or {}).get("type") or ""
        document.spans.append(Span(pieces, label, one.get("text")))
        places[str(one["id"])] = len(document.spans) - 1
    for one in (one for holder in holders for one in holder.get("relations") or ()):
        label, ends = (one.get("infons") or {}).get("type") or "", one.get("nodes") or []
        numbers = [places.get(str(end["refid"]), -1) for end in ends]
        if len(numbers) == 2:
            document.relations.append(Relation(label, numbers[0], numbers[1]))
        else:
            document.lose("a relation with other than two ends", f"{label!r} has {len(numbers)} ends")
    return document


def _text(parts: list[dict[str, Any]], start: int) -> str:
    """The parts at their offsets from `start`, with spaces between them; one after the other where they overlap."""
    text = ""
    for part in parts:
        if part.get("text"):
            text += " " * max(part["offset"] - start - len(text), 1 if text else 0) + part["text"]
    return text


FORMAT = Format("bioc", "BioC JSON", fits, read, ("documents", "passages", "infons", "annotations"))
