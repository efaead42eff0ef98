"""One record → its rows."""

import json
import math
from collections.abc import Iterator, Sequence
from json.encoder import encode_basestring as quote

from .answers import Items
from .draw import Draw, batches, shuffled
from .options import Options
from .problems import DataError
from .schema import Schema
from .tasks import Task, task_named

_dump = json.JSONEncoder(ensure_ascii=False).encode

Row = tuple[str, str]
"""(instruction, output)"""

Batch = tuple[Sequence[str], str]
"""(labels, their schema entries as JSON)"""


class Instructor:
    """Turns the records of one source and split into instructions and answers.

    Everything that does not depend on the record is escaped and joined once, here: the prompt, the labels,
    and for validation and test, where the questions are always the same, whole batches.

    Args:
        task: The table's entry.
        schema: The source's labels.
        language: Of the prompt, `en` or `zh`.
        train: Sample negatives and shuffle (the train split) or ask every label in schema order.
        options: See `Options`.

    >>> asker = Instructor(task_named("ner"), Schema(types=("city", "person")), "en", False, Options())
    >>> rows, label = asker.rows("In Ulm", [{"entity": "Ulm", "entity_type": "city"}])
    >>> rows[0][1]
    '{"city": ["Ulm"], "person": []}'
    """

    def __init__(self, task: Task, schema: Schema, language: str, train: bool, options: Options) -> None:
        self.task, self.schema, self.train = task, schema, train
        self.labels = task.labels(schema)
        if not self.labels:
            raise DataError(f"the schema has no labels for {task.name} (RE reads line 2, the other tasks line 1)")
        self._split_num = options.split_num or task.split_num
        self._share = options.share
        self._draw = Draw(options.seed, options.epoch)
        self._head = f'{{"instruction": {quote(task.prompt(language))}, "schema": ['
        self._entries = {label: task.entry(label, schema) for label in self.labels}
        self._fixed = [self._batch(labels) for labels in batches(self.labels, self._split_num)]
        self._empty = {label: f"{quote(label)}: []" for label in self.labels}
        self._keys = {label: f"{quote(label)}: " for label in self.labels}

    def rows(self, text: str, items: Items | None) -> tuple[list[Row], str]:
        """The rows of one record and its label.

        Args:
            text: The record's text.
            items: Its annotation list, None where it is not annotated.

        Returns:
            (instruction, output) for each batch of labels, and the annotation as JSON; output and label are empty
            strings for a record that is not annotated. No rows where nothing is to be asked: EEA without events, or
            a training text without any label when no negatives are wanted.

        Raises:
            One of `answers.UNFIT`: the record does not fit the schema; `check.problems` says why.
        """
        tail = f'], "input": {quote(text)}}}'
        if items is None:
            if self.task.hints:
                return [], ""
            return [(self._head + asked + tail, "") for _, asked in self._fixed], ""
        found, label = self.task.answer(text, items, self.schema), _dump(items)
        asked_batches: list[Batch]
        if self.task.hints:
            hints = self.task.hints(text, items, self.schema)
            order = [name for name in self.labels if name in found]
            if self.train:
                order = shuffled(order, self._draw.keys(text + label, len(order)))
            asked_batches = [
                (names, ", ".join(hints[name] for name in names)) for names in batches(order, self._split_num)
            ]
        elif self.train:
            chosen = self._sample(text + label, found)
            asked_batches = [self._batch(names) for names in batches(chosen, self._split_num)]
        else:
            asked_batches = self._fixed
        return [(self._head + asked + tail, self._output(names, found)) for names, asked in asked_batches], label

    def _sample(self, content: str, found: dict[str, str]) -> list[str]:
        """Labels to ask of a training text: those that occur, and a share of the others, shuffled together."""
        count = len(self.labels)
        # The first half of the keys chooses, the second orders: with the same keys for both, chosen negatives
        # would stand before the positives.
        keys = self._draw.keys(content, 2 * count)
        absent = [label for label in self.labels if label not in found]
        wanted = math.ceil(self._share * len(absent))
        chosen = absent if wanted == len(absent) else shuffled(absent, keys)[:wanted]
        if found:
            chosen = [label for label in self.labels if label in found] + chosen
        return shuffled(chosen, keys[count:])

    def _batch(self, labels: Sequence[str]) -> Batch:
        return labels, ", ".join([self._entries[label] for label in labels])

    def _output(self, labels: Sequence[str], found: dict[str, str]) -> str:
        parts = [self._keys[label] + found[label] if label in found else self._empty[label] for label in labels]
        return "{" + ", ".join(parts) + "}"


def instructions(
    text: str,
    annotation: Items | None,
    schema: Schema,
    task: str,
    language: str = "en",
    split_num: int | None = None,
) -> Iterator[dict[str, str]]:
    """Instructions for one text, every label asked in schema order.

    Args:
        text: The text.
        annotation: Its annotation list, or None to ask without knowing.
        schema: What to ask for.
        task: A task's name in any case.
        language: Of the prompt.
        split_num: The most labels in one instruction; None takes the task's own.

    Yields:
        `{"instruction": JSON, "output": JSON}` for each batch of labels.

    >>> row = next(instructions("In Ulm", None, Schema(types=("city",)), "ner"))
    >>> row["instruction"].partition('"schema": ')[2]
    '["city"], "input": "In Ulm"}'
    """
    asker = Instructor(task_named(task), schema, language, False, Options(split_num=split_num))
    for instruction, output in asker.rows(text, annotation)[0]:
        yield {"instruction": instruction, "output": output}
