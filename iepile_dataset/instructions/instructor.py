"""One record → its questions and answers."""

import math
from collections.abc import Callable, Iterator, Mapping, Sequence
from json.encoder import encode_basestring as quote
from typing import NamedTuple

import orjson

from ..answers import Items
from ..errors import DataError
from ..hard_negatives import read_hard_negatives
from ..options import Options
from ..places import without_places
from ..schema import Schema
from ..tasks import Task, task_named
from .sampling import Draw, apart, batches, shuffled

__all__ = ["Fit", "Instructor", "Questions", "instructions", "is_empty"]

Fit = Callable[[Mapping[str, str]], list[list[str]]]
"""A batch as {label: entry} → the labels in batches that fit"""


class Questions(NamedTuple):
    """What is asked of one record; `asked` and `outputs` have one entry a batch of labels.

    Attributes:
        asked: The instruction's schema, as JSON.
        outputs: The answer, as JSON; empty for a record that is not annotated.
        label: The record's annotation, as JSON.
        empty: How many answers hold nothing.
        key: A number drawn for the record.
    """

    asked: Sequence[str]
    outputs: Sequence[str]
    label: str
    empty: int
    key: int = 0

    @property
    def row_keys(self) -> list[int]:
        """A 32-bit number for each row of the record, drawn from its content."""
        return [(self.key + number * _STEP) & 0xFFFFFFFF for number in range(len(self.asked))]

    def limited(self, below: int) -> "Questions":
        """The questions without those empty ones whose key is not below a threshold."""
        rows = zip(self.row_keys, self.asked, self.outputs)
        kept = [(asked, output) for key, asked, output in rows if key < below or not is_empty(output)]
        dropped = len(self.asked) - len(kept)
        return self._replace(
            asked=[asked for asked, _ in kept], outputs=[output for _, output in kept], empty=self.empty - dropped
        )


def is_empty(output: str) -> bool:
    """Whether an answer holds nothing at all.

    >>> is_empty('{"city": [], "river": []}'), is_empty('{"city": ["Ulm"]}')
    (True, False)
    """
    return not any(orjson.loads(output).values())


