"""Rows → prompts, and tokens → their places: what the engines have in common."""

from abc import ABC, abstractmethod
from collections import deque
from collections.abc import Iterable, Iterator, Sequence
from contextlib import suppress
from dataclasses import dataclass
from itertools import islice
from threading import Condition
from typing import Any

from ..constrain import PLAIN, Keys, closed, lark, shape_of, spelling_of
from ..errors import TrainerError
from ..formats import use_format
from ..tokenization.encode import prompt_ids
from .answer import Answer, Row, Token
from .examples import Examples, Turn
from .options import EngineOptions
from .template import filled, read_template


@dataclass(frozen=True)
class Prompt:
    """What a model is sent for one row.

    Attributes:
        instruction: Of the row.
        ids: The training prompt as token ids; empty without a tokenizer.
        shape: Of the answer, where it is constrained.
        grammar: Of the answer, where it is constrained.
        examples: Questions and answers before it.
    """

    instruction: str
    ids: list[int]
    shape: Keys | None = None
    grammar: str | None = None
    examples: Sequence[Turn] = ()


class FairLock:
    """A lock that threads get in the order in which they came: who asks for it again and again lets others pass."""

    def __init__(self) -> None:
        self._queue: deque[object] = deque()
        self._changed = Condition()

    def __enter__(self) -> None:
        me = object()
        with self._changed:
            self._queue.append(me)
            try:
                self._changed.wait_for(lambda: self._queue[0] is me)
            except BaseException:
                self._queue.remove(me)
                self._changed.notify_all()
                raise

    def __exit__(self, *_: object) -> None:
        with self._changed:
            self._queue.popleft()
            self._changed.notify_all()


class PromptEngine:
    """Makes prompts; what the engines have in common.

    May be called from several threads; they take turns.

    Args:
        options: Of these, `constrain`, `max_new_tokens`, `examples`, `shots` and `template`.
        tokenizer: Gets the `plain` prompt format where it has no chat template.
        room: The most tokens that a prompt may have; None for no limit.
    """

    def __init__(self, options: EngineOptions, tokenizer: Any = None, room: int | None = None) -> None:
        if tokenizer is not None:
            use_format(tokenizer)
        self.options, self.tokenizer, self.room = options, tokenizer, room
        self._spelling = PLAIN if tokenizer is None or options.constrain == "none" else spelling_of(tokenizer)
        self._examples = Examples.read(options.examples, options.shots) if options.examples else None
        self._template = read_template(options.template) if options.template else None
        self._turn = FairLock()

    def count(self, instruction: str) -> int:
        """The tokens of a prompt: of an instruction, or of a part of one, which no template words.

        Raises:
            TrainerError: The tokenizer is not known here.
        """
        if self.tokenizer is None:
            raise TrainerError("how long a prompt is cannot be told without its tokenizer (give --tokenizer)")
        with self._turn:
            with suppress(ValueError, KeyError, TypeError):
                instruction = self._worded(instruction)
            return len(self._ids(instruction))

    def _worded(self, instruction: str) -> str:
        return filled(self._template, instruction) if self._template else instruction

    def _ids(self, instruction: str, examples: Sequence[Turn] = ()) -> list[int]:
        return prompt_ids(self.tokenizer, [instruction], self.options.is_thinking, examples)[0]

    def prompt(self, row: Row) -> Prompt | Answer:
        """The training prompt of a row, or the answer that says why there is none."""
        try:
            instruction = row.get("instruction")
            if not isinstance(instruction, str) or not instruction:
                raise TrainerError("the row has no instruction")
            shown = self._examples.nearest(row) if self._examples else []
            examples = [(self._worded(question), answer) for question, answer in shown]
            try:
                instruction = self._worded(instruction)
            except (ValueError, KeyError, TypeError):
                raise TrainerError(
                    f"the template wants instruction, schema and input, not {instruction[:60]!r}"
                ) from None
            ids = [] if self.tokenizer is None else self._ids(instruction, examples)
            while self.room is not None and len(ids) > self.room and examples:
                examples = examples[1:]  # the least alike
                ids = self._ids(instruction, examples)
            if self.room is not None and len(ids) > self.room:
                raise TrainerError(
                    f"the prompt has {len(ids):,} tokens, more than the {max(self.room, 0):,} that the model can read "
                    f"beside {self.options.max_new_tokens:,} new ones"
                )
            if self.options.constrain == "none":
                return Prompt(instruction, ids, examples=examples)
            shape, text = shape_of(row)
            quoted = text if self.options.constrain == "extractive" else None
            return Prompt(instruction, ids, shape, lark(shape, quoted, self._spelling), examples)
        except TrainerError as problem:
            return Answer("", str(problem))


class ChunkEngine(PromptEngine, ABC):
    """Answers a chunk of rows at a time.

    Attributes:
        chunk: Rows of a chunk.
    """

    chunk: int

    def answer(self, rows: Iterable[Row]) -> Iterator[Answer]:
        """One answer per row, in input order; see `Engine.answer`."""
        source = iter(rows)
        while chunk := list(islice(source, self.chunk)):
            with self._turn:
                prompts = list(map(self.prompt, chunk))
                answers = iter(self.answer_prompts([prompt for prompt in prompts if isinstance(prompt, Prompt)]))
            yield from (prompt if isinstance(prompt, Answer) else next(answers) for prompt in prompts)

    @abstractmethod
    def answer_prompts(self, prompts: Sequence[Prompt]) -> Sequence[Answer]:
        """One answer for each prompt of a chunk."""


def answer_of(text: str, tokens: tuple[Token, ...], cut: bool, shape: Keys | None) -> Answer:
    """An answer; one that was cut off is closed where it has a shape, with the tokens that still spell it."""
    if cut and shape is not None:
        whole = closed(text, shape)
        same = in_common((text, whole))
        text, tokens = whole, tuple(token for token in tokens if token.end <= same)
    return Answer(text, tokens=tokens, cut=cut)


def in_common(sequences: Sequence[Any]) -> int:
    """How long the beginning is that all have in common.

    >>> in_common(["Ulm", "Ulan", "Ule"])
    2
    """
    first, last = min(sequences), max(sequences)  # what these two have in common, all that stand between them have
    differing = (place for place, (one, other) in enumerate(zip(first, last)) if one != other)
    return next(differing, min(len(first), len(last)))


def tokens_of(text: str, pieces: Iterable[tuple[str | None, float | None]]) -> tuple[Token, ...]:
    """Tokens (their text, their log-probability) with their places, as far as they spell the answer's text.

    >>> tokens_of("Ulm", [("Ul", -0.5), ("m", -0.25), (None, 0.0)])
    (Token(start=0, end=2, logprob=-0.5), Token(start=2, end=3, logprob=-0.25))
    """
    tokens, start = [], 0
    for piece, logprob in pieces:
        if logprob is None or not piece or not text.startswith(piece, start):  # some servers name bytes
            break
        tokens.append(Token(start, start + len(piece), min(float(logprob), 0.0)))
        start += len(piece)
    return tuple(tokens)
