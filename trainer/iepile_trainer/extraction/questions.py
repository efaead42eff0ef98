"""One text and what to look for → the questions that a model is asked, those of the dataset room.

Labels are cut into batches as for the test split; a text whose prompt would be longer than the model or
`max_prompt_tokens` allows is cut into windows at sentence ends, each asked for the same batches. Where these leave
less than a quarter of the limit for a text, batches and role lists are cut, too. Without `max_prompt_tokens` windows
are as long as what the model was trained on, unless that leaves so little. Windows do not overlap: none holds
what another does, and a mention that a cut went through is put together again afterwards, see `assembly`.
"""

import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property, partial
from json.encoder import encode_basestring as quote
from typing import Any

from iepile_dataset import DataError, Options, Schema
from iepile_dataset.instructions.instructor import Instructor, Questions
from iepile_dataset.instructions.token_budget import LEAST_TEXT, TokenBudget, windows, within
from iepile_dataset.tasks import LANGUAGES, Task

from .documents import Triggers

_SPARE = 4
"""Tokens that are left free, since tokens where template and text meet may join differently."""

Count = Callable[[str], int]


@dataclass(frozen=True)
class Question:
    """One instruction and what it is about.

    Attributes:
        instruction: What the model reads, as JSON.
        asked: Key of the answer → the schema's entry for it: a string, or an object with roles or types.
        start: Where its window begins in the text, in characters.
        end: Where it ends.
        window: The window's number, from 0.
        label: The text's whole annotation as JSON, where there is one.
        output: The answer that the annotation gives.
    """

    instruction: str
    asked: Mapping[str, Any]
    start: int
    end: int
    window: int = 0
    label: str = ""
    output: str = ""


class Asker:
    """Asks texts for one schema in one language.

    Args:
        task: The table's entry.
        schema: What to ask for.
        language: Of the prompt, `en` or `zh`.
        split_num: The most labels in one question; None takes the task's own, -1 asks for all at once.
        descriptions: Tell the model what the schema says about its labels.
        room: The most tokens of a whole prompt, None for no limit.
        max_prompt_tokens: The most tokens of an instruction, None for no limit.
        count: Tokens of a whole prompt; only used where there is a limit.
        reach: The most tokens of a whole prompt that the training was like, None where it is not known; only used
            without `max_prompt_tokens`.

    Raises:
        DataError: An unknown language or a wrong `split_num`.
    """

    def __init__(
        self,
        task: Task,
        schema: Schema,
        language: str,
        split_num: int | None = None,
        descriptions: bool = False,
        room: int | None = None,
        max_prompt_tokens: int | None = None,
        count: Count = len,
        reach: int | None = None,
    ) -> None:
        if language not in LANGUAGES:
            raise DataError(f"language={language!r} is unknown (one of {', '.join(LANGUAGES)})")
        options = Options(split_num=split_num, descriptions=descriptions)
        self._make = partial(Instructor, task, language=language, train=False, options=options)
        self._whole = self._make(schema)
        self.task, self.schema, self.language = task, schema, language
        self._room, self._limit, self._reach = room, max_prompt_tokens, None
        reach = None if max_prompt_tokens is not None else reach
        if (room, max_prompt_tokens, reach) != (None, None, None):
            around = count("")
            self._count = lambda text: count(text) - around
            inside, self._reach = (each and max(each - around - _SPARE, 1) for each in (room, reach))
            self._limit = min((each for each in (inside, max_prompt_tokens) if each is not None), default=None)

    @cached_property
    def _fitter(self) -> TokenBudget:
        options = Options(max_prompt_tokens=self._limit, tokenizer="the model's")
        try:
            return TokenBudget(self._make, self.task, self.schema, options, self._count)
        except DataError as error:
            beside = "" if self._room is None else f"; the model reads {self._room:,} tokens beside its answer"
            raise DataError(f"{error}{beside}") from None

    def questions(self, text: str, items: Sequence[Mapping[str, Any]] | None = None) -> list[Question]:
        """What is asked of a text.

        Args:
            text: The text.
            items: Its annotation; None where it has none.

        Raises:
            DataError: The limit leaves no room for a text beside the labels.
            One of `iepile_dataset.answers.UNFIT`: the annotation does not fit text and schema.
        """
        asked = self._whole.ask(text, items)
        made = [
            self._question(text, each, output, 0, len(text), 0, asked.label)
            for each, output in zip(asked.asked, asked.outputs)
        ]
        for limit in (self._reach, self._limit):
            if limit is None:
                continue
            if all(self._fits(question.instruction, limit) for question in made):
                return made
            if cut := self._in_windows(text, items, asked, limit):
                return cut
        return made if self._limit is None else self._in_small_batches(text, items)

    def _in_windows(
        self, text: str, items: Sequence[Mapping[str, Any]] | None, whole: Questions, limit: int
    ) -> list[Question] | None:
        """The usual batches of labels for each window; None where they would leave too little room for a text."""
        around = max(self._count(self._whole.instruction(asked, "")) for asked in whole.asked)
        room = limit - around - _SPARE
        if room < max(limit // 4, LEAST_TEXT):
            return None
        made: list[Question] = []
        end = number = 0
        for window in windows(text, room, lambda part: self._count(quote(part)[1:-1])):
            start, end = end, end + len(window)
            if window.isspace():
                continue
            found = None if items is None else within(window, items, self.task.annotation)
            asked = self._whole.ask(window, found)
            made += [
                self._question(window, each, output, start, end, number, whole.label)
                for each, output in zip(asked.asked, asked.outputs)
            ]
            number += 1
        return made if all(self._fits(question.instruction, limit) for question in made) else None

    def _in_small_batches(self, text: str, items: Sequence[Mapping[str, Any]] | None) -> list[Question]:
        """Batches, role lists and windows as small as it takes, by the dataset room's rules for a token budget."""
        before = self._fitter.windows
        parts = self._fitter.parts(text, items)
        pieces = len(parts) // (self._fitter.windows - before + 1)  # of the schema, for each window
        made: list[Question] = []
        end = 0
        for number, (window, asked) in enumerate(parts):
            if number % pieces == 0:
                start = text.index(window, end)
                end = start + len(window)
            made += [
                self._question(window, each, output, start, end, number // pieces, asked.label)
                for each, output in zip(asked.asked, asked.outputs)
            ]
        return made

    def _fits(self, instruction: str, limit: int) -> bool:
        # No tokenizer makes more tokens than bytes: short texts need no counting.
        return len(instruction.encode()) <= limit or self._count(instruction) <= limit

    def _question(self, text: str, asked: str, output: str, start: int, end: int, window: int, label: str) -> Question:
        return Question(self._whole.instruction(asked, text), entries(asked), start, end, window, label, output)


def entries(asked: str) -> dict[str, Any]:
    """A question's schema → key of the answer to entry.

    >>> entries('["city"]'), entries('{"city": "a town"}')
    ({'city': 'city'}, {'city': 'city'})
    >>> list(entries('[{"subject_type": "city", "predicate": "in", "object_type": "state"}]'))
    ['in']
    """
    schema = json.loads(asked)
    each = schema if isinstance(schema, list) else [name if isinstance(e, str) else e for name, e in schema.items()]
    return {_key(entry): entry for entry in each}


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
