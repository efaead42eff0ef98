"""The model's raw text → a JSON object, repaired where its meaning is plain, and what was repaired.

Nothing here evaluates text as code, recurses on nesting, or takes longer than a bounded time: what
is nested deeper than `MAX_DEPTH`, or is broken and longer than `MAX_REPAIR` characters, is refused.
"""

import json
import re
from typing import Any

import orjson

from .tasks import Task

__all__ = ["CUT_OFF", "REPAIRED", "Unparseable", "items_in", "object_in"]

MAX_DEPTH = 48
MAX_REPAIR = 20_000
MAX_LENGTH = 2_000_000
_STARTS = 8  # how many opening brackets are tried as the beginning of the object

EMPTY = "empty"
NO_OBJECT = "no JSON object"
BROKEN = "broken JSON"
TOO_DEEP = "nested too deep"
TOO_LONG = "too long"
NOT_STRICT = "needs repair"

FENCED = "fenced"
SURROUNDED = "text around it"
REPAIRED = "repaired"
CUT_OFF = "cut off"
DUPLICATES = "duplicate keys"
SHAPE = "other shape"
REPAIRS = (FENCED, SURROUNDED, REPAIRED, CUT_OFF, DUPLICATES, SHAPE)
REFUSALS = (EMPTY, NO_OBJECT, BROKEN, TOO_DEEP, TOO_LONG, NOT_STRICT)

_FENCE = re.compile(r"```[A-Za-z]{0,10}\s*([\[{].*?)(?:```|\Z)", re.DOTALL)
_THOUGHT = re.compile(r"\A\s*<think>.*?</think>", re.DOTALL)
_OPENING = re.compile(r"[\[{]")
_BRACKETS = re.compile(r"[\[\]{}]")
_TOKENS = re.compile(r'"(?:[^"\\]|\\.)*+"|[\[\]{}"]', re.DOTALL)


class Unparseable(ValueError):
    """The text holds no answer; the message is one of `REFUSALS`."""


def object_in(text: str) -> tuple[Any, list[str]]:
    """Find the JSON object (or list) in a model's text.

    Returns:
        The value and the kinds of repair it took, of `REPAIRS`; none for plain JSON.

    Raises:
        Unparseable: there is nothing to read.

    >>> object_in('{"person": ["Ada"]}')
    ({'person': ['Ada']}, [])
    >>> object_in('Sure: {"person": ["Ada"]}')
    ({'person': ['Ada']}, ['text around it'])
    >>> object_in('{"person": ["Ada"], "person": ["Bob"]}')
    ({'person': ['Ada', 'Bob']}, ['duplicate keys'])
    >>> object_in("{'person': ['Ada', 'Bo")
    ({'person': ['Ada', 'Bo']}, ['cut off'])
    """
    kinds: list[str] = []
    if not text.strip():
        raise Unparseable(EMPTY)
    if len(text) > MAX_LENGTH:
        raise Unparseable(TOO_LONG)
    thought = _THOUGHT.match(text)
    if thought:
        text = text[thought.end() :]
        kinds.append(SURROUNDED)
    fenced = _FENCE.search(text)
    if fenced:
        kinds.append(FENCED)
        text = fenced.group(1)
    first = _OPENING.search(text)
    if first is None:
        raise Unparseable(NO_OBJECT)
    if _depth(text) > MAX_DEPTH:
        raise Unparseable(TOO_DEEP)
    value, around, repeated = _decoded(text, first.start())
    if value is None:
        value, around, repeated = _decoded(text, first.start(), strict=False)
        if value is not None:
            kinds.append(REPAIRED)
    if value is not None:
        if around and SURROUNDED not in kinds:
            kinds.append(SURROUNDED)
        if repeated:
            kinds.append(DUPLICATES)
        return value, kinds
    return _repaired(text, first.start(), kinds)


def _depth(text: str) -> int:
    """Give the deepest nesting of brackets, those in strings included: never too small."""
    depth = deepest = 0
    for bracket in _BRACKETS.finditer(text):
        if bracket.group() in "[{":
            depth += 1
            deepest = max(deepest, depth)
        elif depth:
            depth -= 1
    return deepest


def _decoded(text: str, start: int, strict: bool = True) -> tuple[Any, bool, bool]:
    """Decode the first bracket that begins valid JSON → (value or None, text around it, repeated keys).

    Not strict, line breaks and other control characters may stand in strings.
    """
    repeated: list[bool] = []
    decoder = json.JSONDecoder(object_pairs_hook=lambda pairs: _united(pairs, repeated), strict=strict)
    empty: tuple[Any, bool, bool] = (None, False, False)
    for _ in range(_STARTS):
        repeated.clear()
        try:
            value, end = decoder.raw_decode(text, start)
        except RecursionError:
            break
        except json.JSONDecodeError as error:
            # A bracket of the prose, as in "{label}: …", fails at once; JSON that breaks later is left
            # to the repair, or else an inner object would pass for the answer.
            if text[start + 1 : error.pos].strip():
                break
            end = start + 1
        except ValueError:  # a number with too many digits
            break
        else:
            around = bool(text[:start].strip() or text[end:].strip())
            if _is_answer(value):
                return value, around, bool(repeated)
            if empty[0] is None and value in ({}, []):
                empty = (value, around, False)
        following = _OPENING.search(text, end)
        if following is None:
            break
        start = following.start()
    return empty


