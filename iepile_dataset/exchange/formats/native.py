"""Our own records, and what `iepile predict` writes for texts: `extractions` with places and confidences."""

from collections.abc import Iterator
from typing import Any

from ...tasks import ANNOTATIONS
from ..document import Document, Loss
from ..files import DataFile
from ..format import Format, ReadOptions, objects
from ..records import document_of

_SHAPE = '{"text": …, "entity": […]}, with "relation" or "event" alike, or with "extractions"'


def fits(file: DataFile) -> bool:
    """A text with one of our keys."""
    keys = {*ANNOTATIONS, "extractions"}
    return any("text" in value and keys & value.keys() for value in file.objects)


def read(file: DataFile, options: ReadOptions) -> Iterator[Document | Loss]:
    """Records."""
    yield from objects(file, _document, _SHAPE)


def _document(value: dict[str, Any]) -> Document:
    return document_of(_annotated(value) if "extractions" in value else value)


def _annotated(prediction: dict[str, Any]) -> dict[str, Any]:
    """The record that a prediction states."""
    record: dict[str, Any] = {"text": prediction["text"]}
    kinds = {"ner": "entity", "re": "relation", "spo": "relation", "kg": "relation"}
    record[kinds.get(str(prediction.get("task", "ner")).lower(), "event")] = []
    for one in prediction["extractions"] or ():
        sure = {"confidence": one.get("confidence")}
        if "head" in one:
            item = {"relation": one["label"], **sure}
            for name in ("head", "tail"):
                end = one[name]
                item |= {name: end["text"], f"{name}_start": end["start"], f"{name}_end": end["end"]}
                item |= {f"{name}_type": end["label"]} if end["label"] else {}
            record.setdefault("relation", []).append(item)
        elif "trigger" in one:
            trigger = one["trigger"] or {"text": "", "start": None, "end": None}
            arguments = [
                {"argument": part["text"], "role": part["label"], "start": part["start"], "end": part["end"]}
                for part in one["arguments"]
            ]
            item = {"event_trigger": trigger["text"], "event_type": one["label"], "arguments": arguments, **sure}
            record.setdefault("event", []).append(item | {"start": trigger["start"], "end": trigger["end"]})
        else:
            item = {
                "entity": one["text"],
                "entity_type": one["label"],
                "start": one["start"],
                "end": one["end"],
                **sure,
            }
            record.setdefault("entity", []).append(item)
    return record


FORMAT = Format("iepile", "records of iepile", fits, read, ("text", "entity", "relation", "event", "extractions"))
