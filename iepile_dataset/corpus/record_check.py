"""Does a record fit its source? The same findings for quarantine and for `iepile validate`."""

from collections.abc import Iterator, Mapping
from typing import Any

from ..answers import graph_attributes
from ..errors import shown
from ..schema import Schema

Finding = tuple[str, str]
"""(reason, remedy)"""

_ADD_LABEL = "add it to schema.json or correct the annotation"
_VERBATIM = "an annotation must quote the text letter for letter"


def problems(record: Any, key: str, schema: Schema) -> Iterator[Finding]:
    """Everything that keeps a record from becoming instructions.

    Args:
        record: One parsed line of a split file.
        key: The annotation's key: `entity`, `relation` or `event`.
        schema: The source's labels.

    >>> next(problems({"text": "In Paris", "entity": [{"entity": "Pariss", "entity_type": "city"}]}, "entity",
    ...     Schema(types=("city",))))[0]
    'entity "Pariss" does not occur in the text'
    """
    if not isinstance(record, Mapping):
        yield f"the line holds {shown(record)}, not an object", 'write {"text": …, "' + key + '": […]}'
        return
    text = record.get("text")
    if not isinstance(text, str):
        yield (f'"text" is {shown(text)}' if "text" in record else 'no "text"'), "give the text as a string"
        return
    if not text.strip():
        yield "the text is empty", "remove the record or give its text"
    if key not in record:
        return
    items = record[key]
    if not isinstance(items, list):
        yield f'"{key}" is {shown(items)}, not a list', "use [] where nothing is annotated"
        return
    for item in items:
        if not isinstance(item, Mapping):
            yield f'"{key}" holds {shown(item)}, not an object', "see the format of the task in the README"
        else:
            yield from _CHECKS[key](item, text, schema)


def _entity(item: Mapping[str, Any], text: str, schema: Schema) -> Iterator[Finding]:
    yield from _mention(item, "entity", "entity", text)
    yield from _label(item, "entity_type", "type", schema.types)


def _relation(item: Mapping[str, Any], text: str, schema: Schema) -> Iterator[Finding]:
    yield from _mention(item, "head", "head", text)
    yield from _mention(item, "tail", "tail", text)
    relation, types = item.get("relation"), (item.get("head_type"), item.get("tail_type"))
    typed = [pair for pair in schema.triples.values() if pair[1] == relation]
    attributes = graph_attributes(schema)
    plain = relation in schema.relations
    if typed and (all(types) or not plain):
        for field, kind in zip(("head_type", "tail_type"), types):
            if not isinstance(kind, str):
                yield from _label(item, field, field, ())
        if (types[0], relation, types[1]) not in typed and all(isinstance(kind, str) for kind in types):
            between = f"from {shown(types[0])} to {shown(types[1])}"
            yield f"relation {shown(relation)} {between} is not in the schema", _ADD_LABEL
    elif not plain and any(relation in names for names in attributes.values()):
        kinds = tuple(kind for kind, names in attributes.items() if relation in names)
        yield from _label(item, "head_type", f"type with attribute {shown(relation)}", kinds)
    else:
        yield from _label(item, "relation", "relation", schema.relations)


def _event(item: Mapping[str, Any], text: str, schema: Schema) -> Iterator[Finding]:
    if item.get("event_trigger") not in ("", "NAN", None):
        yield from _mention(item, "event_trigger", "trigger", text)
    kind = item.get("event_type")
    yield from _label(item, "event_type", "event type", schema.types)
    arguments = item.get("arguments") or []
    if not isinstance(arguments, list):
        yield f'"arguments" is {shown(arguments)}, not a list', 'write [{"argument": …, "role": …}]'
        return
    roles = schema.roles.get(kind, ()) if isinstance(kind, str) else ()
    for argument in arguments:
        if not isinstance(argument, Mapping):
            yield f'"arguments" holds {shown(argument)}, not an object', 'write {"argument": …, "role": …}'
        elif argument.get("argument") not in ("", "NAN", None) or "argument" not in argument:
            yield from _mention(argument, "argument", "argument", text)
            yield from _label(argument, "role", f"role of {shown(kind)}", roles)


def _mention(item: Mapping[str, Any], field: str, noun: str, text: str) -> Iterator[Finding]:
    value = item.get(field)
    if not isinstance(value, str):
        yield (f'"{field}" is {shown(value)}' if field in item else f'no "{field}"'), "give it as a string"
    elif not value:
        yield f'"{field}" is empty', "remove the annotation"
    elif value not in text:
        yield f"{noun} {shown(value)} does not occur in the text", _VERBATIM


def _label(item: Mapping[str, Any], field: str, noun: str, labels: tuple[str, ...]) -> Iterator[Finding]:
    value = item.get(field)
    if not isinstance(value, str):
        yield (f'"{field}" is {shown(value)}' if field in item else f'no "{field}"'), "give it as a string"
    elif value not in labels:
        yield f"{noun} {shown(value)} is not in the schema", _ADD_LABEL


_CHECKS = {"entity": _entity, "relation": _relation, "event": _event}
