"""Answers of the shape {label: [text]}: entities (NER) and event triggers (EET).

An item is already the unit that is counted: `(label, text)`.
"""

from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

Unit = tuple[str, ...]
Units = tuple[list[Unit], ...]
"""Unit lists, one per measure of a task."""

NOTHING = ("NAN", "")
NAMES = (
    *("entity", "mention", "trigger", "text", "name", "span", "word", "value"),
    *("mentions", "entities", "texts", "values", "实体", "文本", "名称"),
)
"""Fields that hold a mention, or a list of them."""


def read_entities(answer: dict[str, Any]) -> tuple[Units, int]:
    """Read a well-formed NER answer quickly.

    Returns:
        The unit lists, one per measure, and the number of JSON keys seen.

    Raises:
        TypeError, ValueError, AttributeError, KeyError: the answer has another shape;
            `entities` then reads what can be read.

    >>> read_entities({"person": ["Ada"], "place": []})
    (([('person', 'Ada')],), 2)
    """
    units: list[Unit] = []
    for label, texts in answer.items():
        if texts.__class__ is not list:
            raise TypeError(label)
        for text in texts:
            if text.__class__ is not str:
                raise TypeError(label)
            units.append((label, text))
    return (units,), len(answer)


def read_triggers(answer: dict[str, Any]) -> tuple[Units, int]:
    """Read a well-formed EET answer quickly; "NAN" is an event without a trigger word.

    >>> read_triggers({"attack": ["fired", "NAN"]})
    (([('attack', 'fired'), ('attack', '')],), 1)
    """
    (units,), keys = read_entities(answer)
    if any(unit[1] == "NAN" for unit in units):
        units = [(label, trigger(text)) for label, text in units]
    return (units,), keys


def trigger(value: Any) -> str:
    """Give the trigger word; a missing one, null, "NAN" and "" are the same."""
    return "" if value is None or value == "NAN" else value


def texts(value: Any) -> Iterator[str | None]:
    """Yield the texts in a value of any shape; None stands for a part that means nothing.

    >>> list(texts(["Ada", 1815, {"entity": "Bob"}, {"age": 3}, ["Eve"], True]))
    ['Ada', '1815', 'Bob', None, 'Eve', None]
    """
    if isinstance(value, str):
        yield value
    elif isinstance(value, list):
        for part in value:
            yield from texts(part)
    elif isinstance(value, dict):
        yield from texts(next((value[name] for name in NAMES if isinstance(value.get(name), str | list)), None))
    elif isinstance(value, int | float) and not isinstance(value, bool):
        yield str(value)
    else:
        yield None


def entities(answer: dict[str, Any]) -> list[Unit]:
    """Read an NER answer of any shape, leaving out what has no plain meaning.

    >>> entities({"person": "Ada", "place": None, "year": [1815]})
    [('person', 'Ada'), ('year', '1815')]
    """
    return [
        (label, text)
        for label, value in answer.items()
        for text in texts(value)
        # A bare "NAN" in place of a list says that there is none; in a list it is a mention.
        if text is not None and not (isinstance(value, str) and text in NOTHING)
    ]


def triggers(answer: dict[str, Any]) -> list[Unit]:
    """Read an EET answer of any shape; a null in the list is an event without a trigger word.

    >>> triggers({"attack": [{"trigger": "fired"}, None]})
    [('attack', 'fired'), ('attack', '')]
    """
    return [
        (label, trigger(text))
        for label, value in answer.items()
        if value is not None and not (isinstance(value, str) and value in NOTHING)
        for part in (value if isinstance(value, list) else [value])
        for text in ([""] if part is None else texts(part if isinstance(part, str) else trigger_of(part)))
        if text is not None
    ]


TRIGGER_KEYS = ("trigger", "event_trigger", "trigger_word", "触发词")


def trigger_of(part: Any) -> Any:
    """The trigger of an event in an object, under any of its names; anything else as it is."""
    if isinstance(part, dict):
        return next((part[key] for key in TRIGGER_KEYS if key in part), part)
    return part


def annotated_entities(label: list[dict[str, Any]]) -> list[Unit]:
    """Turn an annotation `[{"entity", "entity_type"}]` into items."""
    return [(entity["entity_type"], entity["entity"]) for entity in label]


def annotated_triggers(label: list[dict[str, Any]]) -> list[Unit]:
    """Turn an annotation `[{"event_trigger", "event_type", …}]` into items without arguments."""
    return [(event["event_type"], trigger(event.get("event_trigger"))) for event in label]


def one_list(items: list[Unit]) -> Units:
    """Items that are units already make one measure."""
    return (items,)


def merged(items: list[Unit]) -> list[Unit]:
    """Merge identical items, keeping the order of first occurrence."""
    if len(items) < 2:
        return items
    distinct = dict.fromkeys(items)
    return items if len(distinct) == len(items) else list(distinct)


def united(one: list[Unit], other: list[Unit]) -> list[Unit]:
    """Put the units of two answers about one record together.

    A unit that both give counts as often as the one that gives it most often: batches ask for different labels, but
    windows of a long text may quote the same name, and the record names it once.

    >>> united([("x", "a"), ("x", "a")], [("x", "a"), ("x", "b")])
    [('x', 'a'), ('x', 'a'), ('x', 'b')]
    """
    if not one or not other or set(one).isdisjoint(other):
        return one + other
    return list((Counter(one) | Counter(other)).elements())


@dataclass(frozen=True)
class Reading:
    """How answers and annotations of one shape become units.

    Attributes:
        read: Well-formed answer → unit lists (one per measure) and the number of JSON keys seen;
            raises on any other shape. It exists for speed and agrees with `units(items(answer))`.
        items: Answer of any shape → items (units, or whole events).
        annotated: Annotation list → items.
        merge: Items → items without repetition, as generated answers merge them.
        units: Items → unit lists, one per measure.
        label_keys: Fields that may hold the label, where a part of an answer names it itself.
    """

    read: Callable[[dict[str, Any]], tuple[Units, int]]
    items: Callable[[dict[str, Any]], list[Any]]
    annotated: Callable[[list[dict[str, Any]]], list[Any]]
    merge: Callable[[list[Any]], list[Any]] = merged
    units: Callable[[list[Any]], Units] = one_list
    label_keys: tuple[str, ...] = ()


TYPE_KEYS = ("entity_type", "type", "label", "category", "class", "tag", "entity", "类型", "实体类型", "标签", "类别")
EVENT_KEYS = ("event_type", "type", "event", "label", "category", "事件类型", "类型")

ENTITIES = Reading(read_entities, entities, annotated_entities, label_keys=TYPE_KEYS)
TRIGGERS = Reading(read_triggers, triggers, annotated_triggers, label_keys=EVENT_KEYS)
