"""What overlapping windows of a text say, each thing once.

Two windows that share text both speak of what stands there:

- A mention that touches an edge of its window is a half where an overlapping window shows a longer one around it, of
  the same label: the half goes, also as an end of a relation or an argument.
- A relation whose ends both stand in the shared text is known to both windows: where they place it differently, the
  place outside the shared text stays.
- Events with the same trigger whose arguments agree on the shared text are one event with the arguments of both.
"""

from collections.abc import Iterable, Iterator
from dataclasses import replace
from typing import Any

from .results import Event, Mention, Relation, Result

__all__ = ["Windowed", "once", "united"]

Place = tuple[int, int]
Windowed = tuple[Place, Result]
"""The window of an answer, in characters of the text, and what the answer says."""


def once(text: str, windowed: list[Windowed]) -> list[Result]:
    """The results of all windows without those that another window says again or better.

    >>> once("in New York", [((0, 6), Mention("city", "New", 3, 6)), ((3, 11), Mention("city", "New York", 3, 11))])
    [Mention(label='city', text='New York', start=3, end=11, confidence=None, minimum=None)]
    """
    windows = sorted({window for window, _ in windowed})
    crossed = {one: [other for other in windows if _shared(one, other)] for one in windows}
    if not any(crossed.values()):
        return [result for _, result in windowed]
    events = [(window, result) for window, result in windowed if isinstance(result, Event)]
    others = {(window, result.key): result for window, result in windowed if not isinstance(result, Event)}
    said: dict[tuple[Place, type, str], list[Result]] = {}
    for (window, _), result in others.items():
        said.setdefault((window, type(result), result.label), []).append(result)
    kept: list[Result] = []
    for (window, _), result in others.items():
        if isinstance(result, Relation) or _edges(text, window, result):
            rivals = ((other, rival) for other in crossed[window] for rival in said.get(_name(other, result), ()))
            if any(_says_better(text, window, result, other, rival) for other, rival in rivals):
                continue
        kept.append(result)
    return kept + _one_each(text, events)


def _name(window: Place, result: Result) -> tuple[Place, type, str]:
    return window, type(result), result.label


def _edges(text: str, window: Place, part: Any) -> tuple[bool, ...]:
    """Whether a mention touches the start and the end of its window, spaces aside; empty where neither."""
    if part.start is None:
        return ()
    touched = not text[window[0] : part.start].strip(), not text[part.end : window[1]].strip()
    return touched if any(touched) else ()


def united(one: Event, other: Event) -> Event:
    """An event with the arguments of both, those of `one` first; it is as sure as the surer."""
    arguments = {(part.label, part.text): part for part in (*other.arguments, *one.arguments)}
    order = dict.fromkeys((part.label, part.text) for part in (*one.arguments, *other.arguments))
    surer = max(one, other, key=lambda event: event.confidence or 0.0)
    return replace(surer, trigger=one.trigger, arguments=tuple(map(arguments.__getitem__, order)))


def _shared(one: Place, other: Place) -> Place | None:
    start, end = max(one[0], other[0]), min(one[1], other[1])
    return (start, end) if one != other and start < end else None


def _says_better(text: str, window: Place, result: Result, other: Place, said: Result) -> bool:
    """Whether `said` of the window `other` is `result` without a cut, or the same relation outside the shared text."""
    if result.key == said.key:
        return False
    halves = [_relation_of(text, window, *pair) for pair in zip(_parts(result), _parts(said))]
    if all(halves):
        return "half" in halves
    shared = _shared(window, other)
    return (
        isinstance(result, Relation)
        and [part.text for part in _parts(result)] == [part.text for part in _parts(said)]
        and shared is not None
        and all(_is_in(span, shared) for span in result.spans)
        and (not all(_is_in(span, shared) for span in said.spans) or other < window)
    )


def _parts(result: Any) -> Iterable[Mention]:
    return (result.head, result.tail) if isinstance(result, Relation) else (result,)


def _relation_of(text: str, window: Place, part: Mention, whole: Mention) -> str:
    """`same`, `half` where an edge of the window cut `part` out of `whole`, or nothing."""
    if part.key == whole.key:
        return "same"
    if part.start is None or part.end is None or part.label != whole.label:
        return ""
    edges = _edges(text, window, part)
    if not edges:
        return ""
    is_half = any(
        start <= part.start <= part.end <= end and ((edges[0] and start < part.start) or (edges[1] and end > part.end))
        for start, end in whole.spans
    )
    return "half" if is_half else ""


def _is_in(span: Place, place: Place) -> bool:
    return place[0] <= span[0] and span[1] <= place[1]


def _one_each(text: str, events: Iterable[tuple[Place, Event]]) -> list[Result]:
    """Events of all windows, those of an overlap once."""
    kept: list[tuple[list[Place], Event]] = []
    for window, event in events:
        for number, (windows, known) in enumerate(kept):
            shared = None if window in windows else _shared(windows[-1], window)
            if shared and _agree(text[slice(*shared)], known, event):
                kept[number] = ([*windows, window], _without_halves(text, windows[-1], known, window, event))
                break
        else:
            kept.append(([window], event))
    return [event for _, event in kept]


def _agree(shared: str, one: Event, other: Event) -> bool:
    """Whether two windows may speak of one event: same trigger, and the same of what the shared text holds."""
    if one.label != other.label or (one.trigger and one.trigger.key) != (other.trigger and other.trigger.key):
        return False
    first, second = ({(part.label, part.text) for part in event.arguments} for event in (one, other))
    known = {unit for unit in first ^ second if unit[1] in shared}
    return (one.trigger is not None or bool(first & second)) and not any(
        unit for unit in known if not any(_overlap_in_text(unit, whole) for whole in first ^ second)
    )


def _overlap_in_text(unit: tuple[str, str], whole: tuple[str, str]) -> bool:
    return unit != whole and unit[0] == whole[0] and unit[1] in whole[1]


def _without_halves(text: str, window: Place, one: Event, other_window: Place, other: Event) -> Event:
    def whole(place: Place, event: Event, seen: Event) -> Event:
        kept: Iterator[Mention] = (
            part
            for part in event.arguments
            if not any(_relation_of(text, place, part, longer) == "half" for longer in seen.arguments)
        )
        return replace(event, arguments=tuple(kept))

    return united(whole(window, one, other), whole(other_window, other, one))
