"""A transformers model in this process: batches sorted by length, rows leave as they end."""

from collections.abc import Iterable, Iterator
from itertools import islice
from threading import Lock
from typing import Any

from .. import TrainerError
from ..constrain import Grammars, Keys, Vocabulary, closed, shape_of
from ..formats import stop_token_ids, use_format
from ..tokenization.encode import prompt_ids
from . import Answer, Row, Token
from .decode import Written, decode

CHUNK = 8  # batches that are sorted together; a killed run loses at most these

_AUTO = {"cpu": 32, "cuda": 256}  # prompts to begin with; on a CPU larger batches are no faster
_OUT_OF_MEMORY = ("out of memory", "can't allocate memory", "not enough memory", "bad_alloc")


class Local:
    """Answers with a model of this process.

    Args:
        model: A transformers or peft model, causal or encoder-decoder.
        tokenizer: Its tokenizer; gets the `plain` prompt format where it has no chat template.
        batch_size: Prompts per forward pass, or `auto`; halved for good when memory runs out.
        max_new_tokens: Longest answer, in tokens.
        constrain: `none`, `json` or `extractive`.
        logprobs: Give the tokens of answers with their log-probabilities.

    Attributes:
        batch_size: As it is now.
        room: The most tokens that a prompt may have; None for no limit.

    Raises:
        TrainerError: A batch size that is none, or a tokenizer that cannot be used so.

    May be called from several threads; they take turns.
    """

    def __init__(
        self,
        model: Any,
        tokenizer: Any,
        *,
        batch_size: int | str = "auto",
        max_new_tokens: int = 256,
        constrain: str = "none",
        logprobs: bool = False,
    ) -> None:
        use_format(tokenizer)
        self.model, self.tokenizer = model, tokenizer
        self.batch_size = batch_size_of(batch_size) or _AUTO.get(model.device.type, _AUTO["cuda"])
        self.max_new_tokens, self.constrain, self.logprobs = max_new_tokens, constrain, logprobs
        self.ends = stop_token_ids(tokenizer)
        self.room = _room(model, max_new_tokens)
        self._vocabulary = Vocabulary(tokenizer, self.ends) if constrain != "none" else None
        self._turn = Lock()

    def count(self, instruction: str) -> int:
        """The tokens of an instruction's prompt."""
        with self._turn:
            return len(prompt_ids(self.tokenizer, [instruction])[0])

    def answer(self, rows: Iterable[Row]) -> Iterator[Answer]:
        """One answer per row, in input order; see `Backend.answer`."""
        source = iter(rows)
        while chunk := list(islice(source, self.batch_size * CHUNK)):
            with self._turn:
                answers = self._answer_chunk(chunk)
            yield from answers

    def _answer_chunk(self, chunk: list[Row]) -> list[Answer]:
        done: dict[int, Answer] = {}
        prompts: dict[int, list[int]] = {}
        shapes: dict[int, tuple[Keys, str | None]] = {}
        for at, row in enumerate(chunk):
            try:
                prompts[at] = self._prompt(row)
                if self._vocabulary is not None:
                    shape, text = shape_of(row)
                    shapes[at] = shape, (text if self.constrain == "extractive" else None)
            except TrainerError as problem:
                prompts.pop(at, None)
                done[at] = Answer("", str(problem))
        left = sorted(prompts, key=lambda at: len(prompts[at]), reverse=True)  # longest first: memory runs out early
        size = self.batch_size
        while left:
            batch = left[:size]
            failure = self._answer_batch(batch, prompts, shapes, done)
            size = self.batch_size
            if failure is None or len(batch) == 1:
                left = left[len(batch) :]
                if failure is not None:
                    done[batch[0]] = Answer("", f"{type(failure).__name__}: {failure}".splitlines()[0])
                continue
            size = len(batch) // 2  # until the row that fails stands alone
            if _is_out_of_memory(failure):
                self.batch_size = size
                del failure
                _free_memory()
        return [done[at] for at in range(len(chunk))]

    def _prompt(self, row: Row) -> list[int]:
        instruction = row.get("instruction")
        if not isinstance(instruction, str) or not instruction:
            raise TrainerError("the row has no instruction")
        ids = prompt_ids(self.tokenizer, [instruction])[0]
        if self.room is not None and len(ids) > self.room:
            raise TrainerError(
                f"the prompt has {len(ids):,} tokens, more than the {max(self.room, 0):,} that the model can read "
                f"beside {self.max_new_tokens:,} new ones"
            )
        return ids

    def _answer_batch(
        self,
        batch: list[int],
        prompts: dict[int, list[int]],
        shapes: dict[int, tuple[Keys, str | None]],
        done: dict[int, Answer],
    ) -> Exception | None:
        """Answer one batch; what went wrong, without the frames that hold on to its memory, None if nothing."""
        guide = None
        if self._vocabulary is not None:
            guide = Grammars(self._vocabulary, {number: shapes[at] for number, at in enumerate(batch)})
        try:
            written = decode(
                self.model,
                [prompts[at] for at in batch],
                self.ends,
                self.tokenizer.pad_token_id,
                self.max_new_tokens,
                guide,
                self.logprobs,
            )
        except Exception as problem:  # whatever it is, the other rows go on
            return problem.with_traceback(None)
        for at, one in zip(batch, written):
            done[at] = self._read(one, shapes[at][0] if shapes else None)
        return None

    def _read(self, one: Written, shape: Keys | None) -> Answer:
        if one.error:
            return Answer("", one.error)
        text = self._text(one.ids)
        tokens = self._tokens(one, text) if self.logprobs else ()
        if shape is not None and not one.ended:
            cut, text = text, closed(text, shape)
            same = _agreement(cut, text)
            tokens = tuple(token for token in tokens if token.end <= same)
        return Answer(text, tokens=tokens, cut=not one.ended)

    def _text(self, ids: list[int]) -> str:
        return str(self.tokenizer.decode(ids, skip_special_tokens=True, clean_up_tokenization_spaces=False))

    def _tokens(self, one: Written, text: str) -> tuple[Token, ...]:
        """Where each token's characters stand: up to there all beginnings of the answer agree with it."""
        tokens, start = [], 0
        for count, logprob in enumerate(one.logprobs, 1):
            end = max(start, _agreement(self._text(one.ids[:count]), text))
            tokens.append(Token(start, end, logprob))
            start = end
        return tuple(tokens)


