"""Does a record fit its source? The same findings for quarantine and for `iepile validate`."""

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from ..answers import NO_MENTION, graph_attributes
from ..errors import shown
from ..places import misplaced
from ..schema import Schema

__all__ = ["problems"]

Finding = tuple[str, str]
"""(reason, remedy)"""

_ADD_LABEL = "add it to schema.json or correct the annotation"
_PLACE = "start and end count characters, text[start:end] is the mention; correct them or leave them out"
_VERBATIM = "an annotation must quote the text letter for letter"


def problems(record: Any, key: str, schema: Schema | None) -> Iterator[Finding]:
    """Everything that keeps a record from becoming instructions.

    Args:
        record: One parsed line of a split file.
        key: The annotation's key: `entity`, `relation` or `event`.
        schema: The source's labels; None where they are not at hand, so that any label passes.

    >>> next(problems({"text": "In Paris", "entity": [{"entity": "Pariss", "entity_type": "city"}]}, "entity",
    ...     Schema(types=("city",))))[0]
    'entity "Pariss" does not occur in the text'
    """
    if not isinstance(record, dict):
        shape = 'write {"text": …, "' + key + '": […]}'
        remedy = f"{shape}, one object a line (jq -c '.[]')" if isinstance(record, list) else shape
        yield f"the line holds {shown(record)}, not an object", remedy
        return
    text = record.get("text")
    if text is None and "instruction" in record:
        yield "the line is an instruction already, no record", "train on it: iepile train --dataset FILE"
        return
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
        if not isinstance(item, dict):
            yield f'"{key}" holds {shown(item)}, not an object', "see the format of the task in the README"
        else:
            yield from _CHECKS[key](item, text, schema)
    for item in items:
        for mention, place, there in misplaced(item, key, text) if isinstance(item, dict) else ():
            if mention in text:
                yield f"{shown(mention)} does not stand at {place}, the text has {shown(there)} there", _PLACE


def _entity(item: Mapping[str, Any], text: str, schema: Schema | None) -> Sequence[Finding]:
    types = schema.types if schema else None
    return (*_mention(item, "entity", "entity", text), *_label(item, "entity_type", "type", types))


def _relation(item: Mapping[str, Any], text: str, schema: Schema | None) -> Iterator[Finding]:
    yield from _mention(item, "head", "head", text)
    yield from _mention(item, "tail", "tail", text)
    relation, types = item.get("relation"), (item.get("head_type"), item.get("tail_type"))
    plain = schema is None or relation in schema.relations
    if schema is None or (plain and not schema.triples):
        yield from _label(item, "relation", "relation", None)
        return
    typed = [pair for pair in schema.triples.values() if pair[1] == relation]
    if typed and (all(types) or not plain):
        for field, kind in zip(("head_type", "tail_type"), types):
            if not isinstance(kind, str):
                yield from _label(item, field, field, ())
        if (types[0], relation, types[1]) not in typed and all(isinstance(kind, str) for kind in types):
            between = f"from {shown(types[0])} to {shown(types[1])}"
            yield f"relation {shown(relation)} {between} is not in the schema", _ADD_LABEL
        return
    kinds = () if plain else [kind for kind, names in graph_attributes(schema).items() if relation in names]
    if kinds:
        yield from _label(item, "head_type", "type with attribute", kinds, relation)
    else:
        yield from _label(item, "relation", "relation", schema.relations)


def _event(item: Mapping[str, Any], text: str, schema: Schema | None) -> Iterator[Finding]:
    if item.get("event_trigger") not in NO_MENTION:
        yield from _mention(item, "event_trigger", "trigger", text)
    kind = item.get("event_type")
    yield from _label(item, "event_type", "event type", schema.types if schema else None)
    arguments = item.get("arguments") or []
    if not isinstance(arguments, list):
        yield f'"arguments" is {shown(arguments)}, not a list', 'write [{"argument": …, "role": …}]'
        return
    roles = schema.roles.get(str(kind), ()) if schema else None
    for argument in arguments:
        if not isinstance(argument, dict):
            yield f'"arguments" holds {shown(argument)}, not an object', 'write {"argument": …, "role": …}'
        elif argument.get("argument") not in NO_MENTION or "argument" not in argument:
            yield from _mention(argument, "argument", "argument", text)
            yield from _label(argument, "role", "role of", roles, kind)


def _mention(item: Mapping[str, Any], field: str, noun: str, text: str) -> Sequence[Finding]:
    value = item.get(field)
    if not isinstance(value, str):
        return (_no_string(item, field),)
    if not value:
        return ((f'"{field}" is empty', "remove the annotation"),)
    return () if value in text else ((f"{noun} {shown(value)} does not occur in the text", _VERBATIM),)


def _label(
    item: Mapping[str, Any], field: str, noun: str, labels: Sequence[str] | None, of: object = None
) -> Sequence[Finding]:
    value = item.get(field)
    if not isinstance(value, str):
        return (_no_string(item, field),)
    if labels is None or value in labels:
        return ()
    noun = noun if of is None else f"{noun} {shown(of)}"
    return ((f"{noun} {shown(value)} is not in the schema", _ADD_LABEL),)


def _no_string(item: Mapping[str, Any], field: str) -> Finding:
    return (f'"{field}" is {shown(item[field])}' if field in item else f'no "{field}"'), "give it as a string"


_CHECKS = {"entity": _entity, "relation": _relation, "event": _event}
