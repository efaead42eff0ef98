"""Answers → annotations, the inverse of `answers`: what an instruction's entry and its answer say a record would hold.

Each function takes an entry of an instruction's schema and the answer's value for it, and yields annotated units. A
wrong shape raises one of `answers.UNFIT`.
"""

from collections.abc import Iterator, Mapping
from typing import Any

from .answers import NAN

Item = dict[str, Any]


def entities(entry: str, values: list[str]) -> Iterator[Item]:
    """NER.

    >>> list(entities("city", ["Ulm"]))
    [{'entity': 'Ulm', 'entity_type': 'city'}]
    """
    for mention in values:
        yield {"entity": mention, "entity_type": entry}


def relations(entry: str, values: list[Mapping[str, str]]) -> Iterator[Item]:
    """RE."""
    for pair in values:
        yield {"head": pair["subject"], "relation": entry, "tail": pair["object"]}


def typed_relations(entry: Mapping[str, str], values: list[Mapping[str, str]]) -> Iterator[Item]:
    """SPO."""
    for item in relations(entry["predicate"], values):
        yield {**item, "head_type": entry["subject_type"], "tail_type": entry["object_type"]}


def attributes(entry: Mapping[str, Any], values: Mapping[str, Mapping[str, Any]]) -> Iterator[Item]:
    """KG."""
    for head, known in values.items():
        for name, tails in known.items():
            for tail in tails if isinstance(tails, list) else [tails]:
                yield {"head": head, "head_type": entry["entity_type"], "relation": name, "tail": tail}


def events(entry: Mapping[str, Any], values: list[Mapping[str, Any]]) -> Iterator[Item]:
    """EE."""
    for event in values:
        yield _event(entry["event_type"], event["trigger"], event["arguments"])


def triggers(entry: str, values: list[str]) -> Iterator[Item]:
    """EET."""
    for trigger in values:
        yield _event(entry, trigger, {})


def arguments(entry: Mapping[str, Any], values: list[Mapping[str, Any]]) -> Iterator[Item]:
    """EEA; which trigger is whose is only known where there are as many of the one as of the other."""
    known = entry.get("trigger")
    names = known if isinstance(known, list) and len(known) == len(values) else [""] * len(values)
    for trigger, roles in zip(names, values):
        yield _event(entry["event_type"], trigger, roles)


def _event(kind: str, trigger: str, roles: Mapping[str, Any]) -> Item:
    named = [
        {"argument": mention, "role": role}
        for role, value in roles.items()
        for mention in (value if isinstance(value, list) else [value])
        if mention not in ("", NAN)
    ]
    return {"event_trigger": "" if trigger == NAN else trigger, "event_type": kind, "arguments": named}
