"""Long texts → windows, and what of an annotation stands in each.

A window is `(start, end)` in characters. Windows are whole sentences where these fit. A sentence that is longer than a
window is cut at spaces, or at letters where there are none, and then its windows overlap: what is no longer than the
overlap stands in one of them as a whole.
"""

import re
from collections import Counter
from collections.abc import Callable, Iterator, Mapping
from typing import Any

from ..answers import NO_MENTION, Items
from ..schema import Schema
from ..tasks import Task

__all__ = ["LEAST_TEXT", "known_roles", "windows", "within"]

Window = tuple[int, int]
Item = Mapping[str, Any]

# A sentence ends behind its closing mark and the quotes and spaces that follow; a full stop only before a space,
# so that 3.14 stays whole.
_SENTENCE = re.compile(r".+?(?:[。！？；!?…\n]+[”’」』）\"')]*\s*|\.[”’\"')]*(?:\s+|$)|$)", re.DOTALL)

LEAST_TEXT = 16
"""Tokens of text below which a budget is refused: a window of less is no text."""

LONGEST_MENTION = 32
"""Tokens that the windows of one sentence share, a quarter of a window at most."""


def windows(text: str, limit: int, count: Callable[[str], int], overlap: int = 0) -> list[Window]:
    """Cut a text into windows of at most `limit` tokens, at sentence ends where sentences fit.

    Args:
        text: The text.
        limit: The most tokens of a window; a single letter that takes more is a window all the same.
        count: Tokens of a piece of text.
        overlap: Sentences that a window repeats of the one before, as far as they fit.

    Returns:
        Windows in order; together they hold all of the text.

    >>> text = "One two. Three four. Five."
    >>> [text[slice(*window)] for window in windows(text, 4, lambda part: len(part.split()))]
    ['One two. Three four. ', 'Five.']
    >>> [text[slice(*window)] for window in windows(text, 4, lambda part: len(part.split()), overlap=1)]
    ['One two. Three four. ', 'Three four. Five.']
    >>> windows("我来了你走了他也来了", 8, len)
    [(0, 8), (6, 10)]
    """
    if count(text) <= limit:
        return [(0, len(text))]
    cut: list[Window] = []
    sentences: list[int] = []  # where those of the last window start
    for match in _SENTENCE.finditer(text):
        start, end = match.span()
        if cut and count(text[cut[-1][0] : end]) <= limit:
            cut[-1] = cut[-1][0], end
            sentences.append(start)
            continue
        repeated = [first for first in sentences[-overlap:] if overlap and count(text[first:end]) <= limit]
        if repeated or count(text[start:end]) <= limit:
            sentences = [*repeated, start]
            cut.append((sentences[0], end))
        else:
            cut += _pieces(text, start, end, limit, count)
            sentences = [cut[-1][0]]
    return cut


def _pieces(text: str, start: int, end: int, limit: int, count: Callable[[str], int]) -> Iterator[Window]:
    """A sentence in overlapping windows."""
    shared = min(limit // 4, LONGEST_MENTION)
    while count(text[start:end]) > limit and end - start > 1:
        reach = _longest(lambda size: count(text[start : start + size]) <= limit, end - start)  # noqa: B023
        stop = start + max(reach, 1)
        space = text.rfind(" ", start + (stop - start) // 2, stop) + 1
        stop = space or stop
        yield start, stop
        most = (stop - start) // 2
        again = stop - _longest(lambda size: count(text[stop - size : stop]) <= shared, most)  # noqa: B023
        space = text.find(" ", again - 1, stop - 1) + 1
        start = space or again
    yield start, end


def _longest(fits: Callable[[int], bool], most: int) -> int:
    """The largest size up to `most` that fits, where every smaller one does."""
    low, high = 0, most
    while low < high:
        middle = (low + high + 1) // 2
        low, high = (middle, high) if fits(middle) else (low, middle - 1)
    return low


def within(window: str, items: Items, task: Task, schema: Schema | None = None) -> list[Item]:
    """What of an annotation stands in a window: entities, relations with both ends, events with their trigger.

    Arguments that stand elsewhere are left out of their event; an event without trigger stays where any argument
    does. Events that differ only in what is left out stay apart as often as the window holds their trigger: the
    second has `"copy": 1`, see `answers`.

    Args:
        window: The text of the window.
        items: The annotation of the whole text.
        task: Whose annotation it is.
        schema: Only these event types and roles.
    """
    if task.annotation != "event":
        return [item for item in items if all(item[end] in window for end in _ENDS[task.annotation])]
    kept: list[Item] = []
    places: Counter[Any] = Counter()
    copies: dict[Any, dict[Any, int]] = {}
    for item in items:
        for asked in known_roles([item], schema, task.annotation) if schema else [item]:
            event = _event(window, asked)
            if event is None:
                continue
            trigger, name, whole = event.get("event_trigger"), _identity(event, task), _identity(item, task)
            known = copies.setdefault(name, {})
            if whole not in known:
                is_shown = trigger not in NO_MENTION and places[name, trigger] < window.count(trigger)
                known[whole] = len(known) if is_shown else 0
                places[name, trigger] += 1
            kept.append({**event, "copy": known[whole]} if known[whole] else event)
    return kept


_ENDS = {"entity": ("entity",), "relation": ("head", "tail")}


def _identity(event: Item, task: Task) -> Any:
    """What makes an event the same as another of its text; where triggers are known beforehand, not these."""
    trigger = event.get("event_trigger") if task.hints is None else None
    named = frozenset((argument["role"], argument["argument"]) for argument in _named(event))
    return event["event_type"], None if trigger in NO_MENTION else trigger, named


def _event(window: str, item: Item) -> Item | None:
    trigger, arguments = item.get("event_trigger"), _named(item)
    kept = [argument for argument in arguments if argument["argument"] in window]
    stands = trigger in window if trigger not in NO_MENTION else bool(kept) or not arguments
    return {**item, "arguments": kept} if stands else None


def _named(event: Item) -> list[Item]:
    """The arguments that name something."""
    return [argument for argument in event.get("arguments") or () if argument["argument"] not in NO_MENTION]


def known_roles(items: Items, schema: Schema, annotation: str) -> Items:
    """The events that a piece of the schema asks for, with the arguments whose roles it has."""
    if annotation != "event":
        return items
    return [
        {**item, "arguments": [argument for argument in _named(item) if argument["role"] in roles]}
        for item in items
        if item["event_type"] in schema.types
        for roles in [schema.roles.get(item["event_type"], ())]
    ]
