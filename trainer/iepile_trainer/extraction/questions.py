"""One text and what to look for → the questions that a model is asked, those of the dataset room.

Labels are cut into batches as for the test split; a text whose prompt would be longer than the model or
`max_prompt_tokens` allows is cut into windows at sentence ends, each asked for the same batches. Where these leave
less than a quarter of the limit for a text, batches and role lists are cut, too. Without `max_prompt_tokens` windows
are as long as what the model was trained on, unless that leaves so little. Windows overlap where a sentence had to be
cut, and by `window_overlap` sentences elsewhere; what two of them see counts once, see `merge_windows`.
"""

import json
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property, partial
from json.encoder import encode_basestring as quote
from typing import Any

from iepile_dataset import DataError, Options, Schema
from iepile_dataset.answers import UNFIT
from iepile_dataset.instructions.instructor import Instructor, Questions
from iepile_dataset.instructions.token_budget import TokenBudget
from iepile_dataset.instructions.windows import LEAST_TEXT, windows, within
from iepile_dataset.tasks import LANGUAGES, Task

from ..constrain import entries_of
from .arguments import ExtractionOptions
from .documents import Triggers

__all__ = ["Count", "Question", "QuestionBuilder", "with_triggers"]

_SPARE = 4
"""Tokens that are left free, since tokens where template and text meet may join differently."""

Count = Callable[[str], int]
Items = Sequence[Mapping[str, Any]]


@dataclass(frozen=True)
class Question:
    """One instruction and what it is about.

    Attributes:
        instruction: What the model reads, as JSON.
        entries: Key of the answer → the schema's entry for it: a string, or an object with roles or types.
        start: Where its window begins in the text, in characters.
        end: Where it ends.
        window: The window's number, from 0.
        label: The text's whole annotation as JSON, where there is one.
        output: The answer that the annotation gives.
    """

    instruction: str
    entries: Mapping[str, Any]
    start: int
    end: int
    window: int = 0
    label: str = ""
    output: str = ""


_Window = tuple[int, int, str, Questions]
"""Its number, where it begins, its text, what is asked about it"""


