"""Annotations → answers: what a perfect model says for one record, as JSON fragments.

Each function takes the text, the annotation list and the schema and returns `{label: JSON value}` for the
labels that occur. Strings are escaped here, once. Values follow the first occurrence in the text; identical
units merge: (type, mention), (relation, subject, object), (type, trigger), whole identical events. Nothing is
stripped. A record that does not fit raises one of `UNFIT`; `check.problems` then says in words why.
"""

from collections.abc import Callable, Mapping, Sequence
from json.encoder import encode_basestring as quote
from typing import Any

from .schema import Schema

UNFIT = (KeyError, TypeError, AttributeError, ValueError)

NAN = "NAN"
"""The original's word for "no such argument", and for an event whose trigger is not annotated."""

_NO_ARGUMENT = ("", NAN, None)

Items = Sequence[Mapping[str, Any]]


def locate(text: str, mention: str) -> int:
    """Where a mention first occurs; a ValueError where it does not."""
    if not mention:
        raise ValueError("empty mention")
    return text.index(mention)


def entity_answers(text: str, items: Items, schema: Schema) -> dict[str, str]:
    """NER: `{type: ["mention", …]}`.

    >>> entity_answers("Ada met Bo.", [{"entity": "Bo", "entity_type": "person"},
    ...     {"entity": "Ada", "entity_type": "person"}], Schema(types=("person",)))
    {'person': '["Ada", "Bo"]'}
    """
    found: dict[str, dict[str, int]] = {}
    for item in items:
        mention, kind = item["entity"], item["entity_type"]
        _known(kind, schema.types)
        found.setdefault(kind, {}).setdefault(mention, locate(text, mention))
    return {kind: _list(map(quote, _in_order(mentions))) for kind, mentions in found.items()}


def relation_answers(text: str, items: Items, schema: Schema) -> dict[str, str]:
    """RE: `{relation: [{"subject", "object"}, …]}`; the corpus says head and tail.

    >>> relation_answers("Ada, born in Ulm", [{"head": "Ada", "relation": "born in", "tail": "Ulm"}],
    ...     Schema(relations=("born in",)))
    {'born in': '[{"subject": "Ada", "object": "Ulm"}]'}
    """
    found: dict[str, dict[tuple[str, str], tuple[int, int]]] = {}
    for item in items:
        head, tail, relation = item["head"], item["tail"], item["relation"]
        _known(relation, schema.relations)
        found.setdefault(relation, {}).setdefault((head, tail), (locate(text, head), locate(text, tail)))
    return {
        relation: _list(f'{{"subject": {quote(head)}, "object": {quote(tail)}}}' for head, tail in _in_order(pairs))
        for relation, pairs in found.items()
    }


def event_answers(text: str, items: Items, schema: Schema) -> dict[str, str]:
    """EE: `{type: [{"trigger", "arguments": {role: "x" | ["x", "y"] | "NAN"}}, …]}`.

    >>> schema = Schema(types=("sue",), roles={"sue": ("plaintiff", "place")})
    >>> event_answers("Ada sued.", [{"event_type": "sue", "event_trigger": "sued", "arguments":
    ...     [{"role": "plaintiff", "argument": "Ada"}]}], schema)
    {'sue': '[{"trigger": "sued", "arguments": {"plaintiff": "Ada", "place": "NAN"}}]'}
    """
    return _events(
        text,
        items,
        schema,
        lambda trigger, values: f'{{"trigger": {quote(trigger or NAN)}, "arguments": {values}}}',
    )


def trigger_answers(text: str, items: Items, schema: Schema) -> dict[str, str]:
    """EET: `{type: ["trigger", …]}`.

    >>> trigger_answers("Ada sued.", [{"event_type": "sue", "event_trigger": "sued"}], Schema(types=("sue",)))
    {'sue': '["sued"]'}
    """
    return _events(text, items, schema, lambda trigger, values: quote(trigger or NAN))


def argument_answers(text: str, items: Items, schema: Schema) -> dict[str, str]:
    """EEA: `{type: [{role: "x" | ["x", "y"] | "NAN"}, …]}`.

    >>> argument_answers("Ada sued.", [{"event_type": "sue", "event_trigger": "sued"}],
    ...     Schema(types=("sue",), roles={"sue": ("place",)}))
    {'sue': '[{"place": "NAN"}]'}
    """
    return _events(text, items, schema, lambda trigger, values: values)


def known_triggers(text: str, items: Items) -> dict[str, list[str]]:
    """Event type to its annotated triggers, in text order, each once; what EEA is told beforehand.

    >>> known_triggers("Ada sued, Bo sued.", [{"event_type": "sue", "event_trigger": "sued"}] * 2)
    {'sue': ['sued']}
    """
    found: dict[str, dict[str, int]] = {}
    for item in items:
        triggers, trigger = found.setdefault(item["event_type"], {}), item.get("event_trigger")
        if trigger not in _NO_ARGUMENT:
            triggers.setdefault(trigger, locate(text, trigger))
    return {kind: list(_in_order(triggers)) for kind, triggers in found.items()}


def _events(text: str, items: Items, schema: Schema, render: Callable[[str | None, str], str]) -> dict[str, str]:
    found: dict[str, list[tuple[int, str]]] = {}
    for item in items:
        kind, trigger = item["event_type"], item.get("event_trigger")
        _known(kind, schema.types)
        position = len(text)
        if trigger in _NO_ARGUMENT:
            trigger = None
        else:
            position = locate(text, trigger)
        roles = schema.roles.get(kind, ())
        values: dict[str, dict[str, int]] = {role: {} for role in roles}
        for argument in item.get("arguments") or ():
            mention = argument["argument"]
            if mention not in _NO_ARGUMENT:
                values[argument["role"]].setdefault(mention, locate(text, mention))
        found.setdefault(kind, []).append((position, render(trigger, _arguments(values))))
    return {
        kind: _list(dict.fromkeys(event for _, event in sorted(events, key=lambda pair: pair[0])))
        for kind, events in found.items()
    }


def _arguments(values: Mapping[str, dict[str, int]]) -> str:
    parts = []
    for role, mentions in values.items():
        if not mentions:
            value = '"NAN"'
        elif len(mentions) == 1:
            value = quote(next(iter(mentions)))
        else:
            value = _list(map(quote, _in_order(mentions)))
        parts.append(f"{quote(role)}: {value}")
    return "{" + ", ".join(parts) + "}"


def _known(label: str, labels: tuple[str, ...]) -> None:
    if label not in labels:
        raise KeyError(label)


def _in_order(units: Mapping[Any, Any]) -> Any:
    return units if len(units) < 2 else sorted(units, key=units.__getitem__)


def _list(values: Any) -> str:
    return "[" + ", ".join(values) + "]"
