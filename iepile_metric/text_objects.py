"""A text → the JSON values that stand in it, what is near JSON included."""

import re
from dataclasses import dataclass, field
from typing import Any

from .near_json import MAX_DEPTH, Decoder, NotJSON
from .repairs import CUT_OFF, NO_OBJECT, TOO_DEEP, TOO_LONG, Unparseable

_OBJECTS = 5_000
_FAILURES = 300

_OPENING = re.compile(r"[\[{［｛]")
_BRACKETS = re.compile(r"[\[\]{}]")
_STRINGS_AND_BRACKETS = re.compile(r'"(?:[^"\\]|\\.)*+"|[\[\]{}［］｛｝]', re.DOTALL)


@dataclass(frozen=True)
class Object:
    """A value in a text: where it stands, and what had to be repaired."""

    value: Any
    start: int
    end: int
    kinds: frozenset[str] = field(default_factory=frozenset)

    @property
    def is_whole(self) -> bool:
        """Whether the text did not break off within it."""
        return CUT_OFF not in self.kinds


def objects_in(text: str) -> tuple[list[Object], bool]:
    """List the outermost JSON values of a text, and whether something like one is broken."""
    if _OPENING.search(text) is None:
        raise Unparseable(NO_OBJECT)
    if _depth(text) > MAX_DEPTH:
        raise Unparseable(TOO_DEEP)
    objects: list[Object] = []
    decode, failures, position = Decoder(), 0, 0
    is_broken = False
    while opening := _OPENING.search(text, position):
        start = opening.start()
        try:
            value, position, kinds = decode(text, start)
        except NotJSON as error:
            # A bracket of the prose is passed over. What is inside of JSON that breaks is no answer.
            position = start + 1 if error.is_prose else _end_of(text, start)
            is_broken = is_broken or not error.is_prose
            failures += 1
        else:
            objects.append(Object(value, start, position, frozenset(kinds)))
        if failures > _FAILURES or len(objects) > _OBJECTS:
            raise Unparseable(TOO_LONG)
    return objects, is_broken


def _depth(text: str) -> int:
    """Give the deepest nesting of brackets, those in strings included: never too small."""
    depth = deepest = 0
    for bracket in _BRACKETS.findall(text):
        if bracket in "[{":
            depth += 1
            if depth > deepest:
                deepest = depth
        elif depth:
            depth -= 1
    return deepest


def _end_of(text: str, start: int) -> int:
    """Where a bracket is closed; the end of the text if it is not."""
    depth = 0
    for token in _STRINGS_AND_BRACKETS.finditer(text, start):
        if token.group() in "[{［｛":
            depth += 1
        elif token.group() in "]}］｝":
            depth -= 1
            if depth == 0:
                return token.end()
    return len(text)


def decoded(text: str) -> Any:
    """The value of a string that is JSON itself, as arguments of a tool call are."""
    text = text.strip()
    if not text or text[0] not in "[{" or _depth(text) > MAX_DEPTH:
        return None
    try:
        value, end, _ = Decoder()(text, 0)
    except NotJSON:
        return None
    return value if not text[end:].strip() else None
