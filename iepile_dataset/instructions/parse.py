"""Generated rows read back: what was asked, and the annotation that an answer states.

For rows of which nothing else is left: those of the original's `train.json` have neither id nor annotation.
"""

import json
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from json.encoder import encode_basestring as quote
from typing import Any

import orjson

from ..answers import UNFIT, Items
from ..errors import DataError
from ..schema import Schema
from ..tasks import Task, task_named
from .windows import known_roles

__all__ = ["Question", "annotation", "completed", "output_of", "read_instruction"]

_CHINESE = re.compile("[\u4e00-\u9fff]")


@dataclass(frozen=True)
class Question:
    """What an instruction asks of which text.

    Attributes:
        task: Its task.
        instruction: The instruction as an object.
        entries: Label → its entry in the instruction's schema, in the order in which they are asked.
        schema: What is asked, as a schema of its own.
    """

    task: Task
    instruction: Mapping[str, Any]
    entries: Mapping[str, Any]
    schema: Schema

    @property
    def text(self) -> str:
        """The text that is asked about."""
        return str(self.instruction["input"])

    @property
    def labels(self) -> tuple[str, ...]:
        """What is asked."""
        return tuple(self.entries)


def read_instruction(instruction: str, task: str) -> Question:
    """An instruction of this package or of the original, read back.

    Raises:
        DataError: It is no such instruction.

    >>> question = read_instruction('{"instruction": "?", "schema": ["city"], "input": "In Ulm"}', "NER")
    >>> question.labels, question.text
    (('city',), 'In Ulm')
    """
    kind = task_named(task)
    try:
        return question_of(json.loads(instruction), kind)
    except (*UNFIT, IndexError):
        raise DataError(f"no {kind.name} instruction: {instruction[:60]!r} (instruction, schema and input)") from None


def question_of(parts: Mapping[str, Any], task: Task) -> Question:
    """An instruction's `schema` and `input`; one of `UNFIT` or an IndexError where they are none."""
    listed = _entries(parts["schema"])
    entries = {task.labels(task.schema_of([entry]))[0]: entry for entry in listed}
    if not entries or not isinstance(parts["input"], str):
        raise ValueError
    return Question(task, parts, entries, task.schema_of(listed))


def annotation(question: Question, output: str) -> list[dict[str, Any]]:
    """The annotation that an answer states, as a record would hold it.

    Raises:
        ValueError, TypeError, KeyError, AttributeError: The answer does not have the task's shape.

    >>> question = read_instruction('{"instruction": "?", "schema": ["in"], "input": "Ulm, Bavaria"}', "RE")
    >>> annotation(question, '{"in": [{"subject": "Ulm", "object": "Bavaria"}]}')
    [{'head': 'Ulm', 'relation': 'in', 'tail': 'Bavaria'}]
    """
    task = question.task
    entries = {task.key(label, question.schema): entry for label, entry in question.entries.items()}
    return [item for key, values in json.loads(output).items() for item in task.items(entries[key], values)]


def output_of(question: Question, items: Items) -> str:
    """The answer for annotated units, every asked label in its order, as the dataset writes it."""
    return answer_of(question, question.labels, question.task.answer(question.text, items, question.schema))


def answer_of(question: Question, labels: Sequence[str], answer: Mapping[str, str]) -> str:
    """The answer in the order of `labels`, those without anything among them."""
    task = question.task
    parts = (f"{quote(task.key(label, question.schema))}: {answer.get(label, task.nothing)}" for label in labels)
    return "{" + ", ".join(parts) + "}"


def items_asked(question: Question, label: str) -> list[Mapping[str, Any]]:
    """What of a record's annotation, as JSON, an instruction asks for.

    Raises:
        ValueError, TypeError, KeyError, AttributeError: It is no annotation of this task.
    """
    items = [item for item in orjson.loads(label) if question.task.label_of(item) in question.entries]
    return list(known_roles(items, question.schema, question.task.annotation))


def completed(row: Mapping[str, str], place: str) -> dict[str, str]:
    """A row with what the original's files leave out: `id`, `language`, and one of `output` and `label`.

    Args:
        row: Its strings.
        place: Where it stands (`train.json:17`): its id, unless it has one.

    >>> row = {"task": "RE", "instruction": '{"instruction": "?", "schema": ["in"], "input": "Ulm, Bavaria"}',
    ...     "output": '{"in": [{"subject": "Ulm", "object": "Bavaria"}]}'}
    >>> whole = completed(row, "train.json:1")
    >>> whole["id"], whole["language"], whole["label"]
    ('train.json:1', 'en', '[{"head":"Ulm","relation":"in","tail":"Bavaria"}]')
    """
    whole = {**row, "id": row.get("id") or place}
    if all(whole.get(name) for name in ("language", "output", "label")):
        return whole
    try:
        question = read_instruction(row.get("instruction") or "", row.get("task") or "")
    except DataError:
        return whole
    prompt = str(question.instruction.get("instruction"))
    whole["language"] = row.get("language") or ("zh" if _CHINESE.search(prompt) else "en")
    try:
        if whole.get("output") and not whole.get("label"):
            whole["label"] = orjson.dumps(annotation(question, whole["output"])).decode()
        elif whole.get("label") and not whole.get("output"):
            whole["output"] = output_of(question, items_asked(question, whole["label"]))
    except UNFIT:
        pass
    return whole


def _entries(schema: Sequence[Any] | Mapping[str, Any]) -> list[Any]:
    """The entries of an instruction's schema; with descriptions it is an object, see `Options.descriptions`."""
    if not isinstance(schema, Mapping):
        return list(schema)
    return [
        {key: inner for key, inner in value.items() if key != label} if isinstance(value, Mapping) else label
        for label, value in schema.items()
    ]
