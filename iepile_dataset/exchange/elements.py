"""The elements of one big JSON list, each parsed as soon as it is there; after a broken one the list goes on."""

import json
import re
from collections.abc import Callable, Iterator
from typing import Any

__all__ = ["elements"]

_LONGEST = 256 << 20
_AHEAD = 8 << 20
_GAP = re.compile(r"[\s,]*")
_BRACKETS = re.compile(r'"(?:[^"\\]|\\.)*"|[\[\]{}]', re.S)
_DEPTHS = {"{": 1, "[": 1, "}": -1, "]": -1}
_AFTER = re.compile(r"\s*(,\s*[\[{]|\]\s*\Z)")
_OPENING = re.compile(r",\s*(?=[\[{])")
_DECODER = json.JSONDecoder()


def elements(buffer: str, start: int, more: Callable[[], str]) -> Iterator[tuple[int, str, Any]]:
    """(lines before it in the buffer that is given, its text, its value) for each element of a list.

    An element that is no JSON is a `ValueError` in its place. The list goes on behind its brackets, where they close,
    or else where an object with the keys of those before it begins; where neither is found, nothing follows.

    Args:
        buffer: Text in which the list begins.
        start: Behind its opening bracket.
        more: Gives the text that follows, "" at the end.

    >>> broken = '[{"a": 1}, {"a": 2, "b" 3}, {"a": 4}, {"a": [5}, {"a": 6}]'
    >>> [value if isinstance(value, dict) else "broken" for _, _, value in elements(broken, 1, lambda: "")]
    [{'a': 1}, 'broken', {'a': 4}, 'broken', {'a': 6}]
    """
    lines = buffer.count("\n", 0, start)
    keys: set[str] = set()
    while True:
        while (gap := _GAP.match(buffer, start)) and gap.end() == len(buffer):
            lines += buffer.count("\n", start)
            buffer, start = more(), 0
            if not buffer:
                return
        lines += buffer.count("\n", start, gap.end() if gap else start)
        start = gap.end() if gap else start
        if buffer[start] == "]":
            return
        try:
            value, end = _decoded(buffer, start)
        except ValueError as error:
            is_cut = getattr(error, "pos", len(buffer)) + 64 > len(buffer) or "Unterminated" in str(error)
            ahead = _LONGEST if is_cut else _AHEAD
            if len(buffer) - start < ahead and (following := more()):
                buffer, start = buffer[start:] + following, 0
                continue
            after = resumed(buffer, start, keys)
            line = lines + buffer.count("\n", start, getattr(error, "pos", start)) + 1
            reason = f"{getattr(error, 'msg', error)} in line {line}"
            if after is None:
                yield lines, buffer[start : start + 1000], ValueError(f"not JSON from here on: {reason}")
                return
            yield lines, buffer[start:after].rstrip(), ValueError(f"not JSON: {reason}")
            lines += buffer.count("\n", start, after)
            start = after
            continue
        if isinstance(value, dict):
            keys = keys & set(value) or set(value)
        yield lines, buffer[start:end], value
        lines += buffer.count("\n", start, end)
        start = end
        if start > _AHEAD >> 3:
            buffer, start = buffer[start:], 0


def _decoded(buffer: str, start: int) -> tuple[Any, int]:
    value, end = _DECODER.raw_decode(buffer, start)
    if end == len(buffer) and buffer[start] not in '[{"':
        raise ValueError("cut")  # a number or a word may go on in the next block
    return value, end


def resumed(buffer: str, start: int, keys: set[str]) -> int | None:
    """Where a list goes on after a broken element, None where that is not seen.

    >>> text = '{"a" 1}, {"a": 2}]'
    >>> text[resumed(text, 0, set()) :]
    ', {"a": 2}]'
    """
    depth = 0
    for match in _BRACKETS.finditer(buffer, start):
        depth += _DEPTHS.get(match[0], 0)
        if depth <= 0 and match[0] in _DEPTHS:
            if _AFTER.match(buffer, match.end()):
                return match.end()
            break
    for match in _OPENING.finditer(buffer, start):
        try:
            value, _ = _decoded(buffer, match.end())
        except ValueError:
            continue
        if keys and isinstance(value, dict) and keys <= set(value):
            return match.start()
    return None
