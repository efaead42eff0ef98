"""The model's raw text → the units of a task, and what was odd about it.

Plain JSON is read at once. Anything else goes through four steps: thoughts are left out (`thoughts`); every bracket
that begins JSON or something near it is decoded (`text_objects`, `near_json`); of these objects the asked labels say
which is the answer, the last whole one if there are several; its shape is read by the tables of `answer_shapes`.
Nothing here evaluates text as code, recurses without bound, or takes more than linear time.
"""

import re
from collections.abc import Collection
from typing import Any

import orjson

from .answer_shapes import (
    LABEL_KEYS,
    WRAPPERS,
    Labels,
    is_by_label,
    is_foreign,
    is_nothing,
    is_tuple,
    is_unread,
    is_wrapper,
    items_in,
    kind_of_shape,
    label_of,
    says_something,
    unwrapped,
    without_nothing,
    without_remarks,
)
from .asked import labels_of
from .repairs import (
    AMBIGUOUS,
    BROKEN,
    DRAFT,
    EMPTY,
    FENCED,
    LINES,
    NO_FINDING,
    NOT_ASKED,
    NOT_STRICT,
    SHAPE,
    SURROUNDED,
    THOUGHT,
    TOO_LONG,
    WRAPPED,
    Unparseable,
)
from .tasks import Task
from .text_objects import Object, decoded, objects_in
from .thoughts import without_thoughts

__all__ = ["Unparseable", "answer_in", "is_unread", "items_in", "object_in", "read_answer"]

MAX_LENGTH = 2_000_000

_FENCE = re.compile(r"```\w*\s*\Z")
_NO_WORDS = re.compile(r"(?:```\w*|[\s,;，；、•*\-]|\d+[.)])*")
_UNLIKELY = WRAPPERS | {"reasoning", "explanation", "thought", "thoughts"}
"""Keys with which an answer is looked at more closely."""


def object_in(text: str, labels: Labels = None) -> tuple[Any, list[str]]:
    """Find the answer in a model's text.

    Args:
        text: What the model wrote.
        labels: What was asked. The last whole object with one of these as a key, or as the label of its parts, is the
            answer, however deep it stands in others. Without them there must be one object, or objects that share
            keys, of which the last counts.

    Returns:
        An object or a list, and the kinds of repair it took, of `repairs.REPAIRS`; none for plain JSON.

    Raises:
        Unparseable: there is nothing to read.

    >>> object_in('{"person": ["Ada"]}')
    ({'person': ['Ada']}, [])
    >>> object_in('Sure: {"person": ["Ada"]}')
    ({'person': ['Ada']}, ['text around it'])
    >>> object_in('{"person": ["Ada"], "person": ["Bob"]}')
    ({'person': ['Ada', 'Bob']}, ['duplicate keys'])
    >>> object_in("{'person': ['Ada', 'Bo")
    ({'person': ['Ada', 'Bo']}, ['cut off', 'other quotation marks'])
    >>> object_in('{"name": "extract", "arguments": {"person": ["Ada"]}}', ["person"])
    ({'person': ['Ada']}, ['wrapped'])
    """
    if not text.strip():
        raise Unparseable(EMPTY)
    if len(text) > MAX_LENGTH:
        raise Unparseable(TOO_LONG)
    rest, has_thought = without_thoughts(text)
    kinds = {THOUGHT} if has_thought else set()
    if is_nothing(rest):
        return {}, sorted(kinds | {NO_FINDING})
    objects, is_broken = objects_in(rest)
    value, more = _answer(rest, objects, is_broken, labels)
    return value, sorted(kinds | more)


def _answer(text: str, objects: list[Object], is_broken: bool, labels: Labels) -> tuple[Any, set[str]]:
    """Choose the answer among the objects of a text."""
    answers = []
    if labels:
        parts = [(part, _asked_part(part.value, labels)) for part in objects]
        answers = [(part, value) for part, value in parts if value is not None]
    answers = answers or _unasked_answers(objects, is_broken, labels)
    run = _run(text, [answer for answer in answers if answer[0].is_whole] or answers)
    first, last = run[0][0], run[-1][0]
    values = [value for _, value in run]
    if labels and not last.is_whole and _has_inner_label(values[-1], labels):
        raise Unparseable(BROKEN)  # not its end is missing, but a bracket
    kinds = {kind for part, _ in run for kind in part.kinds}
    if len(run) > 1:
        kinds.add(LINES)
    if any(value is not part.value for part, value in run):
        kinds.add(WRAPPED)
    if len(answers) > len(run):
        kinds.add(DRAFT)
    elif _FENCE.search(text, 0, first.start):
        kinds.add(FENCED)
    elif text[: first.start].strip() or text[last.end :].strip():
        kinds.add(SURROUNDED)
    return values[0] if len(values) == 1 else values, kinds


def _has_inner_label(value: Any, labels: Collection[str], depth: int = 0) -> bool:
    """Whether a key within an answer was asked as a label of its own."""
    if isinstance(value, dict):
        return (depth > 0 and any(key in labels for key in value)) or any(
            _has_inner_label(part, labels, depth + 1) for part in value.values()
        )
    return isinstance(value, list) and any(_has_inner_label(part, labels, max(depth, 1)) for part in value)


def _run(text: str, answers: list[tuple[Object, Any]]) -> list[tuple[Object, Any]]:
    """The last answer, and those before it that are further lines of the same."""
    run = [answers[-1]]
    for part, value in reversed(answers[:-1]):
        gap = text[part.end : run[0][0].start]
        if len(gap) > 99 or not _NO_WORDS.fullmatch(gap) or not all(_go_together(value, other) for _, other in run):
            break
        run.insert(0, (part, value))
    return run


