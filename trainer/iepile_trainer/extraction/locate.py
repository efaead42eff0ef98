"""The units of one answer → results with their places; one entry per task in the table at the end."""

from collections import Counter
from collections.abc import Callable, Iterator, Mapping
from dataclasses import replace
from functools import cache, cached_property
from typing import Any

from ..engines import Answer, well_formed
from .arguments import ExtractionOptions
from .confidence import TokenConfidence, read
from .offsets import MOST, Place, nearest, nearest_pair, occurrences
from .questions import Question
from .results import Event, Mention, Relation, Result

Lost = list[str]


def results_of(
    task: str, text: str, question: Question, answer: Answer, options: ExtractionOptions
) -> tuple[list[Result], Lost, str | None]:
    """What one answer says about one text.

    Args:
        task: Lower-case name.
        text: The whole text; places are looked for in the question's window first, then anywhere.
        question: What was asked.
        answer: What the model said.
        options: Of these, `places` and `ungrounded`.

    Returns:
        Results in the answer's order, what was left out (labels and roles that were not asked, mentions that the text
        does not hold), and what was wrong with the answer.
    """
    items, problem = read(task, answer, question.instruction)
    stated = {mention for item in items for mention in _texts(item[1:])}
    reader = _Reader(text, question, answer, options, stated)
    results: list[Result] = []
    for item in items:
        label = well_formed(item[0])
        if label not in question.entries:
            mentions = ", ".join(f'"{well_formed(part)}"' for part in _texts(item[1:]))
            reader.lost.append(f'label "{label}" was not asked: {mentions or "nothing"}')
            continue
        results += _RESULTS[task](reader, label, item)
    return results, reader.lost, problem


class _Reader:
    """Finds the strings of one answer in the text."""

    def __init__(
        self, text: str, question: Question, answer: Answer, options: ExtractionOptions, stated: set[str]
    ) -> None:
        self.text, self.question, self.options, self.lost = text, question, options, Lost()
        self.confidence = TokenConfidence(answer.tokens)
        self.places, self.nearest = cache(self._occurrences), cache(self._nearest)
        self._seen: Counter[tuple[str, str]] = Counter()
        self._stated = stated

    def _occurrences(self, mention: str) -> list[Place]:
        window = occurrences(self.text, mention, self.question.start, self.question.end)
        return window or occurrences(self.text, mention)

    def entity_places(self, label: str, mention: str) -> list[Place | None]:
        """Where an entity stands, as `places` says; None where the text does not hold it."""
        places = self.own_places(mention)
        if self.options.places == "all":
            if len(places) == MOST:
                self.lost.append(f'more than {MOST:,} places: "{well_formed(mention)}" ({label}), the first are given')
            return list(places) or [None]
        return [self.next_place(label, mention, places) if self.options.places == "model" else next(iter(places), None)]

    def next_place(self, label: str, mention: str, places: list[Place]) -> Place | None:
        """The n-th place for the n-th time that a label has this mention; the first when there are no more."""
        number = self._seen[label, mention]
        self._seen[label, mention] += 1
        return (places[number] if number < len(places) else places[0]) if places else None

    def own_places(self, mention: str) -> list[Place]:
        """The places of a mention that are no part of a longer mention's; all where there are no others."""
        places = self.places(mention)
        return [place for place in places if place not in self._inside] or places

    def _nearest(self, head: str, tail: str) -> tuple[Place | None, Place | None]:
        """The places of two mentions that are nearest to each other, None for one that the text does not hold."""
        heads, tails = self.places(head), self.places(tail)
        return nearest_pair(heads, tails) or (nearest(heads, None), nearest(tails, None))

    @cached_property
    def _inside(self) -> set[Place]:
        """The places of mentions inside those of longer ones."""
        inside, reached = set(), 0
        places = {place for mention in self._stated for place in self.places(mention)}
        for start, end in sorted(places, key=lambda place: (place[0], -place[1])):
            if end <= reached:
                inside.add((start, end))
            reached = max(reached, end)
        return inside

    def mention(self, label: str, quote: str, place: Place | None, owner: str = "") -> Mention | None:
        """A mention as the text spells it; None, and a line in `lost`, where the text does not hold it."""
        confidence = self.confidence.of(quote)
        if place is not None:
            return Mention(label, self.text[slice(*place)], *place, *confidence)
        if self.options.ungrounded == "keep":
            return Mention(label, well_formed(quote), None, None, *confidence)
        what = f"{label} of {owner}" if label and owner else label or owner
        self.lost.append(f'not in the text: "{well_formed(quote)}" ({what})')
        return None


def _entity(reader: _Reader, label: str, item: tuple[str, str]) -> Iterator[Result]:
    if not item[1]:
        reader.lost.append(f'label "{label}": an empty mention')
        return
    for place in reader.entity_places(label, item[1]):
        if mention := reader.mention(label, item[1], place):
            yield mention


def _relation(reader: _Reader, label: str, item: tuple[str, str, str]) -> Iterator[Result]:
    entry = reader.question.entries[label]
    types = entry if isinstance(entry, Mapping) else {}
    ends = str(types.get("subject_type", "")), str(types.get("object_type", ""))
    yield from _pair(reader, label, ends, item[1], item[2])


def _attribute(reader: _Reader, label: str, item: tuple[str, str, str, str]) -> Iterator[Result]:
    _, entity, attribute, value = item
    if attribute not in reader.question.entries[label]["attributes"]:
        reader.lost.append(f'attribute "{well_formed(attribute)}" of "{label}" was not asked: "{well_formed(value)}"')
        return
    yield from _pair(reader, well_formed(attribute), (label, ""), entity, value)


def _pair(reader: _Reader, label: str, types: tuple[str, str], head: str, tail: str) -> Iterator[Result]:
    if not head or not tail:
        reader.lost.append(f'label "{label}": an empty mention beside "{well_formed(head or tail)}"')
        return
    places = reader.nearest(head, tail)
    first, last = map(reader.mention, types, (head, tail), places, (label, label))
    if first and last:
        yield Relation(label, first, last, *reader.confidence.of(head, tail))


def _event(reader: _Reader, label: str, item: tuple[str, str, tuple[tuple[str, str], ...]]) -> Iterator[Result]:
    _, word, arguments = item
    place = reader.next_place(label, word, reader.places(word)) if word else None
    trigger = reader.mention("trigger", word, place, label) if word else None
    if word and not trigger:
        return
    entry = reader.question.entries[label]
    roles = entry["arguments"] if isinstance(entry, Mapping) else ()
    mentions = []
    for role, argument in arguments:
        if role not in roles:
            reader.lost.append(f'role "{well_formed(role)}" of "{label}" was not asked: "{well_formed(argument)}"')
        elif mention := reader.mention(well_formed(role), argument, nearest(reader.places(argument), place), label):
            mentions.append(mention)
    words = [word] if word else [argument for role, argument in arguments if role in roles]
    if trigger or mentions or not arguments:
        trigger = trigger and replace(trigger, label=label)
        yield Event(label, trigger, tuple(dict.fromkeys(mentions)), *reader.confidence.of(*words))


def _texts(parts: Any) -> Iterator[str]:
    for part in parts:
        if not isinstance(part, str):
            yield from _texts(part)
        elif part:
            yield part


_RESULTS: dict[str, Callable[[_Reader, str, Any], Iterator[Result]]] = {
    "ner": _entity,
    "re": _relation,
    "spo": _relation,
    "kg": _attribute,
    "ee": _event,
    "eet": lambda reader, label, item: _event(reader, label, (*item, ())),
    "eea": _event,
}
