"""Documents → records of our own format, and back."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from ..answers import NO_MENTION
from ..errors import shown
from .document import KINDS, UNTYPED, Document, Event, Relation, Span
from .offsets import occurrences, settle

__all__ = ["document_of", "record_of"]

Record = dict[str, Any]


def record_of(document: Document) -> Record:
    """A document as a record; what cannot be kept is noted in the document.

    Mentions bear `start` and `end` where their place is known, the ends of a relation `head_start`, `head_end`,
    `tail_start` and `tail_end`.

    >>> document = Document("In Ulm", kinds=("entity",))
    >>> _ = document.add(3, 6, "city")
    >>> record_of(document)
    {'text': 'In Ulm', 'entity': [{'entity': 'Ulm', 'entity_type': 'city', 'start': 3, 'end': 6}]}
    """
    spans = settle(document)
    record: Record = {"text": document.text}
    if "entity" in document.kinds:
        record["entity"] = _entities(document, spans)
    if "relation" in document.kinds:
        record["relation"] = list(filter(None, (_relation(document, spans, one) for one in document.relations)))
    if "event" in document.kinds:
        record["event"] = list(filter(None, (_event(document, spans, one) for one in document.events)))
    return record


def _entities(document: Document, spans: Mapping[int, Span]) -> list[Record]:
    items = []
    for span in spans.values():
        if not span.is_entity or span.label == UNTYPED:
            continue
        if len(span.pieces) > 1:
            parts = [document.text[start:end] for start, end in span.pieces]
            reason = f"the mention {shown(' … '.join(parts))} has gaps and is kept as {len(parts)} mentions"
            document.lose("a mention with gaps, kept in parts", reason)
        for start, end in span.pieces or [(-1, -1)]:
            mention = document.text[start:end] if end >= 0 else span.text
            items.append({"entity": mention, "entity_type": span.label, **_place("", start, end)})
    return items


def _relation(document: Document, spans: Mapping[int, Span], relation: Relation) -> Record | None:
    if relation.head not in spans or relation.tail not in spans:
        reason = f"an end of {shown(relation.label)} is left out or not there"
        document.lose("a relation without one of its ends", reason, "mend the mention")
        return None
    item: Record = {}
    places: Record = {}
    for name, number in (("head", relation.head), ("tail", relation.tail)):
        mention, start, end = _longest(document, spans[number])
        item[name] = mention
        if spans[number].label not in ("", UNTYPED):
            item[f"{name}_type"] = spans[number].label
        if name == "head":
            item["relation"] = relation.label
        places |= _place(f"{name}_", start, end)
    return item | places


def _event(document: Document, spans: Mapping[int, Span], event: Event) -> Record | None:
    item: Record = {"event_trigger": "", "event_type": event.label, "arguments": []}
    if event.trigger is not None:
        if event.trigger not in spans:
            document.lose("an event without its trigger", f"the trigger of {shown(event.label)} is left out")
            return None
        item["event_trigger"], start, end = _longest(document, spans[event.trigger])
        item |= _place("", start, end)
    for role, number in event.arguments:
        if number in spans:
            mention, start, end = _longest(document, spans[number])
            item["arguments"].append({"argument": mention, "role": role, **_place("", start, end)})
        else:
            document.lose("an argument that is left out", f"the {shown(role)} of {shown(event.label)} is left out")
    return item


def _longest(document: Document, span: Span) -> tuple[str, int, int]:
    """(mention, start, end) of a span's longest piece."""
    if not span.pieces:
        return str(span.text), -1, -1
    if len(span.pieces) > 1:
        whole = " … ".join(document.text[start:end] for start, end in span.pieces)
        document.lose("a mention with gaps, its longest part kept", f"{shown(whole)} is kept as its longest part")
    start, end = max(span.pieces, key=lambda piece: piece[1] - piece[0])
    return document.text[start:end], start, end