_STEP = 0x9E3779B1  # spreads the batches of one record over the 32 bits
_NOTHING = Questions((), (), "", 0)


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
        source: The source's name, to find its part of a hard-negative dictionary.
        shuffle: Ask the labels of a training text in random order; without it in that of the schema.

    >>> asker = Instructor(task_named("ner"), Schema(types=("city", "person")), "en", False, Options())
    >>> asker.ask("In Ulm", [{"entity": "Ulm", "entity_type": "city"}]).outputs
    ['{"city": ["Ulm"], "person": []}']
    """

    windows = lost = over = 0  # a whole text loses nothing; see `TokenBudget`

    def __init__(
        self,
        task: Task,
        schema: Schema,
        language: str,
        train: bool,
        options: Options,
        source: str = "",
        shuffle: bool = True,
    ) -> None:
        self.task, self.schema, self.train, self._shuffle = task, schema, train, shuffle
        self.labels = task.labels(schema)
        if not self.labels:
            raise DataError(f"the schema has no labels for {task.name} ({task.where})")
        self.head = f'{{"instruction": {quote(task.prompt(language))}, "schema": '
        self._split_num = options.split_num or task.split_num
        self._remainder = options.remainder
        self._share = options.share
        self._hard: dict[str, tuple[str, ...]] = {}
        self.unknown_hard = 0
        if options.hard_negatives:
            dictionary = read_hard_negatives(options.hard_negatives)
            self._hard, self.unknown_hard = dictionary.of(task.name, source, self.labels)
        self._draw = Draw(options.seed, options.epoch)
        self._answer_key = {label: task.key(label, schema) for label in self.labels}
        self._collide = len(set(self._answer_key.values())) < len(self.labels)
        self._keys = {label: f"{quote(key)}: " for label, key in self._answer_key.items()}
        self._empty = {label: key + task.nothing for label, key in self._keys.items()}
        self._brackets = ("{", "}") if options.descriptions else ("[", "]")
        self._described = options.descriptions
        self.entries = {label: self._entry(label, task.entry(label, schema)) for label in self.labels}
        self._fixed = self._cut(self.labels, self.entries)
        self._fixed_asked = self._asked(self._fixed, self.entries)
        self._fixed_outputs = self._outputs(self._fixed, {})
        # One label and no choice leave nothing to draw.
        one = (len(self.labels) == 1 or not shuffle) and self._share == 1 and options.max_empty is None
        self._always = not task.hints and (one or not train)
        self._keyed = not task.hints or options.max_empty is not None
        self._place = {label: number for number, labels in enumerate(self._fixed) for label in labels}

    def ask(self, text: str, items: Items | None, fit: Fit | None = None) -> Questions:
        """The questions to one record and their answers.

        Args:
            text: The record's text.
            items: Its annotation list, None where it is not annotated.
            fit: Cuts a batch, given as `{label: entry}`, further.

        Returns:
            No question where nothing is to be asked: EEA without events, or a training text without any label when
            no negatives are wanted.

        Raises:
            One of `answers.UNFIT`: the record does not fit the schema; `record_check.problems` says why.
        """
        if items is None:
            if self.task.hints:
                return _NOTHING
            asked = self._fixed_asked
            if fit is not None:
                asked = self._asked(self._cut(self.labels, self.entries, fit), self.entries)
            return Questions(asked, [""] * len(asked), "", 0)
        answers = self.task.answer(text, items, self.schema)
        if self.task.hints and not answers:
            return _NOTHING
        annotation = orjson.dumps(items)
        label = annotation.decode()
        if self._always and fit is None:
            outputs = self._fixed_outputs
            if not answers:
                return Questions(self._fixed_asked, outputs, label, len(outputs))
            touched = {self._place[name] for name in answers}
            outputs = outputs.copy()
            for number in touched:
                (outputs[number],) = self._outputs([self._fixed[number]], answers)
            return Questions(self._fixed_asked, outputs, label, len(outputs) - len(touched))
        for name in answers:
            self._place[name]  # a KeyError where the schema lacks it
        names: Sequence[str] = self.labels
        entries = self.entries
        if self.task.hints:
            hints = self.task.hints(text, items, self.schema)
            names = [name for name in names if name in answers]
            entries = {name: self._entry(name, hints[name]) for name in names}
        keys: Sequence[int] = ()
        if self.train and (len(names) > 1 or self._keyed):
            count = len(self.labels)
            # The same questions with and without the places of mentions.
            content = orjson.dumps(without_places(items)) if b'start":' in annotation else annotation
            keys = self._draw.keys(text.encode() + content, 2 * count)
            # The first half of the keys chooses, the second orders: with the same keys for both, chosen negatives
            # would stand before the positives.
            order = keys if self.task.hints else keys[count:]
            names = self._ordered(names if self.task.hints else self._sample(answers, keys), order)
        cut = self._cut(names, entries, fit)
        empty = sum(map(answers.keys().isdisjoint, cut)) if answers else len(cut)
        key = keys[0] << 16 | keys[1] if keys else 0
        return Questions(self._asked(cut, entries), self._outputs(cut, answers), label, empty, key)

    def parts(self, text: str, items: Items | None) -> Sequence[tuple[str, Questions]]:
        """(text, its questions): one part, the whole text; `TokenBudget` has several."""
        return ((text, self.ask(text, items)),)

    def instruction(self, asked: str, text: str) -> str:
        """The whole instruction for one batch."""
        return f'{self.head}{asked}, "input": {quote(text)}}}'

    def _sample(self, answers: dict[str, str], keys: Sequence[int]) -> Sequence[str]:
        """Labels to ask of a training text: those that occur, and some of the others."""
        if self._share == 1:
            return self.labels
        present = [label for label in self.labels if label in answers]
        absent = [label for label in self.labels if label not in answers]
        if self._share is None:
            named = {other for label in present for other in self._hard.get(label, ())}
            hard = [label for label in absent if label in named]
            others = [label for label in absent if label not in named]
            limit = self._split_num if self._split_num > 0 else self.task.split_num
            return present + hard + shuffled(others, keys)[:limit]
        return present + shuffled(absent, keys)[: math.ceil(self._share * len(absent))]

    def _ordered(self, names: Sequence[str], keys: Sequence[int]) -> list[str]:
        return shuffled(names, keys) if self._shuffle else sorted(names, key=self.labels.index)

    def _cut(self, labels: Sequence[str], entries: Mapping[str, str], fit: Fit | None = None) -> list[Sequence[str]]:
        cut = batches(labels, self._split_num, self._remainder)
        if self._collide:
            cut = apart(cut, self._answer_key.__getitem__)
        if fit:
            return [part for names in cut for part in fit({name: entries[name] for name in names})]
        return cut

    def _asked(self, cut: Sequence[Sequence[str]], entries: Mapping[str, str]) -> list[str]:
        """The schema that asks for each batch, as JSON."""
        opening, closing = self._brackets
        entry = entries.__getitem__
        return [f"{opening}{', '.join(map(entry, names))}{closing}" for names in cut]

    def _outputs(self, cut: Sequence[Sequence[str]], answers: Mapping[str, str]) -> list[str]:
        """The answer to each batch, as JSON."""
        values = self._empty
        if answers:
            values = values | {name: self._keys[name] + value for name, value in answers.items()}
        value = values.__getitem__
        return [f"{{{', '.join(map(value, names))}}}" for names in cut]

    def _entry(self, label: str, entry: str) -> str:
        if not self._described:
            return entry
        about = quote(self.schema.descriptions.get(label, ""))
        key = f"{quote(label)}: "
        # A label that is a plain string carries its description; one that is an object stands beside it.
        return key + about if entry == quote(label) else f"{key}{{{key}{about}, {entry[1:]}"


def instructions(
    text: str, annotation: Items | None, schema: Schema, task: str, language: str = "en", split_num: int | None = None
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
    questions = asker.ask(text, annotation)
    for asked, output in zip(questions.asked, questions.outputs):
        yield {"instruction": asker.instruction(asked, text), "output": output}