def batch_size_of(value: int | str) -> int | None:
    """A batch size as a number, None for `auto`.

    >>> batch_size_of("16"), batch_size_of("auto")
    (16, None)
    """
    if value == "auto":
        return None
    try:
        size = int(value)
    except ValueError:
        size = 0
    if size < 1:
        raise TrainerError(f"batch_size={value!r} is no number of prompts (1 or more, or auto)")
    return size


def _room(model: Any, max_new_tokens: int) -> int | None:
    positions = getattr(model.config.get_text_config(), "max_position_embeddings", None)
    if not positions:
        return None
    return int(positions) - (0 if model.config.is_encoder_decoder else max_new_tokens)


def _agreement(one: str, other: str) -> int:
    """Length of the common beginning."""
    if other.startswith(one):
        return len(one)
    return next(at for at, char in enumerate(one) if at >= len(other) or char != other[at])


def _is_out_of_memory(problem: Exception) -> bool:
    import torch

    if isinstance(problem, torch.OutOfMemoryError | MemoryError):
        return True
    return isinstance(problem, RuntimeError) and any(words in str(problem).lower() for words in _OUT_OF_MEMORY)


def _free_memory() -> None:
    import gc

    import torch

    gc.collect()
    if torch.cuda.is_available():
        torch.cuda.empty_cache()