def _go_together(one: Any, other: Any) -> bool:
    """Whether two objects are lines of one answer, rather than two answers."""
    if not isinstance(one, dict) or not isinstance(other, dict):
        return False
    return not any(isinstance(one[key], list) and isinstance(other[key], list) for key in one.keys() & other.keys())


def _asked_part(value: Any, labels: Collection[str], depth: int = 0) -> Any:
    """Give the part of a value that answers for the labels, None if there is none."""
    if depth > 6:
        return None
    if isinstance(value, str):
        return _asked_part(decoded(value), labels, depth + 1)
    if isinstance(value, dict):
        key = label_of(value, LABEL_KEYS, labels)
        if is_by_label(value, labels) or (key is not None and value[key] in labels):
            return value
        inner = [(key, _asked_part(part, labels, depth + 1)) for key, part in value.items()]
        inner = [(key, answer) for key, answer in inner if answer is not None]
        return _only([answer for key, answer in inner if key in WRAPPERS] or [answer for _, answer in inner])
    if isinstance(value, list):
        if is_tuple(value, labels):
            return [value]
        parts = [(part, _asked_part(part, labels, depth + 1)) for part in value if not isinstance(part, str)]
        if all(found is None for _, found in parts):
            return None
        if all(found is part or (found is None and is_foreign(part)) or found == [part] for part, found in parts):
            return value
        return [part if found is None else found for part, found in parts if found is not None or is_foreign(part)]
    return None


def _only(answers: list[Any]) -> Any:
    """The one answer that stands in several keys; None if they contradict each other."""
    if not answers or all(answer == answers[0] for answer in answers):
        return answers[0] if answers else None
    keys = [key for answer in answers if isinstance(answer, dict) for key in answer]
    is_shared_out = all(isinstance(answer, dict) for answer in answers) and len(set(keys)) == len(keys)
    return answers if is_shared_out else None


def _unasked_answers(objects: list[Object], is_broken: bool, labels: Labels) -> list[tuple[Object, Any]]:
    """What may be the answer if no asked label says so."""
    answers = [(part, value) for part in objects if (value := unwrapped(part.value, labels)) is not None]
    if answers:
        last = answers[-1][1]
        if not all(_share_keys(value, last) for _, value in answers):
            raise Unparseable(AMBIGUOUS)
        return answers
    if is_broken or not objects:
        raise Unparseable(BROKEN)
    empty = [(part, part.value) for part in objects if not says_something(part.value) and not is_wrapper(part.value)]
    if not empty:
        raise Unparseable(NOT_ASKED)
    return empty[-1:]


def _share_keys(one: Any, other: Any) -> bool:
    return one is other or not (isinstance(one, dict) and isinstance(other, dict)) or bool(one.keys() & other.keys())


def read_answer(
    task: Task, text: str, strict: bool = False, instruction: Any = None
) -> tuple[tuple[list[Any], ...], list[str]]:
    """Read a model's text as the units of a task.

    Args:
        task: An entry of `tasks.TASKS`.
        text: The model's answer.
        strict: Refuse whatever would need a repair.
        instruction: What was asked, see `asked.labels_of`; looked at only where the text is no plain answer.

    Returns:
        Unit lists, one per measure, and the kinds of repair, of `repairs.REPAIRS`.

    Raises:
        Unparseable: no answer can be read.

    >>> from .tasks import TASKS
    >>> read_answer(TASKS["ner"], '{"person": "Ada"}')
    (([('person', 'Ada')],), ['other shape'])
    """
    try:
        value = orjson.loads(text)
        units, keys = task.reading.read(value)
        # Each key has one colon: more colons are text, or a key that was overwritten.
        if (
            keys == text.count(":")
            and _UNLIKELY.isdisjoint(value)
            and '"None"' not in text
            and (text.isascii() or '"无"' not in text)
            and ("/" not in text or '"N/A"' not in text)
        ):
            return units, []
    except (ValueError, TypeError, AttributeError, KeyError):
        pass
    return _read_closely(task, text, strict, instruction)


def _read_closely(task: Task, text: str, strict: bool, instruction: Any) -> tuple[tuple[list[Any], ...], list[str]]:
    labels = labels_of(instruction)
    value, kinds = answer_in(text, labels)
    try:
        units, _ = task.reading.read(value)
    except (ValueError, TypeError, AttributeError, KeyError):
        units = task.reading.units(items_in(task, value, labels))
        kinds.append(kind_of_shape(task, value, labels))
        if not any(units) and is_unread(task, value, labels):
            raise Unparseable(NOT_ASKED) from None
    if strict and kinds:
        raise Unparseable(NOT_STRICT)
    return _writable(units), kinds


def answer_in(text: str, labels: Labels = None) -> tuple[Any, list[str]]:
    """Find the answer in a model's text, as `object_in`, without what says nothing or was not asked.

    >>> answer_in('{"person": ["Ada"], "city": "None", "note": "none"}', ["person", "city"])
    ({'person': ['Ada'], 'city': None}, ['words for nothing', 'other shape'])
    """
    value, kinds = object_in(text, labels)
    stated = without_nothing(value, in_lists=labels is not None)
    if stated != value:
        kinds.append(NO_FINDING)
    asked = without_remarks(stated, labels)
    if asked is not stated:
        kinds.append(SHAPE)
    return asked, kinds


def _writable(units: tuple[list[Any], ...]) -> tuple[list[Any], ...]:
    """Replace lone surrogates, which JSON escapes can spell and no file can hold."""
    return tuple(
        [tuple(text.encode("utf-8", "replace").decode() for text in unit) for unit in measure] for measure in units
    )
