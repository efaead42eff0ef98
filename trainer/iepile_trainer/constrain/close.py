"""An answer that was cut off, closed: what it says so far, and nothing of what it was about to say."""

import json
from typing import Any

from .shapes import Each, Keys, Named, Shape

_ABSENT = object()
_CLOSING = {"{": "}", "[": "]"}


def closed(text: str, shape: Keys) -> str:
    """The whole answer that a cut one amounts to.

    Args:
        text: The beginning of an answer of this shape.
        shape: What was asked for.

    Returns:
        An answer of the shape: whole strings are kept, the unfinished one is dropped with the pair that needs it,
        and the labels that the answer did not come to have nothing.

    Raises:
        ValueError: The text is not the beginning of such an answer.

    >>> from .shapes import shape_of
    >>> asked = {"task": "RE", "instruction": '{"schema": ["in", "near"], "input": "Ulm, Bavaria"}'}
    >>> closed('{"in": [{"subject": "Ulm", "object": "Bavaria"}, {"subject": "Ulm", "obj', shape_of(asked)[0])
    '{"in": [{"subject": "Ulm", "object": "Bavaria"}], "near": []}'
    """
    try:
        filled = _filled(_said(text), shape)
    except (AttributeError, IndexError, TypeError, ValueError):
        raise ValueError("not the beginning of an answer of this shape") from None
    return json.dumps({} if filled is _ABSENT else filled, ensure_ascii=False)


def fits(text: str, shape: Keys) -> bool:
    """Whether an answer has exactly this shape, as JSON and in its keys; what its strings say is not looked at.

    >>> from .shapes import MENTIONS
    >>> cities = Keys((("city", MENTIONS),))
    >>> fits('{"city": ["Ulm"]}', cities), fits('{"town": []}', cities), fits('{"city": "Ulm"}', cities)
    (True, False, False)
    """
    try:
        said = json.loads(text)
    except ValueError:
        return False
    return _has(said, shape)


def _has(said: Any, shape: Shape) -> bool:
    match shape:
        case Keys(keys, optional, empty):
            if not isinstance(said, dict):
                return False
            names = [key for key, _ in keys if key in said or not optional]
            if list(said) != names:
                return empty and not said
            return all(_has(said[key], inner) for key, inner in keys if key in said)
        case Each(item):
            return isinstance(said, list) and all(_has(one, item) for one in said)
        case Named(value):
            return isinstance(said, dict) and all(_has(inner, value) for inner in said.values())
        case _:
            one = shape.nothing != [] and isinstance(said, str)
            several = shape.nothing is not None and isinstance(said, list) and all(isinstance(x, str) for x in said)
            return one or several


def _said(text: str) -> Any:
    """The value of a piece of JSON up to its last whole part."""
    open_: list[str] = []
    best, string_from, after_colon = "", -1, False
    at = 0
    while at < len(text):
        char = text[at]
        if string_from >= 0:
            if char == "\\":
                at += 1
            elif char == '"':
                string_from = -1
                if open_ and (open_[-1] == "[" or after_colon):
                    best, after_colon = text[: at + 1] + _close(open_), False
        elif char == '"':
            string_from = at
        elif char == ":":
            after_colon = True
        elif char in "{[":
            open_.append(char)
            best, after_colon = text[: at + 1] + _close(open_), False
        elif char in "}]":
            open_.pop()
            best, after_colon = text[: at + 1] + _close(open_), False
        at += 1
    return json.loads(best) if best else {}


def _close(open_: list[str]) -> str:
    return "".join(_CLOSING[char] for char in reversed(open_))


def _filled(said: Any, shape: Shape) -> Any:
    match shape:
        case Keys(keys, optional):
            said = {} if said is _ABSENT else said
            found = {key: _filled(said.get(key, _ABSENT), inner) for key, inner in keys if key in said or not optional}
            return _ABSENT if _ABSENT in found.values() else found
        case Each(item):
            items = [] if said is _ABSENT else [_filled(one, item) for one in said]
            return [one for one in items if one is not _ABSENT]
        case Named(value):
            return {} if said is _ABSENT else {name: _filled(inner, value) for name, inner in said.items()}
        case _:
            return _nothing(shape.nothing) if said is _ABSENT or said == [] else said


def _nothing(value: Any) -> Any:
    return _ABSENT if value is None else value
