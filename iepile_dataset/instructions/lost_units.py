"""What the questions to the windows of a text no longer ask: counted as scoring counts.

The answers about one record unite: a unit counts as often as in the answer that states it most often, since windows of
a text may quote the same name. The share that is lost is what a perfect model lacks in recall.
"""

import json
from collections import Counter
from collections.abc import Iterable, Sequence
from functools import lru_cache

from ..tasks import Task, task_named
from .instructor import Questions
from .parse import Question, question_of

__all__ = ["Units", "lost_units", "units_of"]

Units = Counter[tuple[str, ...]]


def lost_units(task: Task, whole: Questions, parts: Sequence[Questions]) -> int:
    """Units of the answers about a whole text that the answers about its parts do not hold."""
    return (_united(task, [whole]) - _united(task, parts)).total()


def _united(task: Task, parts: Iterable[Questions]) -> Units:
    units: Units = Counter()
    for part in parts:
        for asked, output in zip(part.asked, part.outputs):
            units |= units_of(_question(asked, task.name), output)
    return units


@lru_cache(maxsize=1 << 12)
def _question(asked: str, task: str) -> Question:
    return question_of({"schema": json.loads(asked), "input": ""}, task_named(task))


def units_of(question: Question, output: str) -> Units:
    """The units of an answer: entities, relations, attributes, events by their trigger, and arguments.

    Raises:
        ValueError, TypeError, KeyError, AttributeError: The answer does not have the task's shape.

    >>> question = question_of({"schema": [{"event_type": "sue", "trigger": True, "arguments": ["who"]}], "input": ""},
    ...     task_named("ee"))
    >>> event = {"trigger": "sued", "arguments": {"who": ["Ada", "Bo"]}}
    >>> sorted(units_of(question, json.dumps({"sue": [event]})))
    [('sue', 'sued'), ('sue', 'who', 'Ada'), ('sue', 'who', 'Bo')]
    """
    task, units = question.task, Counter[tuple[str, ...]]()
    entries = {task.key(label, question.schema): entry for label, entry in question.entries.items()}
    for key, values in json.loads(output).items():
        for item in task.items(entries[key], values):
            if task.annotation == "event":
                units.update((key, argument["role"], argument["argument"]) for argument in item["arguments"])
                if task.hints is None:  # where triggers are known beforehand, they are no answer
                    units[key, item["event_trigger"]] += 1
            else:
                units[(key, *(item[name] for name in ("entity", "head", "relation", "tail") if name in item))] += 1
    return units
