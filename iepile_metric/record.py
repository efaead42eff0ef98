"""One annotated text and all that was answered about it."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

import orjson

from .counts import Outcome
from .mentions import Units
from .places import check_gold, placed_annotation
from .tasks import Task


@dataclass(slots=True)
class Record:
    """One record while its batches come in: gold once, predictions united.

    Attributes:
        task: How it is judged.
        source: Name of its dataset; "" if unknown.
        id: Its identity within the source; None if every row is a record.
        label: The annotation as it stood in the row.
        merged, annotated: Gold unit lists after merging and as they stood, one per measure.
        predicted: Unit lists of all answers, united.
        answers: Each of its rows with the units of its answer, None where that could not be parsed; kept only if
            somebody watches.
        watched: Whether the watcher has seen it.
    """

    task: Task
    source: str
    id: str | None
    label: str
    merged: Units
    annotated: Units
    predicted: Units
    answers: tuple[tuple[Mapping[str, Any], Units | None], ...] = ()
    watched: bool = False

    @property
    def rows(self) -> list[Mapping[str, Any]]:
        """All its rows."""
        return [row for row, _ in self.answers]

    @property
    def failed(self) -> list[Mapping[str, Any]]:
        """The rows whose answer could not be parsed."""
        return [row for row, units in self.answers if units is None]

    @property
    def key(self) -> tuple[str, str, str | None]:
        """What tells it from other records."""
        return self.task.name, self.source, self.id


Watcher = Callable[[Record, list[Outcome]], None]


class GoldReader:
    """Reads labels as gold units; the last one is kept, since the batches of a record share it.

    Args:
        respell: Applied to every text before identical items merge.
        places: Texts are read with their places, see `places`.

    Attributes:
        placed, unplaced: How many labels had mentions with places, and how many had one without.
    """

    def __init__(self, respell: Callable[[str], str] | None = None, places: bool = False) -> None:
        self._respell, self._places = respell, places
        self.placed = self.unplaced = 0
        self._last: tuple[Task | None, str, tuple[Units, Units]] = (None, "", ((), ()))

    def __call__(self, task: Task, label: str) -> tuple[Units, Units]:
        """Give the merged and the annotated units of a label.

        Raises:
            ValueError: it is not the task's annotation.
        """
        last = self._last
        if label == last[1] and task is last[0]:
            return last[2]
        try:
            value = orjson.loads(label)
            if value.__class__ is not list and value.__class__ is not dict:
                raise TypeError("neither list nor object")
            gold = task.gold(placed_annotation(value) if self._places else value, self._respell)
        except (ValueError, TypeError, AttributeError, KeyError) as error:
            reason = f"{type(error).__name__}: {error}"
            raise ValueError(f"label is no {task.name} annotation ({reason}): {str(label)[:80]}") from error
        if self._places:
            self._count_places(task, gold[0])
        self._last = (task, label, gold)
        return gold

    def _count_places(self, task: Task, gold: Units) -> None:
        try:
            check_gold(task, gold)
        except ValueError:
            self.unplaced += 1
            raise
        self.placed += any(gold)
