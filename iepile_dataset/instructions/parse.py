"""Generated rows read back: what was asked, and the annotation that an answer states.

The inverse of `answers`, for rows of which nothing else is left: those of the original's `train.json` have neither
id nor annotation.
"""

import json
import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from json.encoder import encode_basestring as quote
from typing import Any

import orjson

from ..answers import NAN, UNFIT, Items
from ..errors import DataError
from ..schema import Schema
from ..tasks import Task, task_named
from .token_budget import known_roles

_LABEL = {"entity": "entity_type", "relation": "relation", "event": "event_type"}
_CHINESE = re.compile("[\u4e00-\u9fff]")


@dataclass(frozen=True)
class Asked:
    """What an instruction asks of which text.

    Attributes:
        task: Its task.
        whole: The instruction as an object.
        schema: What is asked, as a schema of its own.
        labels: The labels in the order in which they are asked.
    """

    task: Task
    whole: Mapping[str, Any]
    schema: Schema
    labels: tuple[str, ...]

    @property
    def text(self) -> str:
        """The text that is asked about."""
        return str(self.whole["input"])


def read_instruction(instruction: str, task: str) -> Asked:
    """An instruction of this package or of the original, read back.

    Raises:
        DataError: It is no such instruction.

    >>> asked = read_instruction('{"instruction": "?", "schema": ["city"], "input": "In Ulm"}', "NER")
    >>> asked.labels, asked.text
    (('city',), 'In Ulm')
    """
    kind = task_named(task)
    try:
        whole = json.loads(instruction)
        schema = _schema(_entries(whole["schema"]), kind)
        labels = kind.labels(schema)
        if not labels or not isinstance(whole["input"], str):
            raise ValueError
    except (ValueError, KeyError, TypeError, AttributeError):
        raise DataError(f"no {kind.name} instruction: {instruction[:60]!r} (instruction, schema and input)") from None
    return Asked(kind, whole, schema, labels)


def annotation(asked: Asked, output: str) -> list[dict[str, Any]]:
    """The annotation that an answer states, as a record would hold it.

    Raises:
        ValueError, TypeError, KeyError, AttributeError: The answer does not have the task's shape.

    >>> asked = read_instruction('{"instruction": "?", "schema": ["in"], "input": "Ulm, Bavaria"}', "RE")
    >>> annotation(asked, '{"in": [{"subject": "Ulm", "object": "Bavaria"}]}')
    [{'head': 'Ulm', 'relation': 'in', 'tail': 'Bavaria'}]
    """
    answer = json.loads(output)
    by_key = {asked.task.key(label, asked.schema): label for label in asked.labels}
    return [item for key, found in answer.items() for item in _ITEMS[asked.task.name](by_key[key], found, asked)]


def output_of(asked: Asked, items: Items) -> str:
    """The answer for annotated units, every asked label in its order, as the dataset writes it."""
    return answer_of(asked, asked.labels, asked.task.answer(asked.text, items, asked.schema))


def answer_of(asked: Asked, labels: Sequence[str], answer: Mapping[str, str]) -> str:
    """The answer in the order of `labels`, those without anything among them."""
    parts = (
        f"{quote(asked.task.key(label, asked.schema))}: {answer.get(label, asked.task.nothing)}" for label in labels
    )
    return "{" + ", ".join(parts) + "}"


def items_asked(asked: Asked, label: str) -> list[Mapping[str, Any]]:
    """What of a record's annotation, as JSON, an instruction asks for.

    Raises:
        ValueError, TypeError, KeyError, AttributeError: It is no annotation of this task.
    """
    items = [item for item in orjson.loads(label) if _is_asked(item, asked)]
    return list(known_roles(items, asked.schema, asked.task.annotation))


def completed(row: Mapping[str, str], place: str) -> dict[str, str]:
    """A row with what the original's files leave out: `id`, `language`, and one of `output` and `label`.

    Args:
        row: Its strings.
        place: Where it stands (`train.json:17`): its id, unless it has one.

    >>> row = {"task": "RE", "instruction": '{"instruction": "?", "schema": ["in"], "input": "Ulm, Bavaria"}',
    ...     "output": '{"in": [{"subject": "Ulm", "object": "Bavaria"}]}'}
    >>> made = completed(row, "train.json:1")
    >>> made["id"], made["language"], made["label"]
    ('train.json:1', 'en', '[{"head":"Ulm","relation":"in","tail":"Bavaria"}]')
    """
    made = {**row, "id": row.get("id") or place}
    if all(made.get(name) for name in ("language", "output", "label")):
        return made
    try:
        asked = read_instruction(row.get("instruction") or "", row.get("task") or "")
    except DataError:
        return made
    made["language"] = row.get("language") or ("zh" if _CHINESE.search(str(asked.whole.get("instruction"))) else "en")
    try:
        if made.get("output") and not made.get("label"):
            made["label"] = orjson.dumps(annotation(asked, made["output"])).decode()
        elif made.get("label") and not made.get("output"):
            made["output"] = output_of(asked, items_asked(asked, made["label"]))
    except UNFIT:
        pass
    return made


