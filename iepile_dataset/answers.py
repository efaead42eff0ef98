"""Annotations → answers: what a perfect model says for one record, as JSON fragments.

Each function takes the text, the annotation list and the schema and returns `{label: JSON value}` for the
labels that occur. Strings are escaped here, once. Values follow the first occurrence in the text; identical
units merge: (type, mention), (relation, subject, object), (type, trigger), whole identical events. Nothing is
stripped. A mention that is not in the text, a role that its type lacks and a wrong shape raise one of `UNFIT`;
whoever asks finds labels that the schema lacks, and `record_check.problems` says in words why.
"""

from collections.abc import Callable, Iterator, Mapping, Sequence
from json.encoder import encode_basestring as quote
from operator import itemgetter
from typing import Any

from .schema import Schema

__all__ = ["NO_MENTION", "UNFIT", "graph_attributes", "leaves"]

UNFIT = (KeyError, TypeError, AttributeError, ValueError, RecursionError)

NAN = "NAN"
"""The original's word for "no such argument", and for an event whose trigger is not annotated."""

NO_MENTION = ("", NAN, None)
"""What stands for an argument or trigger that is not there."""

Items = Sequence[Mapping[str, Any]]


def leaves(value: Any) -> Iterator[Any]:
    """What is in lists and objects, to any depth; in every task's answer, leaves are mentions.

    >>> list(leaves({"sue": [{"trigger": "sued", "arguments": {"who": ["Ada", "Bo"]}}]}))
    ['sued', 'Ada', 'Bo']
    """
    if isinstance(value, dict | list):
        for part in value.values() if isinstance(value, dict) else value:
            yield from leaves(part)
    else:
        yield value


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
    units: dict[str, dict[str, int]] = {}
    for item in items:
        mention, kind = item["entity"], item["entity_type"]
        units.setdefault(kind, {}).setdefault(mention, text.index(mention) if mention else locate(text, mention))
    return {kind: _strings(mentions) for kind, mentions in units.items()}


def relation_answers(text: str, items: Items, schema: Schema) -> dict[str, str]:
    """RE: `{relation: [{"subject", "object"}, …]}`; the corpus says head and tail.

    >>> relation_answers("Ada, born in Ulm", [{"head": "Ada", "relation": "born in", "tail": "Ulm"}],
    ...     Schema(relations=("born in",)))
    {'born in': '[{"subject": "Ada", "object": "Ulm"}]'}
    """
    units: dict[str, dict[tuple[str, str], tuple[int, int]]] = {}
    for item in items:
        head, tail, relation = item["head"], item["tail"], item["relation"]
        units.setdefault(relation, {}).setdefault((head, tail), (locate(text, head), locate(text, tail)))
    return {
        relation: _list(f'{{"subject": {quote(head)}, "object": {quote(tail)}}}' for head, tail in _in_order(pairs))
        for relation, pairs in units.items()
    }


def typed_answers(text: str, items: Items, schema: Schema) -> dict[str, str]:
    """SPO: as RE, by typed relation: what is asked is (head type, relation, tail type).

    >>> item = {"head": "Ulm", "head_type": "city", "relation": "in", "tail": "Bavaria", "tail_type": "state"}
    >>> typed_answers("Ulm, Bavaria", [item], Schema(triples={"city_in_state": ("city", "in", "state")}))
    {'city_in_state': '[{"subject": "Ulm", "object": "Bavaria"}]'}
    """
    return relation_answers(text, [{**item, "relation": triple_name(item)} for item in items], schema)


def triple_name(item: Mapping[str, Any]) -> str:
    """The name of a typed relation, see `Schema.triples`."""
    return f"{item['head_type']}_{item['relation']}_{item['tail_type']}"


