"""Shapes in which models put an answer: by label, as a flat list, inside of something else.

A flat part names its label in a field: `{"text": "Ada", "label": "person"}`. It is read as the same part without this
field, under that label, so that only the readers of the tasks know fields of mentions, relations and events.
"""

from collections.abc import Collection
from typing import Any

from .events import ARGUMENT_KEYS
from .mentions import NAMES, TRIGGER_KEYS
from .relations import ENDS
from .repairs import FLAT, SHAPE
from .tasks import TASKS, Task
from .text_objects import decoded

__all__ = ["items_in"]

Labels = Collection[str] | None

LABEL_KEYS = tuple(dict.fromkeys(key for task in TASKS.values() for key in task.reading.label_keys))
"""Fields that hold the label of a flat part, those of all tasks"""

WRAPPERS = frozenset(
    (
        *("entities", "named_entities", "extracted_entities", "relations", "relationships", "extracted_relations"),
        *("triples", "triplets", "events", "extracted_events", "extraction", "extractions", "annotations"),
        *("result", "results", "answer", "answers", "final", "final_answer", "output", "outputs", "response"),
        *("data", "json", "arguments", "parameters", "input", "function", "function_call", "tool_call", "tool_calls"),
        *("实体", "实体列表", "关系", "三元组", "事件", "结果", "抽取结果", "答案", "输出"),
    )
)
"""Keys that may only wrap an answer; one that was asked is a label all the same."""

REMARKS = frozenset(
    (
        *("reasoning", "explanation", "explanations", "thought", "thoughts", "thinking", "analysis", "confidence"),
        *("note", "notes", "comment", "comments", "score", "status", "id", "language", "text", "sentence", "input"),
        *("instruction", "schema", "task", "name", "type", "role", "content", "index", "说明", "解释", "备注"),
    )
)
"""Keys that say something beside an answer."""

NOTHING_WORDS = frozenset(
    {"none", "n/a", "null", "nil", "not mentioned", "not specified", "not found", "not applicable"}
    | {"no entities", "no entity", "no relations", "no relation", "no events", "no event"}
    | {"无", "没有", "暂无", "未提及", "空", "没有实体", "没有关系", "没有事件"}
)
"""What models write where there is nothing, in small letters."""

_CONTENT = (*NAMES, *(name for ends in ENDS for name in ends), *TRIGGER_KEYS, *ARGUMENT_KEYS, "attributes")


def label_of(part: Any, keys: tuple[str, ...], labels: Labels) -> str | None:
    """Give the name of the field that holds the label of a flat part, None where it is not one.

    >>> label_of({"text": "Ada", "label": "person"}, ("type", "label"), None)
    'label'
    """
    if not isinstance(part, dict) or part.keys().isdisjoint(keys) or is_by_label(part, labels):
        return None
    named = [key for key in keys if isinstance(part.get(key), str)]
    if labels is not None:
        named = [key for key in named if part[key] in labels] or named
    for key in named:
        if any(_states(part[name], name) for name in _CONTENT if name in part and name != key):
            return key
    return None


def _states(value: Any, name: str) -> bool:
    """Whether a field holds what is found, rather than what is asked for as in a schema that is repeated."""
    if name in TRIGGER_KEYS:
        return value is None or isinstance(value, str)
    if name in ARGUMENT_KEYS or name == "attributes":
        return isinstance(value, dict) or (isinstance(value, list) and not any(isinstance(part, str) for part in value))
    return isinstance(value, str | dict | list)


def without_remarks(value: Any, labels: Labels) -> Any:
    """Leave out keys that were not asked and say something beside an answer.

    >>> without_remarks({"reasoning": "Ada is one.", "person": ["Ada"]}, ["person"])
    {'person': ['Ada']}
    """
    if labels is None or not is_by_label(value, labels) or all(key in labels for key in value):
        return value
    return {key: part for key, part in value.items() if key in labels or key not in WRAPPERS | REMARKS}


def is_tool_call(value: dict[str, Any]) -> bool:
    """Whether an object is a call of a function."""
    return "name" in value and value.keys() <= {"name", "arguments", "parameters", "type", "id", "index"}


def is_by_label(value: Any, labels: Labels) -> bool:
    """Whether a value is an object of which a key was asked."""
    return isinstance(value, dict) and labels is not None and any(key in labels for key in value)


def without_nothing(value: Any, in_lists: bool = True) -> Any:
    """Empty what only says that there is nothing.

    Args:
        value: An answer.
        in_lists: Whether a list with such a word alone says so, too, or is a mention.

    >>> without_nothing({"person": "None", "city": ["N/A"], "sue": [{"place": "无", "court": "X"}]})
    {'person': None, 'city': [], 'sue': [{'place': None, 'court': 'X'}]}
    """
    if isinstance(value, str):
        return None if is_nothing(value) else value
    if isinstance(value, dict):
        return {key: without_nothing(part, in_lists) for key, part in value.items()}
    if isinstance(value, list):
        if in_lists and len(value) == 1 and isinstance(value[0], str) and is_nothing(value[0]):
            return value if value[0] == "null" else []
        return [part if isinstance(part, str) else without_nothing(part, in_lists) for part in value]
    return value


