"""How to judge each task: one entry per task, and nothing about tasks anywhere else."""

from collections.abc import Callable
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any

from .events import (
    annotated_events,
    annotated_events_without_trigger,
    argument_units,
    event_units,
    events,
    events_without_trigger,
    merged_events,
    read_arguments,
    read_events,
)
from .mentions import (
    Unit,
    Units,
    annotated_entities,
    annotated_triggers,
    entities,
    merged,
    one_list,
    read_entities,
    read_triggers,
    triggers,
)
from .relations import annotated_graph, annotated_relations, graph, read_graph, read_relations, relations

Looser = dict[str, tuple[str, tuple[int, ...]]]


@dataclass(frozen=True)
class Task:
    """How answers and annotations of one task become the units that are counted.

    Attributes:
        name: Lower-case name, as in `evaluate.load("iepile_f1", name)`.
        fields: For each measure the names of its units' fields; the first is the label by which
            scores are grouped. The last measure is the headline.
        read: Well-formed answer → unit lists (one per measure) and the number of JSON keys seen;
            raises on any other shape. It exists for speed and agrees with `units(items(answer))`.
        items: Answer of any shape → items (units, or whole events).
        annotated: Annotation list → items.
        merge: Items → items without repetition, as generated answers merge them.
        units: Items → unit lists, one per measure.
        looser: Further figures: name → (measure, the fields of the units that are compared).
        same: Further names of a measure: name → measure.
    """

    name: str
    fields: dict[str, tuple[str, ...]]
    read: Callable[[dict[str, Any]], tuple[Units, int]]
    items: Callable[[dict[str, Any]], list[Any]]
    annotated: Callable[[list[dict[str, Any]]], list[Any]]
    merge: Callable[[list[Any]], list[Any]] = merged
    units: Callable[[list[Any]], Units] = one_list
    looser: Looser = field(default_factory=dict)
    same: dict[str, str] = field(default_factory=dict)

    @property
    def measures(self) -> tuple[str, ...]:
        """Names of the measures, in the order of the unit lists."""
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

    def gold(
        self, label: list[dict[str, Any]] | dict[str, Any], respell: Callable[[str], str] | None = None
    ) -> tuple[Units, Units]:
        """Give the merged and the annotated units of a label, an annotation list or an answer.

        Args:
            label: The record's annotation, or an answer that stands for it.
            respell: Applied to every text (not to labels) before identical items merge.
        """
        items = self.annotated(label) if isinstance(label, list) else self.items(label)
        if respell:
            items = [self._respelt(item, respell) for item in items]
        merged = self.merge(items)
        annotated = self.units(items)
        return (annotated if merged is items or merged == items else self.units(merged)), annotated

    def _respelt(self, item: Any, respell: Callable[[str], str]) -> Any:
        if item and isinstance(item[-1], tuple):  # a whole event
            label, word, roles = item
            return label, respell(word), tuple((role, respell(text)) for role, text in roles)
        positions = self.texts(self.headline)
        return tuple(respell(text) if i in positions else text for i, text in enumerate(item))


_LABELS = {"type", "relation", "role", "attribute"}
_TRIGGERS: Looser = {"trigger_identification": ("event", (1,))}
_ARGUMENTS: Looser = {"argument_identification": ("argument", (0, 2))}
_EVENT = ("type", "trigger")
_ARGUMENT = ("type", "role", "argument")
_RELATION = ("relation", "subject", "object")

TASKS: dict[str, Task] = {
    task.name: task
    for task in (
        Task("ner", {"entity": ("type", "mention")}, read_entities, entities, annotated_entities),
        Task("re", {"relation": _RELATION}, read_relations, relations, annotated_relations),
        Task(
            "ee",
            {"event": _EVENT, "argument": _ARGUMENT},
            read_events,
            events,
            annotated_events,
            merged_events,
            event_units,
            looser=_TRIGGERS | _ARGUMENTS,
            same={"trigger_classification": "event", "argument_classification": "argument"},
        ),
        Task(
            "eet",
            {"event": _EVENT},
            read_triggers,
            triggers,
            annotated_triggers,
            looser=_TRIGGERS,
            same={"trigger_classification": "event"},
        ),
        Task(
            "eea",
            {"argument": _ARGUMENT},
            read_arguments,
            events_without_trigger,
            annotated_events_without_trigger,
            merged_events,
            argument_units,
            looser=_ARGUMENTS,
            same={"argument_classification": "argument"},
        ),
        Task("spo", {"relation": _RELATION}, read_relations, relations, annotated_relations),
        Task(
            "kg",
            {"attribute": ("type", "entity", "attribute", "value")},
            read_graph,
            graph,
            annotated_graph,
        ),
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


def unit_label(unit: Unit) -> str:
    """Give the label that a unit is grouped by."""
    return unit[0]