def _place(prefix: str, start: int, end: int) -> Record:
    return {f"{prefix}start": start, f"{prefix}end": end} if end >= 0 else {}


@dataclass
class _Places:
    """Gives each mention a place: its own, or that of its next occurrence in the text."""

    document: Document
    taken: dict[tuple[str, str], int] = field(default_factory=dict)
    spans: dict[Span, int] = field(default_factory=dict)

    def span(self, mention: Any, label: str, places: tuple[Any, Any], is_entity: bool, score: Any = None) -> int | None:
        text = self.document.text
        start, end = places
        if not isinstance(mention, str) or mention not in text or not mention:
            reason = f"{shown(mention)} does not occur in the text"
            self.document.lose("a mention does not occur in the text", reason, "correct the record")
            return None
        if not (isinstance(start, int) and isinstance(end, int) and text[start:end] == mention):
            start = self._next(mention, label if is_entity else "")
            end = start + len(mention)
        span = Span(((start, end),), label, mention, is_entity, score)
        if is_entity or span not in self.spans:
            self.document.spans.append(span)
            self.spans[span] = len(self.document.spans) - 1
        return self.spans[span]

    def _next(self, mention: str, label: str) -> int:
        """The first place for ends and arguments; for entities the next one, and the first again after the last."""
        places = occurrences(self.document.text, mention)
        places = [place for place in places if _is_whole(self.document.text, place, mention)] or places
        count = self.taken.get((mention, label), 0) if label else 0
        self.taken[mention, label] = count + 1
        return places[count] if count < len(places) else places[0]


def _is_whole(text: str, start: int, mention: str) -> bool:
    """Does no ASCII letter or digit continue it?"""
    before, after = text[start - 1 : start], text[start + len(mention) :][:1]
    return not any(
        (inside + outside).isascii() and inside.isalnum() and outside.isalnum()
        for inside, outside in ((mention[0], before), (mention[-1], after))
    )


def document_of(record: Mapping[str, Any], file: str = "", line: int = 0) -> Document:
    """A record as a document; a mention without a place of its own gets that of its next whole-word occurrence.

    Args:
        record: Of our own format; `confidence` of an annotation is its score.
        file: For messages.
        line: For messages.

    >>> document_of({"text": "In Ulm", "entity": [{"entity": "Ulm", "entity_type": "city"}]}).spans[0].pieces
    ((3, 6),)
    """
    kinds = tuple(kind for kind in KINDS if record.get(kind) is not None)
    document = Document(str(record["text"]), kinds=kinds, file=file, line=line)
    places = _Places(document)
    for item in record.get("entity") or ():
        places.span(
            item["entity"], item["entity_type"], (item.get("start"), item.get("end")), True, item.get("confidence")
        )
    for item in record.get("relation") or ():
        ends = [
            places.span(
                item[name], item.get(f"{name}_type") or UNTYPED,
                (item.get(f"{name}_start"), item.get(f"{name}_end")), False,
            )
            for name in ("head", "tail")
        ]  # fmt: skip
        if ends[0] is not None and ends[1] is not None:
            document.relations.append(Relation(item["relation"], ends[0], ends[1], item.get("confidence")))
    for item in record.get("event") or ():
        _add_event(document, places, item)
    return document


def _add_event(document: Document, places: _Places, item: Mapping[str, Any]) -> None:
    def place_of(part: Mapping[str, Any]) -> tuple[Any, Any]:
        return part.get("start"), part.get("end")

    trigger = None
    if item.get("event_trigger") not in NO_MENTION:
        trigger = places.span(item["event_trigger"], item["event_type"], place_of(item), False)
    arguments = [
        (part["role"], places.span(part["argument"], UNTYPED, place_of(part), False))
        for part in item.get("arguments") or ()
        if part.get("argument") not in NO_MENTION
    ]
    named = tuple((role, number) for role, number in arguments if number is not None)
    document.events.append(Event(item["event_type"], trigger, named, item.get("confidence")))
