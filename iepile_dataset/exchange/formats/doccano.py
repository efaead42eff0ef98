"""doccano JSON lines: `label` as [start, end, type], or `entities` with ids and `relations` between them."""

from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any

from ..document import Document, Loss, Relation
from ..files import DataFile
from ..format import Format, ReadOptions, json_lines, objects, text_of
from ..spans import only

_SHAPE = '{"text": …, "label": [[start, end, type]]} or "entities" and "relations" with ids'


def fits(file: DataFile) -> bool:
    """A text with spans as lists under `label`, or entities with `start_offset`."""
    return any(map(_fits, file.objects))


def _fits(value: dict[str, Any]) -> bool:
    text = value.get("text", value.get("data"))
    spans = value.get("label", value.get("labels"))
    if isinstance(text, str) and isinstance(spans, list):
        return not spans or (isinstance(spans[0], list) and len(spans[0]) == 3 and isinstance(spans[0][0], int))
    entities = value.get("entities")
    if not entities and isinstance(value.get("relations"), list):
        return isinstance(text, str) and entities == [] and value["relations"] == []
    return (
        bool(entities)
        and isinstance(entities, list)
        and isinstance(entities[0], dict)
        and "start_offset" in entities[0]
    )


def read(file: DataFile, options: ReadOptions) -> Iterator[Document | Loss]:
    """Texts."""
    yield from objects(file, _document, _SHAPE)


def _document(value: dict[str, Any]) -> Document:
    document = Document(text_of(value["text"] if "text" in value else value["data"]))
    entities = value.get("entities")
    if entities is None:
        document.kinds = ("entity",) if "label" in value or "labels" in value else ()
        for start, end, label in value.get("label", value.get("labels")) or ():
            document.add(start, end, label)
        return document
    document.kinds = ("entity", "relation") if "relations" in value else ("entity",)
    places = {one["id"]: document.add(one["start_offset"], one["end_offset"], one["label"]) for one in entities}
    for one in value.get("relations") or ():
        ends = [places.get(one[name], -1) for name in ("from_id", "to_id")]
        document.relations.append(Relation(one["type"], ends[0], ends[1]))
    return document


def write(documents: Iterable[Document], path: Path) -> None:
    """`label` for entities, `entities` and `relations` where there are relations."""
    json_lines(path, (_value(number, document) for number, document in enumerate(documents, 1)))


def _value(number: int, document: Document) -> dict[str, Any]:
    only(document, "entity", "relation")
    if "relation" not in document.kinds:
        spans = [[*span.pieces[0], span.label] for span in document.spans if span.is_entity]
        return {"id": number, "text": document.text, "label": spans}
    entities = [
        {"id": place, "label": span.label, "start_offset": span.pieces[0][0], "end_offset": span.pieces[0][1]}
        for place, span in enumerate(document.spans)
    ]
    relations = [
        {"id": place, "from_id": one.head, "to_id": one.tail, "type": one.label}
        for place, one in enumerate(document.relations)
    ]
    return {"id": number, "text": document.text, "entities": entities, "relations": relations, "Comments": []}


FORMAT = Format(
    "doccano", "doccano JSON lines", fits, read, ("text", "label", "entities", "relations", "start_offset"), write,
    ("entity", "relation"), ".jsonl",
)  # fmt: skip
