"""Where mentions stand in the text: `start` and `end` in characters, which annotations may carry and rows do not need.

An entity, an event (for its trigger) and an argument have `start` and `end`; a relation has `head_start`, `head_end`,
`tail_start` and `tail_end`.
"""

from collections.abc import Iterable, Iterator, Mapping
from typing import Any

__all__ = ["PREFIXES", "misplaced", "without_places"]

PREFIXES: Mapping[str, Mapping[str, str]] = {
    "entity": {"": "entity"},
    "relation": {"head_": "head", "tail_": "tail"},
    "event": {"": "event_trigger"},
}
"""Annotation → what stands before `start` and `end` → the field of the mention."""

_ARGUMENT = {"": "argument"}
_KEYS = frozenset(prefix + border for prefix in ("", "head_", "tail_") for border in ("start", "end"))


def without_places(items: Iterable[Any]) -> list[Any]:
    """Annotations as they would be without places.

    >>> without_places([{"entity": "Ulm", "entity_type": "city", "start": 3, "end": 6}])
    [{'entity': 'Ulm', 'entity_type': 'city'}]
    """
    return [
        {
            key: without_places(value) if key == "arguments" and isinstance(value, list) else value
            for key, value in item.items()
            if key not in _KEYS
        }
        if isinstance(item, dict)
        else item
        for item in items
    ]


def misplaced(item: Mapping[str, Any], annotation: str, text: str) -> Iterator[tuple[str, str, str]]:
    """(mention, its stated place, what the text has there) for each mention that does not stand where it should.

    >>> list(misplaced({"entity": "Ulm", "start": 0, "end": 3}, "entity", "In Ulm"))
    [('Ulm', '0:3', 'In ')]
    """
    yield from _misplaced(item, PREFIXES[annotation], text)
    arguments = item.get("arguments")
    for argument in arguments if annotation == "event" and isinstance(arguments, list) else ():
        if isinstance(argument, dict):
            yield from _misplaced(argument, _ARGUMENT, text)


def _misplaced(item: Mapping[str, Any], fields: Mapping[str, str], text: str) -> Iterator[tuple[str, str, str]]:
    for prefix, field in fields.items():
        start, end = item.get(f"{prefix}start"), item.get(f"{prefix}end")
        mention = item.get(field)
        if (start is None and end is None) or not isinstance(mention, str):
            continue
        whole = type(start) is int and type(end) is int and 0 <= start <= end
        there = text[start:end] if whole else ""
        if there != mention:
            yield mention, f"{start}:{end}", there
