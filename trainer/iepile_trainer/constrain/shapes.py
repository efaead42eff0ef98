"""The shape of an answer: what may stand where, one entry of the table per task.

A shape is what a grammar is written from and what an answer that was cut off is closed by.
"""

import json
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from ..errors import TrainerError

Label = tuple[str, "Shape"]


@dataclass(frozen=True)
class Leaf:
    """A string, or a few; `rule` is its name in the grammar, `nothing` what stands where there is none.

    Without a `nothing` there must be one: what it belongs to is left out with it.
    """

    rule: str
    nothing: str | list[str] | None = None


MENTION = Leaf("mention")
TRIGGER = Leaf("trigger")
VALUE = Leaf("value", "NAN")
MENTIONS = Leaf("mentions", [])


@dataclass(frozen=True)
class Keys:
    """An object with these keys in this order; `optional` ones may be left out, or `empty` all together."""

    keys: tuple[Label, ...]
    optional: bool = False
    empty: bool = False


@dataclass(frozen=True)
class Each:
    """A list of `item`."""

    item: "Shape"


@dataclass(frozen=True)
class Named:
    """An object whose keys are mentions."""

    value: "Shape"


Shape = Leaf | Keys | Each | Named

_PAIR = Keys((("subject", MENTION), ("object", MENTION)))


def _roles(names: Iterable[str]) -> Keys:
    return Keys(tuple((name, VALUE) for name in names), empty=True)


def _event(entry: Any) -> Label:
    return entry["event_type"], Each(Keys((("trigger", TRIGGER), ("arguments", _roles(entry["arguments"])))))


SHAPES: Mapping[str, Callable[[Any], Label]] = {
    "ner": lambda entry: (entry, MENTIONS),
    "re": lambda entry: (entry, Each(_PAIR)),
    "ee": _event,
    "eet": lambda entry: (entry, Each(TRIGGER)),
    "eea": lambda entry: (entry["event_type"], Each(_roles(entry["arguments"]))),
    "spo": lambda entry: (entry["predicate"], Each(_PAIR)),
    "kg": lambda entry: (
        entry["entity_type"],
        Named(Keys(tuple((name, VALUE) for name in entry["attributes"]), optional=True)),
    ),
}
"""Task → an entry of an instruction's schema → (its key in the answer, the shape of what stands there)."""


def entries_of(schema: Any) -> list[Any]:
    """The entries of an instruction's schema: labels, or objects that a label heads.

    >>> entries_of(["city"]), entries_of({"city": "a town", "sue": {"event_type": "sue"}})
    (['city'], ['city', {'event_type': 'sue'}])
    """
    if isinstance(schema, dict):  # with descriptions
        return [value if isinstance(value, dict) else label for label, value in schema.items()]
    return list(schema)


def shape_of(row: Mapping[str, Any]) -> tuple[Keys, str]:
    """The shape of a row's answer, and the text that it quotes.

    Args:
        row: With `task` and `instruction`.

    Raises:
        TrainerError: An unknown task, or an instruction that is not of this package's form.

    >>> shape_of({"task": "NER", "instruction": '{"schema": ["city"], "input": "In Ulm"}'})
    (Keys(keys=(('city', Leaf(rule='mentions', nothing=[])),), optional=False, empty=False), 'In Ulm')
    """
    task = str(row.get("task") or "")
    if task.lower() not in SHAPES:
        raise TrainerError(f"no answer can be constrained for task {task!r} (one of {', '.join(SHAPES)})")
    try:
        instruction = json.loads(row["instruction"])
        text = instruction["input"]
        keys = tuple(SHAPES[task.lower()](entry) for entry in entries_of(instruction["schema"]))
        if not keys or not isinstance(text, str) or not all(isinstance(key, str) for key, _ in keys):
            raise TypeError
    except (KeyError, TypeError, ValueError):
        raise TrainerError(
            f'the instruction is not of the form {{"instruction", "schema", "input"}} of task {task.upper()}, '
            "its answer cannot be constrained"
        ) from None
    return Keys(tuple(dict(keys).items())), text
