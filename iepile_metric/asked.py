"""What was asked: the labels and the text of an instruction."""

from collections.abc import Collection
from typing import Any

import orjson

_LABEL = ("event_type", "predicate", "entity_type")
"""The key that holds the label of a schema entry with several parts."""


def question_of(instruction: Any) -> tuple[tuple[str, ...] | None, str]:
    """Read the asked labels and the input text from an instruction.

    Args:
        instruction: JSON of `{"instruction", "schema", "input"}`, or the labels themselves, as JSON or as a list.

    Returns:
        The labels, None where they are not known, and the text, "" where that is not.

    >>> question_of('{"schema": [{"event_type": "sue", "arguments": ["court"]}], "input": "Ada sued."}')
    (('sue',), 'Ada sued.')
    >>> question_of(["person", "city"]), question_of("Find all persons."), question_of(None)
    ((('person', 'city'), ''), (None, ''), (None, ''))
    """
    value, text = instruction, ""
    if isinstance(instruction, str):
        try:
            value = orjson.loads(instruction)
        except ValueError:
            return None, ""
    if isinstance(value, dict):
        text = value.get("input")
        value = value.get("schema")
    labels = _labels(value) if isinstance(value, Collection) and not isinstance(value, str) else None
    return labels or None, text if isinstance(text, str) else ""


def _labels(schema: Collection[Any]) -> tuple[str, ...] | None:
    labels = []
    for entry in schema:
        if isinstance(entry, dict):
            entry = next((entry[key] for key in _LABEL if key in entry), None)
        if not isinstance(entry, str):
            return None
        labels.append(entry)
    return tuple(dict.fromkeys(labels))
