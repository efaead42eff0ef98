"""How to judge each task: one entry per task, and nothing about tasks anywhere else."""

from collections.abc import Callable
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any

from .events import ARGUMENTS, EVENTS
from .mentions import ENTITIES, TRIGGERS, Reading, Units
from .relations import GRAPH, RELATIONS

__all__ = ["TASKS"]

Fields = dict[str, tuple[str, ...]]
Looser = dict[str, tuple[str, tuple[int, ...]]]


@dataclass(frozen=True)
class Task:
    """How answers and annotations of one task become the units that are counted.

    Attributes:
        name: Lower-case name, as in `evaluate.load("iepile_f1", name)`.
        fields: For each measure the names of its units' fields; the first is the label by which
            scores are grouped. The last measure is the headline.
        reading: How its answers and annotations become units.
        looser: Further figures: name → (measure, the fields of the units that are compared).
        same: Further names of a measure: name → measure.
    """

    name: str
    fields: Fields
    reading: Reading
    looser: Looser = field(default_factory=dict)
    same: dict[str, str] = field(default_factory=dict)

    @cached_property
    def measures(self) -> tuple[str, ...]:
        """Names of the measures, in the order of the unit lists; the last one is the headline."""
        return tuple(self.fields)

    @property
    def headline(self) -> str:
        """The measure that precision, recall and f1 without prefix stand for."""
        return self.measures[-1]

    @cached_property
    def nothing(self) -> Units:
        """The units of an answer that finds nothing."""
        return tuple([] for _ in self.fields)

    def texts(self, measure: str) -> tuple[int, ...]:
        """Positions of a measure's fields that are text; the others name labels."""
        return tuple(i for i, name in enumerate(self.fields[measure]) if name not in _LABELS)

    def units(self, items: list[Any]) -> Units:
        """Items → unit lists, one per measure."""
        return self.reading.units(items)

    def gold(
        self, label: list[dict[str, Any]] | dict[str, Any], respell: Callable[[str], str] | None = None
    ) -> tuple[Units, Units]:
        """Give the merged and the annotated units of a label, an annotation list or an answer.

        Args:
            label: The record's annotation, or an answer that stands for it.
            respell: Applied to every text (not to labels) before identical items merge.
        """
        reading = self.reading
        items = reading.annotated(label) if isinstance(label, list) else reading.items(label)
        if respell:
            items = [self._respelt(item, respell) for item in items]
        merged = reading.merge(items)
        annotated = reading.units(items)
        return (annotated if merged is items or merged == items else reading.units(merged)), annotated

    def _respelt(self, item: Any, respell: Callable[[str], str]) -> Any:
        if item and isinstance(item[-1], tuple):  # a whole event
            label, word, roles = item
            return label, respell(word), tuple((role, respell(text)) for role, text in roles)
        positions = self.texts(self.headline)
        return tuple(respell(text) if i in positions else text for i, text in enumerate(item))


_LABELS = {"type", "relation", "role", "attribute"}
_EVENT: Fields = {"event": ("type", "trigger")}
_ARGUMENT: Fields = {"argument": ("type", "role", "argument")}
_RELATION: Fields = {"relation": ("relation", "subject", "object")}
# The four figures of the literature: an event or argument is identified, or classified as well.
_TRIGGER_FOUND: Looser = {"trigger_identification": ("event", (1,))}
_ARGUMENT_FOUND: Looser = {"argument_identification": ("argument", (0, 2))}
_TRIGGER_TYPED = {"trigger_classification": "event"}
_ARGUMENT_TYPED = {"argument_classification": "argument"}

TASKS: dict[str, Task] = {
    task.name: task
    for task in (
        Task("ner", {"entity": ("type", "mention")}, ENTITIES),
        Task("re", _RELATION, RELATIONS),
        Task("ee", _EVENT | _ARGUMENT, EVENTS, _TRIGGER_FOUND | _ARGUMENT_FOUND, _TRIGGER_TYPED | _ARGUMENT_TYPED),
        Task("eet", _EVENT, TRIGGERS, _TRIGGER_FOUND, _TRIGGER_TYPED),
        Task("eea", _ARGUMENT, ARGUMENTS, _ARGUMENT_FOUND, _ARGUMENT_TYPED),
        Task("spo", _RELATION, RELATIONS),
        Task("kg", {"attribute": ("type", "entity", "attribute", "value")}, GRAPH),
    )
}


def task_named(name: str) -> Task:
    """Look a task up by its name in any case.

    Raises:
        ValueError: no such task.

    >>> task_named("NER").name
    'ner'
    """
    task = TASKS.get(str(name).lower())
    if task is None:
        raise ValueError(f"unknown task {name!r}: choose one of {', '.join(TASKS)}")
    return task
