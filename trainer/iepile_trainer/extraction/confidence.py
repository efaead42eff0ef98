"""A model's answer → the units it states, each string knowing where it stands in the answer, and how sure it is.

Confidence. The probability of a mention is that of the tokens that spell it in the answer: `confidence` is their
geometric mean, which does not punish length, `minimum` the smallest. A token belongs to the mention if it holds at
least one of its characters, so one that spells a letter and a quotation mark counts. The probabilities are those
that the model gave before any constraint, at temperature 0.
"""

import json
import math
import re
from bisect import bisect_left
from collections import defaultdict
from collections.abc import Sequence
from typing import Any

from iepile_metric.asked import labels_of
from iepile_metric.parse_answer import Unparseable, answer_in, is_unread, items_in
from iepile_metric.repairs import CUT_OFF, NOT_ASKED
from iepile_metric.tasks import TASKS

from ..engines import Answer, Token
from .results import rounded

_STRING = re.compile(r'"((?:[^"\\]|\\.)*+)(?:"|\Z)', re.DOTALL)


class Quote(str):
    """A string of an answer and its characters there, escapes included; (0, 0) where they are not known."""

    start = 0
    end = 0


def read(task: str, answer: Answer, instruction: Any = None) -> tuple[list[Any], str | None]:
    """The items of an answer, as `iepile_metric` reads them, in their order there.

    Args:
        task: Lower-case name.
        answer: What an engine gave.
        instruction: What was asked, see `iepile_metric.asked.labels_of`.

    Returns:
        Items whose strings are `Quote`s, and in one line what was wrong with the answer, None where nothing was.

    >>> read("ner", Answer('{"city": ["Ulm", "Bo'))
    ([('city', 'Ulm'), ('city', 'Bo')], 'the answer was cut off')
    >>> read("ner", Answer("I cannot say."))
    ([], 'the answer cannot be read: no JSON object')
    """
    if answer.error is not None:
        return [], answer.error
    labels = labels_of(instruction)
    try:
        value, kinds = answer_in(answer.text, labels)
        items = items_in(TASKS[task], _Places(answer.text).placed(value), labels)
        if not items and is_unread(TASKS[task], value, labels):
            raise Unparseable(NOT_ASKED)
    except Unparseable as reason:
        return [], f"the answer cannot be read: {reason}"
    return items, "the answer was cut off" if answer.cut or CUT_OFF in kinds else None


class TokenConfidence:
    """How probable the strings of one answer are.

    >>> tokens = (Token(10, 12, math.log(0.5)), Token(12, 13, math.log(0.125)))
    >>> word = Quote("Ulm")
    >>> word.start, word.end = 10, 13
    >>> TokenConfidence(tokens).of(word)
    (0.25, 0.125)
    """

    def __init__(self, tokens: Sequence[Token]) -> None:
        self._tokens = tokens
        self._starts, self._ends = [token.start for token in tokens], [token.end for token in tokens]

    def of(self, *texts: str) -> tuple[float | None, float | None]:
        """(geometric mean, minimum) over the tokens of some strings; None where these are not known."""
        logprobs: dict[int, float] = {}
        for text in texts:
            if isinstance(text, Quote) and text.end > text.start:
                for number in range(bisect_left(self._ends, text.start), bisect_left(self._starts, text.end)):
                    token = self._tokens[number]
                    if token.end > text.start or token.start == token.end:
                        logprobs[number] = token.logprob
        if not logprobs:
            return None, None
        mean = math.fsum(logprobs.values()) / len(logprobs)
        return round(math.exp(min(mean, 0.0)), 12), round(math.exp(min(*logprobs.values(), 0.0)), 12)


def unit_confidences(task: str, answer: Answer, instruction: Any = None) -> dict[str, list[float | None]] | None:
    """The confidence of every unit that the metric counts in an answer.

    Returns:
        Measure → one figure a unit, in the order of `iepile_metric.parse_answer.read_answer`, None where it is not
        known, as of an event without trigger; None altogether without tokens or without anything to read.
    """
    if not answer.tokens or task not in TASKS:
        return None
    items, problem = read(task, answer, instruction)
    if problem and not items:
        return None
    confidence, judge = TokenConfidence(answer.tokens), TASKS[task]
    return {
        measure: [rounded(confidence.of(*(unit[place] for place in judge.texts(measure)))[0]) for unit in units]
        for measure, units in zip(judge.measures, judge.units(items))
    }


class _Places:
    """Gives the strings of a JSON value their places in the text it was read from.

    Strings are visited in the order of the text. Where a repair changed that order, the next equal string is
    taken, or the first.
    """

    def __init__(self, text: str) -> None:
        self._strings = [(match.start(1), match.end(1)) for match in _STRING.finditer(text)]
        self._numbers: dict[str, list[int]] = defaultdict(list)
        for number, (start, end) in enumerate(self._strings):
            self._numbers[_unescaped(text[start:end])].append(number)
        self._next = 0

    def placed(self, value: Any) -> Any:
        if isinstance(value, str):
            return self._quote(value)
        if isinstance(value, list):
            return [self.placed(part) for part in value]
        if isinstance(value, dict):
            return {self._quote(key): self.placed(part) for key, part in value.items()}
        return value

    def _quote(self, value: str) -> Quote:
        quote = Quote(value)
        if numbers := self._numbers.get(value):
            number = next((number for number in numbers if number >= self._next), numbers[0])
            quote.start, quote.end = self._strings[number]
            self._next = number + 1
        return quote


def _unescaped(literal: str) -> str:
    try:
        return str(json.loads(f'"{literal}"', strict=False))
    except ValueError:
        return literal
