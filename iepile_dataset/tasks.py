"""How to ask: what differs between the tasks, one entry each. No other module asks which task it has.

A new task is a new entry here, its prompts, its twin in the metric's table, and its tests.
"""

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from importlib import resources
from json.encoder import encode_basestring as quote
from operator import itemgetter
from typing import Any

from . import annotations, answers
from .answers import Items
from .errors import DataError
from .schema import Schema

__all__ = ["ANNOTATIONS", "LANGUAGES", "TASKS", "TASK_FOLDERS", "Task", "task_named"]

LANGUAGES = ("en", "zh")


@dataclass(frozen=True)
class Task:
    """One task of the specification.

    Attributes:
        name: As rows spell it.
        folders: Corpus folders that serve it, the best first.
        annotation: The annotation's key in a record.
        split_num: The most labels one instruction asks for, unless told otherwise (IEPile's own figures).
        labels: What can be asked of a source.
        entry: A label as it stands in the instruction's schema, as JSON.
        answer: Text, annotation, schema → `{label: JSON value}`.
        items: The inverse: a label's parsed entry and parsed value → annotated units.
        label_of: The label that asks for an annotated unit.
        schema_of: Parsed entries → the schema that they ask for.
        hints: Only where the gold decides what is asked: text, annotation, schema → `{label: entry}`.
        key: A label as it stands as a key of the answer.
        nothing: The answer's value for a label that does not occur, as JSON.
        where: Where its labels stand in a schema, for messages.
    """

    name: str
    folders: tuple[str, ...]
    annotation: str
    split_num: int
    labels: Callable[[Schema], tuple[str, ...]]
    entry: Callable[[str, Schema], str]
    answer: Callable[[str, Items, Schema], dict[str, str]]
    items: Callable[[Any, Any], Iterator[dict[str, Any]]]
    label_of: Callable[[Mapping[str, Any]], str]
    schema_of: Callable[[Sequence[Any]], Schema]
    hints: Callable[[str, Items, Schema], Mapping[str, str]] | None = None
    key: Callable[[str, Schema], str] = lambda label, schema: label
    nothing: str = "[]"
    where: str = "line 1 of schema.json, the types"

    def prompt(self, language: str) -> str:
        """The task description in `en` or `zh`, as it stands in `prompts/`."""
        return _prompt(self.name.lower(), language)


@cache
def _prompt(task: str, language: str) -> str:
    return (resources.files(__package__) / "prompts" / f"{task}_{language}.txt").read_text("utf-8").rstrip("\n")


def _name(label: str, schema: Schema) -> str:
    return quote(label)


def _event(label: str, schema: Schema) -> str:
    return f'{{"event_type": {quote(label)}, "trigger": true, "arguments": {_roles(label, schema)}}}'


def _known_events(text: str, items: Items, schema: Schema) -> dict[str, str]:
    return {
        label: f'{{"event_type": {quote(label)}, "trigger": {_list(triggers)}, "arguments": {_roles(label, schema)}}}'
        for label, triggers in answers.known_triggers(text, items).items()
    }


def _typed_relation(label: str, schema: Schema) -> str:
    head, relation, tail = map(quote, schema.triples[label])
    return f'{{"subject_type": {head}, "predicate": {relation}, "object_type": {tail}}}'


def _graph_entity(label: str, schema: Schema) -> str:
    return f'{{"entity_type": {quote(label)}, "attributes": {_list(answers.graph_attributes(schema)[label])}}}'


def _roles(label: str, schema: Schema) -> str:
    return schema.role_lists.get(label, "[]")


def _list(labels: Iterable[str]) -> str:
    return "[" + ", ".join(map(quote, labels)) + "]"


def _types(schema: Schema) -> tuple[str, ...]:
    return schema.types


def _named_types(names: Sequence[str]) -> Schema:
    return Schema(types=tuple(names))


def _event_types(entries: Sequence[Mapping[str, Any]]) -> Schema:
    roles = {entry["event_type"]: tuple(entry.get("arguments") or ()) for entry in entries}
    return Schema(types=tuple(roles), roles=roles)


def _triples(entries: Sequence[Mapping[str, str]]) -> Schema:
    triples = [(entry["subject_type"], entry["predicate"], entry["object_type"]) for entry in entries]
    return Schema(triples={"_".join(triple): triple for triple in triples})


def _attributes(entries: Sequence[Mapping[str, Any]]) -> Schema:
    # Rows of the original's converter call them "attribute".
    roles = {entry["entity_type"]: tuple(entry.get("attributes") or entry["attribute"]) for entry in entries}
    return Schema(types=tuple(roles), roles=roles)


TASKS: Mapping[str, Task] = {
    "ner": Task(
        "NER", ("NER",), "entity", 6, _types, _name, answers.entity_answers, annotations.entities,
        itemgetter("entity_type"), _named_types,
    ),
    "re": Task(
        "RE", ("RE",), "relation", 4, lambda schema: schema.relations, _name, answers.relation_answers,
        annotations.relations, itemgetter("relation"), lambda names: Schema(relations=tuple(names)),
        where="line 2 of schema.json, the relations",
    ),
    "ee": Task(
        "EE", ("EE",), "event", 4, _types, _event, answers.event_answers, annotations.events,
        itemgetter("event_type"), _event_types,
    ),
    "eet": Task(
        "EET", ("EET", "EE"), "event", 4, _types, _name, answers.trigger_answers, annotations.triggers,
        itemgetter("event_type"), _named_types,
    ),
    "eea": Task(
        "EEA", ("EEA", "EE"), "event", 4, _types, _event, answers.argument_answers, annotations.arguments,
        itemgetter("event_type"), _event_types, hints=_known_events,
    ),
    "spo": Task(
        "SPO", ("SPO", "RE"), "relation", 4, lambda schema: tuple(schema.triples), _typed_relation,
        answers.typed_answers, annotations.typed_relations, answers.triple_name, _triples,
        key=lambda label, schema: schema.triples[label][1],
        where="line 3 of schema.json, {relation: [[head type, tail type]]}",
    ),
    "kg": Task(
        "KG", ("KG", "SPO", "RE"), "relation", 1, lambda schema: tuple(answers.graph_attributes(schema)),
        _graph_entity, answers.graph_answers, annotations.attributes, itemgetter("head_type"), _attributes,
        nothing="{}",
        where="line 3 of schema.json, {type: [attributes]} or {relation: [[head type, tail type]]}",
    ),
}  # fmt: skip

ANNOTATIONS = tuple(dict.fromkeys(task.annotation for task in TASKS.values()))
"""The keys under which records are annotated."""
TASK_FOLDERS = {folder: task.annotation for task in TASKS.values() for folder in task.folders}
"""Corpus folder → the key of the annotations in it."""


def task_named(name: str) -> Task:
    """The table's entry for a task, in any case.

    Raises:
        DataError: There is no such task.

    >>> task_named("EEa").name
    'EEA'
    """
    try:
        return TASKS[name.lower()]
    except KeyError:
        raise DataError(f'unknown task "{name}" (one of {", ".join(TASKS)})') from None