def _is_asked(item: Mapping[str, Any], asked: Asked) -> bool:
    if asked.task.name == "KG":
        return item["head_type"] in asked.schema.roles
    if asked.schema.triples:
        return f"{item['head_type']}_{item['relation']}_{item['tail_type']}" in asked.schema.triples
    return item[_LABEL[asked.task.annotation]] in asked.labels


def _entries(schema: Sequence[Any] | Mapping[str, Any]) -> list[Any]:
    """The entries of an instruction's schema; with descriptions it is an object, see `Options.descriptions`."""
    if not isinstance(schema, Mapping):
        return list(schema)
    return [
        {key: inner for key, inner in value.items() if key != label} if isinstance(value, Mapping) else label
        for label, value in schema.items()
    ]


def _schema(entries: list[Any], task: Task) -> Schema:
    names = tuple(entry for entry in entries if isinstance(entry, str))
    if names:
        return Schema(relations=names) if task.annotation == "relation" else Schema(types=names)
    if task.annotation == "event":
        return Schema(
            types=tuple(entry["event_type"] for entry in entries),
            roles={entry["event_type"]: tuple(entry.get("arguments") or ()) for entry in entries},
        )
    if task.name == "KG":
        roles = {entry["entity_type"]: tuple(entry["attributes"]) for entry in entries}
        return Schema(types=tuple(roles), roles=roles)
    typed = [(entry["subject_type"], entry["predicate"], entry["object_type"]) for entry in entries]
    return Schema(triples={"_".join(triple): triple for triple in typed})


def _entities(label: str, found: Any, asked: Asked) -> Iterator[dict[str, Any]]:
    for mention in found:
        yield {"entity": mention, "entity_type": label}


def _relations(label: str, found: Any, asked: Asked) -> Iterator[dict[str, Any]]:
    for pair in found:
        yield {"head": pair["subject"], "relation": label, "tail": pair["object"]}


def _typed(label: str, found: Any, asked: Asked) -> Iterator[dict[str, Any]]:
    head, relation, tail = asked.schema.triples[label]
    for item in _relations(relation, found, asked):
        yield {**item, "head_type": head, "tail_type": tail}


def _graph(label: str, found: Any, asked: Asked) -> Iterator[dict[str, Any]]:
    for head, attributes in found.items():
        for name, values in attributes.items():
            for tail in values if isinstance(values, list) else [values]:
                yield {"head": head, "head_type": label, "relation": name, "tail": tail}


def _events(label: str, found: Any, asked: Asked) -> Iterator[dict[str, Any]]:
    for event in found:
        yield _event(label, event["trigger"], event["arguments"])


def _triggers(label: str, found: Any, asked: Asked) -> Iterator[dict[str, Any]]:
    for trigger in found:
        yield _event(label, trigger, {})


def _arguments(label: str, found: Any, asked: Asked) -> Iterator[dict[str, Any]]:
    """Events of EEA; which trigger is whose is only known where there are as many of the one as of the other."""
    (entry,) = (entry for entry in _entries(asked.whole["schema"]) if entry["event_type"] == label)
    known = entry.get("trigger")
    triggers = known if isinstance(known, list) and len(known) == len(found) else [""] * len(found)
    for trigger, values in zip(triggers, found):
        yield _event(label, trigger, values)


def _event(kind: str, trigger: str, values: Mapping[str, Any]) -> dict[str, Any]:
    arguments = [
        {"argument": mention, "role": role}
        for role, value in values.items()
        for mention in (value if isinstance(value, list) else [value])
        if mention not in ("", NAN)
    ]
    return {"event_trigger": "" if trigger == NAN else trigger, "event_type": kind, "arguments": arguments}


_ITEMS = {
    "NER": _entities,
    "RE": _relations,
    "SPO": _typed,
    "KG": _graph,
    "EE": _events,
    "EET": _triggers,
    "EEA": _arguments,
}
