"""An answer that was cut off, closed: what it says so far, and nothing of what it was about to say."""

import json
from typing import Any

from .shapes import Each, Keys, Named, Shape

_ABSENT = object()


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
    from jiter import from_json

    stated = from_json(text.encode(), partial_mode=True) if text.strip() else {}
    filled = _filled(stated, shape)
    return json.dumps({} if filled is _ABSENT else filled, ensure_ascii=False)


def fits(text: str, shape: Keys) -> bool:
    """Whether an answer has exactly this shape, as JSON and in its keys; what its strings say is not looked at.

    >>> from .shapes import MENTIONS
    >>> cities = Keys((("city", MENTIONS),))
    >>> fits('{"city": ["Ulm"]}', cities), fits('{"town": []}', cities), fits('{"city": "Ulm"}', cities)
    (True, False, False)
    """
    try:
        stated = json.loads(text)
        return json.dumps(stated) == json.dumps(_filled(stated, shape, is_whole=True))  # in the order of the keys, too
    except (TypeError, ValueError):
        return False


def _filled(stated: Any, shape: Shape, is_whole: bool = False) -> Any:
    """What is stated, in its shape: what lacks has nothing, or is absent with what needs it.

    Raises:
        ValueError: It is of another kind.
    """
    match shape:
        case Keys(keys, optional, empty):
            value = _of_kind(dict, stated, {})
            if is_whole and empty and not value:
                return value
            filled = {
                key: _filled(value.get(key, _ABSENT), inner, is_whole)
                for key, inner in keys
                if key in value or not optional
            }
            return _ABSENT if _ABSENT in filled.values() else filled
        case Each(item):
            items = [_filled(one, item, is_whole) for one in _of_kind(list, stated, [])]
            return [one for one in items if one is not _ABSENT]
        case Named(inner):
            return {name: _filled(one, inner, is_whole) for name, one in _of_kind(dict, stated, {}).items()}
        case leaf:
            if stated is _ABSENT or stated == []:
                return _ABSENT if leaf.nothing is None else leaf.nothing
            is_one = isinstance(stated, str) and leaf.nothing != []
            if is_one or (leaf.nothing is not None and all(isinstance(one, str) for one in _of_kind(list, stated))):
                return stated
            raise ValueError("not the beginning of an answer of this shape")


def _of_kind(kind: type, stated: Any, nothing: Any = None) -> Any:
    if stated is _ABSENT:
        return nothing
    if not isinstance(stated, kind):
        raise ValueError("not the beginning of an answer of this shape")
    return stated