def graph_answers(text: str, items: Items, schema: Schema) -> dict[str, str]:
    """KG: `{entity type: {entity: {attribute: "x" | ["x", "y"]}}}`; attributes that do not occur are left out.

    >>> item = {"head": "Ada", "head_type": "person", "relation": "born in", "tail": "Ulm"}
    >>> graph_answers("Ada, born in Ulm", [item], Schema(types=("person",), roles={"person": ("born in",)}))
    {'person': '{"Ada": {"born in": "Ulm"}}'}
    """
    units: dict[str, dict[str, tuple[int, dict[str, dict[str, int]]]]] = {}
    for item in items:
        head, kind, name, tail = item["head"], item["head_type"], item["relation"], item["tail"]
        attributes = units.setdefault(kind, {}).setdefault(head, (locate(text, head), {}))[1]
        attributes.setdefault(name, {}).setdefault(tail, locate(text, tail))
    answers = {}
    for kind, entities in units.items():
        known = graph_attributes(schema)[kind]
        parts = []
        for head, (_, attributes) in sorted(entities.items(), key=lambda pair: pair[1][0]):
            if not attributes.keys() <= set(known):
                raise KeyError(kind)
            values = []
            for name in (name for name in known if name in attributes):
                quoted = [quote(tail) for tail in _in_order(attributes[name])]
                values.append(f"{quote(name)}: {quoted[0] if len(quoted) == 1 else _list(quoted)}")
            parts.append(f"{quote(head)}: {{{', '.join(values)}}}")
        answers[kind] = "{" + ", ".join(parts) + "}"
    return answers


def graph_attributes(schema: Schema) -> dict[str, list[str]]:
    """Entity type → the attributes that KG asks of it: the schema's own, or its relations by type of their head.

    >>> graph_attributes(Schema(triples={"a": ("city", "in", "state"), "b": ("city", "near", "city")}))
    {'city': ['in', 'near']}
    """
    if schema.roles:
        return {kind: list(names) for kind, names in schema.roles.items()}
    units: dict[str, dict[str, None]] = {}
    for head, relation, _ in schema.triples.values():
        units.setdefault(head, {})[relation] = None
    return {kind: list(names) for kind, names in units.items()}


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
    # Arguments are neither shown nor scored here: one that does not fit its text does not spoil the record.
    return _events(text, items, schema, lambda trigger, values: quote(trigger or NAN), arguments=False)


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
    units: dict[str, dict[str, int]] = {}
    for item in items:
        triggers, trigger = units.setdefault(item["event_type"], {}), item.get("event_trigger")
        if trigger not in NO_MENTION:
            triggers.setdefault(trigger, locate(text, trigger))
    return {kind: list(_in_order(triggers)) for kind, triggers in units.items()}


def _events(
    text: str, items: Items, schema: Schema, render: Callable[[str | None, str], str], arguments: bool = True
) -> dict[str, str]:
    units: dict[str, list[tuple[int, tuple[str, int]]]] = {}
    for item in items:
        kind, trigger = item["event_type"], item.get("event_trigger")
        if trigger in NO_MENTION:
            trigger, position = None, len(text)
        else:
            position = text.index(trigger)
        values, copy = "", 0
        if arguments:
            copy = item.get("copy", 0)  # it looks like another in this window only, see `instructions.windows`
            given = item.get("arguments")
            values = _arguments(text, given, schema, kind) if given else schema.no_arguments.get(kind, "{}")
        units.setdefault(kind, []).append((position, (render(trigger, values), copy)))
    return {
        kind: f"[{events[0][1][0]}]"
        if len(events) == 1
        else _list(event for event, _ in dict.fromkeys([event for _, event in sorted(events, key=itemgetter(0))]))
        for kind, events in units.items()
    }


def _arguments(text: str, arguments: Items, schema: Schema, kind: str) -> str:
    """The arguments of one event, every role of its type in the schema's order."""
    values: dict[str, dict[str, int]] = {}
    for argument in arguments:
        mention = argument["argument"]
        if mention not in NO_MENTION:
            role, position = argument["role"], text.index(mention)
            if role in values:
                values[role].setdefault(mention, position)
            else:
                values[role] = {mention: position}
    slots = schema.slots[kind]
    parts = schema.absent[kind].copy()
    for role, mentions in values.items():
        number, name = slots[role]
        if len(mentions) == 1:
            (mention,) = mentions
            parts[number] = name + quote(mention)
        else:
            parts[number] = name + _strings(mentions)
    return "{" + ", ".join(parts) + "}"


def _in_order(units: Mapping[Any, Any]) -> Any:
    return units if len(units) < 2 else sorted(units, key=units.__getitem__)


def _strings(mentions: Mapping[str, int]) -> str:
    """Mentions and where they stand → a JSON list in that order."""
    if len(mentions) == 1:
        (mention,) = mentions
        return f"[{quote(mention)}]"
    return _list(map(quote, _in_order(mentions)))


def _list(values: Any) -> str:
    return "[" + ", ".join(values) + "]"