class QuestionBuilder:
    """Asks texts for one schema in one language.

    Args:
        task: The table's entry.
        schema: What to ask for.
        language: Of the prompt, `en` or `zh`.
        options: Of these, `split_num`, `descriptions`, `max_prompt_tokens` and `window_overlap`.
        room: The most tokens of a whole prompt, None for no limit.
        trained_length: The most tokens of a whole prompt that the training was like, None where it is not known; only
            used without `max_prompt_tokens`.
        count: Tokens of a whole prompt; only used where there is a limit.

    Raises:
        DataError: An unknown language or a wrong `split_num`.
    """

    def __init__(
        self,
        task: Task,
        schema: Schema,
        language: str,
        options: ExtractionOptions | None = None,
        room: int | None = None,
        trained_length: int | None = None,
        count: Count = len,
    ) -> None:
        if language not in LANGUAGES:
            raise DataError(f"language={language!r} is unknown (one of {', '.join(LANGUAGES)})")
        options = options or ExtractionOptions()
        batches = Options(split_num=options.split_num, descriptions=options.descriptions)
        self._make = partial(Instructor, task, language=language, train=False, options=batches)
        self._instructor = self._make(schema)
        self.task, self.schema, self.language, self._room = task, schema, language, room
        self._overlap = options.window_overlap
        self._limit, trained = options.max_prompt_tokens, None if options.max_prompt_tokens else trained_length
        around = count("") if room or trained or self._limit else 0
        self._count = lambda text: count(text) - around
        inside, self._trained = (most and max(most - around - _SPARE, 1) for most in (room, trained))
        self._limit = min(filter(None, (inside, self._limit)), default=None)

    def ask(self, text: str, triggers: Triggers | None = None) -> list[Question]:
        """What is asked of a text without annotation.

        Args:
            text: The text.
            triggers: What is known beforehand of its events, for EEA.

        Raises:
            DataError: The limit leaves no room for a text beside the labels, or triggers that it does not hold.
        """
        if self.task.hints is None:
            return self.questions(text)
        try:
            return self.questions(text, with_triggers(self.task, self.schema, triggers))
        except DataError:
            raise
        except UNFIT:
            absent = [word for words in (triggers or {}).values() for word in words if word not in text]
            raise DataError(f"trigger {absent} does not stand in the text (leave it out)") from None

    def questions(self, text: str, items: Items | None = None) -> list[Question]:
        """What is asked of a text.

        Args:
            text: The text.
            items: Its annotation; None where it has none.

        Raises:
            DataError: The limit leaves no room for a text beside the labels.
            One of `iepile_dataset.answers.UNFIT`: the annotation does not fit text and schema.
        """
        whole = self._instructor.ask(text, items)
        questions = self._built([(0, 0, text, whole)], whole.label)
        for limit in filter(None, (self._trained, self._limit)):
            if self._fit(questions, limit):
                return questions
            in_windows = self._built(self._windows(text, items, whole, limit), whole.label)
            if in_windows and self._fit(in_windows, limit):
                return in_windows
        return questions if self._limit is None else self._built(self._small_batches(text, items), whole.label)

    def _windows(self, text: str, items: Items | None, whole: Questions, limit: int) -> Iterator[_Window]:
        """The usual batches of labels for each window; nothing where they would leave too little room for a text."""
        around = max(self._count(self._instructor.instruction(asked, "")) for asked in whole.asked)
        room = limit - around - _SPARE
        if room < max(limit // 4, LEAST_TEXT):
            return
        number = 0
        for start, end in windows(text, room, lambda part: self._count(quote(part)[1:-1]), self._overlap):
            window = text[start:end]
            if not window.isspace():
                inside = None if items is None else within(window, items, self.task)
                yield number, start, window, self._instructor.ask(window, inside)
                number += 1

    def _small_batches(self, text: str, items: Items | None) -> Iterator[_Window]:
        """Batches, role lists and windows as small as it takes, by the dataset room's rules for a token budget."""
        numbers: dict[tuple[int, int], int] = {}
        for window, questions in self._budget.windows_of(text, items):
            number = numbers.setdefault(window, len(numbers))
            yield number, window[0], text[slice(*window)], questions

    @cached_property
    def _budget(self) -> TokenBudget:
        options = Options(max_prompt_tokens=self._limit, tokenizer="the model's", window_overlap=self._overlap)
        try:
            return TokenBudget(self._make, self.task, self.schema, options, self._count)
        except DataError as error:
            beside = "" if self._room is None else f"; the model reads {self._room:,} tokens beside its answer"
            raise DataError(f"{error}{beside}") from None

    def _built(self, windows: Iterable[_Window], label: str) -> list[Question]:
        instruction = self._instructor.instruction
        return [
            Question(instruction(asked, text), entries(asked), start, start + len(text), number, label, output)
            for number, start, text, questions in windows
            for asked, output in zip(questions.asked, questions.outputs)
        ]

    def _fit(self, questions: list[Question], limit: int) -> bool:
        # No tokenizer makes more tokens than bytes: short texts need no counting.
        return all(
            len(question.instruction.encode()) <= limit or self._count(question.instruction) <= limit
            for question in questions
        )


def entries(asked: str) -> dict[str, Any]:
    """A question's schema → key of the answer to entry.

    >>> entries('["city"]'), entries('{"city": "a town"}')
    ({'city': 'city'}, {'city': 'city'})
    >>> list(entries('[{"subject_type": "city", "predicate": "in", "object_type": "state"}]'))
    ['in']
    """
    return {_key(entry): entry for entry in entries_of(json.loads(asked))}


def _key(entry: Any) -> str:
    if isinstance(entry, str):
        return entry
    return str(next(entry[name] for name in ("event_type", "predicate", "entity_type") if name in entry))


def with_triggers(task: Task, schema: Schema, triggers: Triggers | None) -> list[dict[str, Any]]:
    """An annotation that knows triggers alone: what EEA is told beforehand.

    Args:
        task: A task whose questions name triggers.
        schema: Its labels; without `triggers` every one is asked, with none known.
        triggers: Event type → its triggers in the text; other types are not asked.

    Raises:
        DataError: A type that the schema lacks.
    """
    known = dict.fromkeys(task.labels(schema), ()) if triggers is None else triggers
    for label in known:
        if label not in task.labels(schema):
            raise DataError(f'triggers: type "{label}" is not in the schema (add it, or leave it out)')
    return [
        {"event_type": label, "event_trigger": word, "arguments": []}
        for label, words in known.items()
        for word in (words or [""])
    ]