def is_nothing(word: str) -> bool:
    """Whether a text says that there is nothing.

    >>> is_nothing("None."), is_nothing("无。"), is_nothing("Nobody")
    (True, True, False)
    """
    return len(word) < 20 and word.strip().rstrip(".。!").casefold() in NOTHING_WORDS


def items_in(task: Task, value: Any, labels: Labels = None) -> list[Any]:
    """The items of an answer of any shape, an annotation list included; what has no plain meaning is left out.

    >>> from .tasks import TASKS
    >>> items_in(TASKS["ner"], [{"entity": "Ada", "entity_type": "person"}])
    [('person', 'Ada')]
    >>> items_in(TASKS["re"], [{"subject": "Ada", "predicate": "born in", "object": "London"}])
    [('born in', 'Ada', 'London')]
    """
    return [item for label, part in parts_of(task, value, labels) for item in task.reading.items({label: part})]


def is_unread(task: Task, value: Any, labels: Labels = None) -> bool:
    """Whether a value of which no item was read says something all the same."""
    parts = parts_of(task, value, labels)
    return any(says_something(part) for _, part in parts) if parts else says_something(value)


def parts_of(task: Task, value: Any, labels: Labels) -> list[tuple[str, Any]]:
    """List what a value says under each label."""
    if isinstance(value, dict):
        key = label_of(value, task.reading.label_keys, labels)
        if key is not None:
            return [(value[key], [{name: part for name, part in value.items() if name != key}])]
        if labels and value and all(isinstance(part, str) and part in labels for part in value.values()):
            return [(part, [name]) for name, part in value.items()]  # {mention: label}
        return list(value.items())
    if is_tuple(value, labels):
        return [_labelled(value, labels or ())]
    parts = value if isinstance(value, list) else []
    return [stated for part in parts for stated in parts_of(task, part, labels) if isinstance(part, dict | list)]


def is_foreign(part: Any) -> bool:
    """Whether an object of a list may be a part of the answer, though nothing of it was asked."""
    return isinstance(part, list) or (isinstance(part, dict) and not part.keys() <= WRAPPERS | REMARKS)


def is_tuple(value: Any, labels: Labels) -> bool:
    """Whether a list is `[mention, label]` or `[subject, relation, object]`."""
    return (
        isinstance(value, list)
        and len(value) in (2, 3)
        and all(isinstance(part, str) for part in value)
        and labels is not None
        and (value[1] in labels if len(value) == 3 else (value[0] in labels) != (value[1] in labels))
    )


def _labelled(value: list[str], labels: Collection[str]) -> tuple[str, Any]:
    if len(value) == 3:
        return value[1], [[value[0], value[2]]]
    label, text = value if value[0] in labels else reversed(value)
    return label, [text]


def kind_of_shape(task: Task, value: Any, labels: Labels) -> str:
    """Name the shape of what is no plain answer."""
    parts = value if isinstance(value, list) else [value]
    is_flat = any(label_of(part, task.reading.label_keys, labels) or is_tuple(part, labels) for part in parts)
    return FLAT if is_flat else SHAPE


def says_something(value: Any) -> bool:
    """Whether there is any text or number in a value, keys aside.

    >>> says_something({"person": [], "city": None}), says_something({"person": {"age": 3}})
    (False, True)
    """
    if isinstance(value, dict):
        return any(says_something(part) for part in value.values())
    if isinstance(value, list):
        return any(says_something(part) for part in value)
    if isinstance(value, str):
        return value not in ("NAN", "") and not is_nothing(value)
    return value is not None and not isinstance(value, bool)


def is_wrapper(value: Any) -> bool:
    """Whether an object only wraps something that it says."""
    return isinstance(value, dict) and any(value.values()) and bool(value) and value.keys() <= WRAPPERS | REMARKS


def unwrapped(value: Any, labels: Labels) -> Any:
    """Take an answer out of keys that only wrap it; None if it is none."""
    only = next(iter(labels)) if labels and len(labels) == 1 else None
    for _ in range(6):
        if isinstance(value, str):
            value = decoded(value)
        if isinstance(value, list):
            are_texts = all(isinstance(part, str) and part != only for part in value)
            if only is not None and value and (are_texts or all(map(_has_ends, value))):
                return {only: value}
            return value if any(isinstance(part, dict) for part in value) else None
        if not isinstance(value, dict) or not value:
            return None
        is_part = label_of(value, LABEL_KEYS, None) is not None and not is_tool_call(value)
        if is_part or not value.keys() <= WRAPPERS | REMARKS:
            return value
        inner = [part for key, part in value.items() if key in WRAPPERS and says_something(part)]
        if len(inner) != 1:
            return None
        value = inner[0]
    return None


def _has_ends(part: Any) -> bool:
    ends = ({"subject", "object"}, {"trigger", "arguments"})
    return isinstance(part, dict) and any(keys <= part.keys() for keys in ends)