def _is_answer(value: Any) -> bool:
    if isinstance(value, dict):
        return bool(value)
    return isinstance(value, list) and any(isinstance(part, dict) for part in value)


def _united(pairs: list[tuple[str, Any]], repeated: list[bool]) -> dict[str, Any]:
    """Build an object in which the values of a repeated key stand together."""
    united = dict(pairs)
    if len(united) == len(pairs):
        return united
    repeated.append(True)
    united = {}
    for key, value in pairs:
        if key not in united:
            united[key] = value
        elif isinstance(united[key], dict) and isinstance(value, dict):
            united[key] = united[key] | value
        else:
            united[key] = _as_list(united[key]) + _as_list(value)
    return united


def _as_list(value: Any) -> list[Any]:
    return value if isinstance(value, list) else [value]


def _repaired(text: str, start: int, kinds: list[str]) -> tuple[Any, list[str]]:
    from json_repair import repair_json

    begin = text.find("{", start)
    if begin < 0:
        raise Unparseable(BROKEN)
    if len(text) - begin > MAX_REPAIR:
        raise Unparseable(TOO_LONG)
    value = _closed(text[begin:])
    if value is not None and _is_answer(value):
        return value, [*kinds, CUT_OFF]
    try:
        value = repair_json(text[begin:], return_objects=True, skip_json_loads=True)
    except (ValueError, RecursionError, IndexError, KeyError, TypeError, AttributeError) as error:
        raise Unparseable(BROKEN) from error
    if not _is_answer(value):
        raise Unparseable(BROKEN)
    opened = sum(1 if bracket.group() in "[{" else -1 for bracket in _BRACKETS.finditer(text))
    return value, [*kinds, CUT_OFF if opened > 0 else REPAIRED]


def _closed(text: str) -> Any:
    """Close the string and the brackets that a cut-off answer left open → its value, or None.

    >>> _closed('{"born in": [{"subject": "Ada", "object": "Lon')
    {'born in': [{'subject': 'Ada', 'object': 'Lon'}]}
    """
    closing: list[str] = []
    for token in _TOKENS.finditer(text):
        character = token.group()
        if character in "[{":
            closing.append("]" if character == "[" else "}")
        elif character in "]}":
            if not closing or closing.pop() != character:
                return None
        elif character == '"':
            closing.append('"')
            break
    if not closing:
        return None
    try:
        return orjson.loads(text + "".join(reversed(closing)))
    except ValueError:
        return None


def read_answer(task: Task, text: str, strict: bool = False) -> tuple[tuple[list[Any], ...], list[str]]:
    """Read a model's text as the units of a task.

    Args:
        task: An entry of `tasks.TASKS`.
        text: The model's answer.
        strict: Refuse whatever would need a repair.

    Returns:
        Unit lists, one per measure, and the kinds of repair, of `REPAIRS`.

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
        if keys == text.count(":"):
            return units, []
    except (ValueError, TypeError, AttributeError, KeyError):
        pass
    return _read_closely(task, text, strict)


def _read_closely(task: Task, text: str, strict: bool) -> tuple[tuple[list[Any], ...], list[str]]:
    value, kinds = object_in(text)
    try:
        units, _ = task.reading.read(value)
    except (ValueError, TypeError, AttributeError, KeyError):
        kinds.append(SHAPE)
        units = task.reading.units(items_in(task, value))
    if strict and kinds:
        raise Unparseable(NOT_STRICT)
    return _writable(units), kinds


def items_in(task: Task, value: Any) -> list[Any]:
    """The items of an answer of any shape, an annotation list included; what has no plain meaning is left out.

    >>> from .tasks import TASKS
    >>> items_in(TASKS["ner"], [{"entity": "Ada", "entity_type": "person"}])
    [('person', 'Ada')]
    """
    if isinstance(value, dict):
        return task.reading.items(value)
    items: list[Any] = []
    for part in value:
        if isinstance(part, dict):
            try:
                items += filter(_flat, task.reading.annotated([part]))
            except (KeyError, TypeError, AttributeError):
                items += task.reading.items(part)
    return items


def _flat(item: Any) -> bool:
    return isinstance(item, str) or (isinstance(item, tuple) and all(_flat(part) for part in item))


def _writable(units: tuple[list[Any], ...]) -> tuple[list[Any], ...]:
    """Replace lone surrogates, which JSON escapes can spell and no file can hold."""
    return tuple(
        [tuple(text.encode("utf-8", "replace").decode() for text in unit) for unit in measure] for measure in units
    )
