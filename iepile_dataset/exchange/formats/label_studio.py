"""Label Studio JSON: tasks with annotations, or the smaller JSON-MIN."""

from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any

from ..document import UNTYPED, Document, Event, Loss, Relation
from ..files import DataFile
from ..format import Format, ReadOptions, json_list, objects, text_of

_SHAPE = 'a task of an export: {"data": {"text": …}, "annotations": [{"result": […]}]}'
EVENT = "event"
"""The name of the labels that mark triggers; relations from a trigger are its arguments."""


def fits(file: DataFile) -> bool:
    """Tasks with `data` and annotations or predictions, or JSON-MIN with labelled spans."""
    return any(_is_task(value) or _is_min(value) for value in file.objects)


def _is_task(value: dict[str, Any]) -> bool:
    return isinstance(value.get("data"), dict) and bool({"annotations", "completions", "predictions"} & set(value))


def _is_min(value: dict[str, Any]) -> bool:
    return any(_labelled(part) for part in value.values() if isinstance(part, list) and part)


def _labelled(spans: list[Any]) -> bool:
    return isinstance(spans[0], dict) and {"start", "end", "labels"} <= set(spans[0])


def read(file: DataFile, options: ReadOptions) -> Iterator[Document | Loss]:
    """The first annotation of each task that was not cancelled, or its first prediction where nobody annotated it."""
    yield from objects(file, lambda value: _document(value, options.columns.get("text", "")), _SHAPE)


def _document(value: dict[str, Any], name: str) -> Document:
    if "data" not in value:
        return _minimal(value, name)
    results, kinds = _results(value)
    spans = [one for one in results if isinstance(one.get("value"), dict) and "start" in one["value"]]
    names = [one["to_name"] for one in spans if one.get("to_name") in value["data"]]
    document = Document(_text(value["data"], name or (names[0] if names else "")), kinds=kinds)
    places, triggers = _spans(document, spans)
    roles: dict[int, list[tuple[str, int]]] = {place: [] for place in triggers}
    for one in results:
        if one.get("type") == "relation":
            head, tail = (places.get(one[end], -1) for end in ("from_id", "to_id"))
            if one.get("direction") == "left":
                head, tail = tail, head
            for label in one.get("labels") or [""]:
                if head in roles:
                    roles[head].append((label, tail))
                elif label:
                    document.relations.append(Relation(label, head, tail))
                else:
                    document.lose("a relation without a label", "a relation has no label", "label it")
    for place, arguments in roles.items():
        document.events.append(Event(document.spans[place].label, place, tuple(arguments)))
    if len(value.get("annotations") or ()) > 1:
        count = len(value["annotations"])
        document.lose("another annotation of the same text", f"{count} annotations, the first is read")
    return document


def _results(task: dict[str, Any]) -> tuple[list[dict[str, Any]], tuple[str, ...]]:
    """(what was marked, the kinds that a text is annotated for: none where nobody looked at it)"""
    done = [one for one in task.get("annotations") or task.get("completions") or () if not one.get("was_cancelled")]
    chosen = done or task.get("predictions") or []
    return (chosen[0]["result"], ("entity", "relation", "event")) if chosen else ([], ())


def _text(data: dict[str, Any], name: str) -> str:
    if name:
        return text_of(data[name])
    texts = [value for value in data.values() if isinstance(value, str)]
    return text_of(data["text"] if "text" in data else max(texts, key=len))


def _spans(document: Document, results: list[dict[str, Any]]) -> tuple[dict[str, int], list[int]]:
    """(id → place of the span, the places of triggers)"""
    places: dict[str, int] = {}
    triggers: list[int] = []
    for one in results:
        value = one["value"]
        labels: list[str] = next(
            (value[key] for key in ("labels", "hypertextlabels", "taxonomy") if value.get(key)), []
        )
        if not labels:
            document.lose(
                "a mention without a label", f"the mention {value.get('text')!r:.40} has no label", "label it"
            )
        for label in labels:
            is_trigger = one.get("from_name") == EVENT
            mention = value.get("text")
            place = document.add(
                value["start"], value["end"], label, mention if isinstance(mention, str) else None,
                is_entity=not is_trigger and one.get("from_name") != UNTYPED, score=one.get("score"),
            )  # fmt: skip
            places.setdefault(one.get("id", str(len(places))), place)
            if is_trigger:
                triggers.append(place)
    return places, triggers


def _minimal(value: dict[str, Any], name: str) -> Document:
    document = Document(
        _text({key: part for key, part in value.items() if key not in ("created_at", "updated_at")}, name)
    )
    document.kinds = ("entity",) if any(isinstance(part, list) for part in value.values()) else ()
    for part in value.values():
        for one in part if isinstance(part, list) and part and _labelled(part) else ():
            for label in one["labels"]:
                document.add(one["start"], one["end"], label, one.get("text"))
    return document


def write(documents: Iterable[Document], path: Path) -> None:
    """Tasks to be imported: what is annotated as an annotation, what a model predicted as a prediction."""
    json_list(path, (_task(number, document) for number, document in enumerate(documents, 1)))


def _task(number: int, document: Document) -> dict[str, Any]:
    triggers = {event.trigger for event in document.events}
    results: list[dict[str, Any]] = []
    for place, span in enumerate(document.spans):
        name = EVENT if place in triggers else "label" if span.is_entity else UNTYPED
        (start, end), mention = span.pieces[0], document.text[span.pieces[0][0] : span.pieces[0][1]]
        result = {
            "id": f"s{place}", "from_name": name, "to_name": "text", "type": "labels",
            "value": {"start": start, "end": end, "text": mention, "labels": [span.label]},
        }  # fmt: skip
        results.append(result | ({} if span.score is None else {"score": span.score}))
    seen: set[int] = set()
    joins = [(one.head, one.tail, one.label) for one in document.relations]
    for event in document.events:
        if event.trigger is None or event.trigger in seen:
            why = "without a trigger" if event.trigger is None else "with the trigger of another"
            document.lose(f"an event {why}", f"an event {event.label!r} {why} cannot be written")
            continue
        seen.add(event.trigger)
        joins += [(event.trigger, place, role) for role, place in event.arguments]
    results += [
        {"type": "relation", "from_id": f"s{head}", "to_id": f"s{tail}", "direction": "right", "labels": [label]}
        for head, tail, label in joins
    ]
    scores = [span.score for span in document.spans if span.score is not None]
    key = "predictions" if scores else "annotations"
    task: dict[str, Any] = {"id": number, "data": {"text": document.text}}
    return task | ({key: [{"result": results} | ({"score": min(scores)} if scores else {})]} if document.kinds else {})


FORMAT = Format(
    "label-studio", "Label Studio JSON", fits, read, ("data", "annotations", "predictions", "result", "from_name"),
    write, ("entity", "relation", "event"), ".json",
)  # fmt: skip
