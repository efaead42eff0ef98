"""What was asked: the labels of an instruction."""

from collections.abc import Collection
from typing import Any

import orjson

__all__ = ["labels_of"]

_LABEL = ("event_type", "predicate", "entity_type")
"""The key that holds the label of a schema entry with several parts."""


def labels_of(instruction: Any) -> tuple[str, ...] | None:
    """Read the asked labels from an instruction.

    Args:
        instruction: JSON of `{"instruction", "schema", "input"}`, or the labels themselves, as JSON or as a list.

    Returns:
        The labels, None where they are not known.

    >>> labels_of('{"schema": [{"event_type": "sue", "arguments": ["court"]}], "input": "Ada sued."}')
    ('sue',)
    >>> labels_of(["person", "city"]), labels_of("Find all persons."), labels_of(None)
    (('person', 'city'), None, None)
    """
    value = instruction
    if isinstance(instruction, str):
        try:
            value = orjson.loads(instruction)
        except ValueError:
            return None
    if isinstance(value, dict):
        value = value.get("schema")
    return (_labels(value) or None) if isinstance(value, Collection) and not isinstance(value, str) else None


def _labels(schema: Collection[Any]) -> tuple[str, ...] | None:
    labels = []
    for entry in schema:
        if isinstance(entry, dict):
            entry = next((entry[key] for key in _LABEL if key in entry), None)
        if not isinstance(entry, str):
            return None
        labels.append(entry)
    return tuple(dict.fromkeys(labels))
