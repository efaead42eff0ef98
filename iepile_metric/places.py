"""Scoring by place: texts of units become texts with their places, so that equal means at the same place.

Gold has its places in the annotation (`start` and `end`, of relations `head_start` …); predictions have those of
their `extractions`, or else every place of the mention in the text.
"""

import re
from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Any

import orjson

from .mentions import NOTHING, Unit, Units

if TYPE_CHECKING:
    from .tasks import Task

__all__ = ["LETTER", "has_place", "place_in", "placed", "placed_annotation", "text_of"]

_FIELDS = (("", "entity"), ("", "event_trigger"), ("", "argument"), ("head_", "head"), ("tail_", "tail"))
"""What stands before `start` and `end`, and the field of the mention."""
_PLACED = re.compile(r" \[(\d+):(\d+)\]\Z")
LETTER = re.compile(
    r"[^\W_\u0e00-\u0eff\u1000-\u109f\u1780-\u17ff\u2e80-\u9fff\uac00-\ud7af\uf900-\ufaff\uff66-\uff9f"
    r"\U00020000-\U0003ffff]"
)
"""Letters and digits of scripts that put spaces between words."""


def written(mention: str, start: Any, end: Any) -> str:
    """A mention with its place; as it is where it has none.

    >>> written("Ulm", 3, 6), written("Ulm", None, None)
    ('Ulm [3:6]', 'Ulm')
    """
    return f"{mention} [{start}:{end}]" if type(start) is int and type(end) is int else mention


def place_in(text: str) -> tuple[int, int] | None:
    """The place that `written` has put behind a mention, None where there is none.

    >>> place_in("Ulm [3:6]"), place_in("Ulm")
    ((3, 6), None)
    """
    match = _PLACED.search(text)
    return (int(match[1]), int(match[2])) if match else None


def has_place(text: str) -> bool:
    """Whether a text of a unit has a place, or needs none: an event without a trigger word."""
    return text in NOTHING or _PLACED.search(text) is not None


def placed_annotation(value: Any) -> Any:
    """An annotation list whose mentions are written with their places.

    >>> placed_annotation([{"entity": "Ulm", "entity_type": "city", "start": 3, "end": 6}])[0]["entity"]
    'Ulm [3:6]'
    """
    return [_placed_item(item) for item in value] if isinstance(value, list) else value


def _placed_item(item: Any) -> Any:
    if not isinstance(item, dict):
        return item
    written_out = dict(item)
    for prefix, field in _FIELDS:
        mention = item.get(field)
        if isinstance(mention, str) and mention not in NOTHING:
            written_out[field] = written(mention, item.get(f"{prefix}start"), item.get(f"{prefix}end"))
    if isinstance(item.get("arguments"), list):
        written_out["arguments"] = placed_annotation(item["arguments"])
    return written_out


def check_gold(task: "Task", gold: Units) -> None:
    """Refuse gold without places.

    Raises:
        ValueError: One of its mentions has none.
    """
    for measure, units in zip(task.measures, gold):
        for unit in units:
            for position in task.texts(measure):
                if not has_place(unit[position]):
                    raise ValueError(
                        f"the gold {task.fields[measure][position]} {unit[position]!r} has no start and end, which "
                        "match span needs: annotate places (iepile import keeps those of other tools), or match exact"
                    )


def check_text(task: "Task", gold: Units, text: str) -> None:
    """Refuse a text that does not have the gold where it should stand, such as a window of a longer one.

    Raises:
        ValueError: A mention of the gold stands elsewhere.
    """
    for measure, units in zip(task.measures, gold):
        for unit in units:
            for mention in (unit[position] for position in task.texts(measure)):
                if (place := place_in(mention)) and text[slice(*place)] != _PLACED.sub("", mention):
                    there = text[slice(*place)]
                    raise ValueError(
                        f"the text of the row has {there!r} where the gold has {mention!r}: match span needs whole "
                        "texts, no windows, and right places (iepile validate shows wrong ones)"
                    )


def text_of(row: Mapping[str, Any]) -> str:
    """The text that a row asks about.

    Raises:
        ValueError: The row has no instruction with it.
    """
    try:
        text = orjson.loads(row.get("instruction") or "")["input"]
    except (ValueError, KeyError, TypeError):
        text = None
    if not isinstance(text, str):
        raise ValueError("the row has no instruction with its input text, in which match span looks mentions up")
    return text


def placed(task: "Task", units: Units, row: Mapping[str, Any], text: str) -> Units:
    """The units of an answer with their places: those of its extractions, else all in the text.

    A unit of two texts, such as a relation, has the two places nearest to each other. A mention that the text does not
    hold stays without a place, and is wrong.

    Args:
        task: How it is judged.
        units: As the answer states them.
        row: Its row.
        text: What it is about.
    """
    if "annotated" in row:  # see `extractions.row_of`
        return task.gold(placed_annotation(row["annotated"]))[0]
    known: dict[str, list[tuple[int, int]]] = {}

    def places(mention: str) -> list[tuple[int, int]]:
        if mention not in known:
            known[mention] = occurrences(text, mention)
        return known[mention]

    return tuple(
        list(dict.fromkeys(one for unit in measured for one in _at_places(unit, task.texts(measure), places)))
        for measure, measured in zip(task.measures, units)
    )


def _at_places(unit: Unit, positions: tuple[int, ...], places: Callable[[str], list[tuple[int, int]]]) -> list[Unit]:
    found = [places(unit[position]) for position in positions]
    if not all(found):  # one that stands nowhere: the whole unit is wrong, or it has no trigger word
        return [unit]
    if len(positions) == 1:
        return [_with(unit, positions, (place,)) for place in found[0]]
    pairs = ((head, tail) for head in found[0] for tail in found[1])
    return [_with(unit, positions, min(pairs, key=lambda pair: _apart(*pair)))]


def _with(unit: Unit, positions: tuple[int, ...], places: tuple[tuple[int, int], ...]) -> Unit:
    texts = {position: written(unit[position], *place) for position, place in zip(positions, places)}
    return tuple(texts.get(position, part) for position, part in enumerate(unit))


def _apart(one: tuple[int, int], other: tuple[int, int]) -> tuple[bool, int]:
    gap = max(one[0], other[0]) - min(one[1], other[1])
    return gap < 0, gap  # those that overlap only where there are no others


def occurrences(text: str, mention: str) -> list[tuple[int, int]]:
    """All places of a mention, those that are whole words where there are any; Chinese has no borders of words.

    >>> occurrences("US and USA", "US"), occurrences("北京大学在北京", "北京")
    ([(0, 2)], [(0, 2), (5, 7)])
    """
    if mention in NOTHING:
        return []
    found = [match.span() for match in re.finditer(re.escape(mention), text)]
    return [place for place in found if _is_whole(text, *place)] or found


def _is_whole(text: str, start: int, end: int) -> bool:
    borders = (place for place in (start, end) if 0 < place < len(text))
    return not any(LETTER.match(text[place - 1]) and LETTER.match(text[place]) for place in borders)
