"""A transformers model in this process: batches sorted by length, rows leave as they end."""

from collections.abc import Iterable, Iterator, Sequence
from itertools import tee
from typing import Any

from ..constrain import Grammars, Keys, Vocabulary
from ..errors import TrainerError
from ..formats import stop_token_ids
from .answer import Answer, Token, answered
from .decode import Written, decode
from .open_bias import OpenBias, bias_of
from .options import EngineOptions
from .prompts import ChunkEngine, Prompt, PromptEngine, answer_of, in_common

_CHUNK = 8  # batches that are sorted together; a killed run loses at most these
_AUTO = {"cpu": 32, "cuda": 256}  # prompts to begin with; on a CPU larger batches are no faster


class TransformersEngine(ChunkEngine):
    """Answers with a model of this process.

    Args:
        model: A transformers or peft model, causal or encoder-decoder.
        tokenizer: Its tokenizer; gets the `plain` prompt format where it has no chat template.
        options: Of these, `batch_size`, `max_new_tokens`, `constrain` and `confidence`.

    Attributes:
        batch_size: Prompts per forward pass, as it is now; halved for good when memory runs out.

    Raises:
        TrainerError: A batch size that is none, or a tokenizer that cannot be used so.
    """

    def __init__(self, model: Any, tokenizer: Any, options: EngineOptions | None = None) -> None:
        options = options or EngineOptions()
        super().__init__(options, tokenizer, room_of(model.config, options.max_new_tokens))
        self.model = model
        self.batch_size = batch_size_of(options.batch_size) or _AUTO.get(model.device.type, _AUTO["cuda"])
        self.chunk = self.batch_size * _CHUNK
        self.ends = stop_token_ids(tokenizer)
        self._vocabulary = None if options.constrain == "none" else Vocabulary(tokenizer, self.ends)
        nats = bias_of(options)
        self._bias = OpenBias(tokenizer, nats) if nats else None

    def answer_prompts(self, prompts: Sequence[Prompt]) -> list[Answer]:
        """One answer for each; the longest prompts come first, so that memory runs out early."""
        answers: dict[int, Answer] = {}
        left = sorted(range(len(prompts)), key=lambda number: len(prompts[number].ids), reverse=True)
        size = self.batch_size
        while left:
            batch, failure = left[:size], None
            try:
                answers |= zip(batch, self._answer_batch([prompts[number] for number in batch]))
            except Exception as problem:  # whatever it is, the other rows go on
                failure = problem.with_traceback(None)  # its frames hold on to memory
            if failure is None or len(batch) == 1:
                left, size = left[len(batch) :], self.batch_size
                if failure is not None:
                    answers[batch[0]] = Answer("", f"{type(failure).__name__}: {failure}".splitlines()[0])
                continue
            size = len(batch) // 2  # until the row that fails stands alone
            if _is_out_of_memory(failure):
                from accelerate.utils.memory import clear_device_cache

                self.batch_size, self.chunk = size, size * _CHUNK
                del failure
                clear_device_cache(garbage_collection=True)
        return [answers[number] for number in range(len(prompts))]

    def _answer_batch(self, prompts: Sequence[Prompt]) -> list[Answer]:
        guide = None
        if self._vocabulary is not None:
            guide = Grammars(self._vocabulary, [prompt.grammar for prompt in prompts if prompt.grammar])
        limits = self.ends, self.tokenizer.pad_token_id, self.options.max_new_tokens
        ids = [prompt.ids for prompt in prompts]
        written = decode(self.model, ids, *limits, guide, self.options.confidence, self._bias)
        return [self._read(one, prompt.shape) for one, prompt in zip(written, prompts)]

    def _read(self, written: Written, shape: Keys | None) -> Answer:
        if written.error:
            return Answer("", written.error)
        text = self._text(written.ids)
        return answer_of(text, self._tokens(written, text), not written.ended, shape)

    def _text(self, ids: list[int]) -> str:
        return str(self.tokenizer.decode(ids, skip_special_tokens=True, clean_up_tokenization_spaces=False))

    def _tokens(self, written: Written, text: str) -> tuple[Token, ...]:
        """Where each token's characters stand: up to there all beginnings of the answer agree with it."""
        tokens, start = [], 0
        for count, logprob in enumerate(written.logprobs, 1):
            beginning = self._text(written.ids[:count])
            end = max(start, len(beginning) if text.startswith(beginning) else in_common((beginning, text)))
            tokens.append(Token(start, end, logprob))
            start = end
        return tuple(tokens)


def load_engine(options: EngineOptions) -> TransformersEngine:
    """Load the model that the options name.

    Raises:
        TrainerError: There is none, or it reads no more than its own answer.
    """
    from ..models.load import load

    model, tokenizer = load(
        options.model,
        options.adapter,
        options.dtype,
        options.revision,
        options.trust_remote_code,
        options.bits,
        options.device_map,
    )
    engine = TransformersEngine(model, tokenizer, options)
    refuse_no_room(engine)
    return engine


def predict(
    model: Any,
    tokenizer: Any,
    rows: Iterable[dict[str, Any]],
    batch_size: int | str = 32,
    max_new_tokens: int = 256,
    constrain: str = "none",
    open_bias: float = 0.0,
) -> Iterator[dict[str, Any]]:
    """Answer the instruction of every row.

    Args:
        model: A transformers or peft model, causal or encoder-decoder.
        tokenizer: Its tokenizer; gets the `plain` prompt format where it has no chat template.
        rows: Rows with an `instruction`.
        batch_size: Prompts per forward pass, or `auto`; halved when memory runs out.
        max_new_tokens: Longest answer, in tokens.
        constrain: `none`, `json` or `extractive`, see `EngineOptions`.
        open_bias: Nats for something against nothing where a list opens.

    Yields:
        The rows in input order with the model's text as `output`. A row that cannot be answered has an empty
        `output` and an `error` that says why; it does not stop the others.
    """
    options = EngineOptions(
        batch_size=str(batch_size), max_new_tokens=max_new_tokens, constrain=constrain, open_bias=open_bias
    )
    was_training = model.training
    model.eval()
    try:
        read, sent = tee(rows)
        for row, answer in zip(read, TransformersEngine(model, tokenizer, options).answer(sent)):
            yield answered(row, answer)
    finally:
        model.train(was_training)


def batch_size_of(value: int | str) -> int | None:
    """A batch size as a number, None for `auto`.

    >>> batch_size_of("16"), batch_size_of("auto")
    (16, None)
    """
    if value == "auto":
        return None
    if not str(value).isdecimal() or int(value) < 1:
        raise TrainerError(f"batch_size={value!r} is no number of prompts (1 or more, or auto)")
    return int(value)


def room_of(config: Any, max_new_tokens: int) -> int | None:
    """The most tokens that a prompt may have beside its answer, by a model's configuration; None where it has none."""
    positions = getattr(config.get_text_config(), "max_position_embeddings", None)
    if not positions:
        return None
    return int(positions) - (0 if config.is_encoder_decoder else max_new_tokens)


def refuse_no_room(engine: PromptEngine) -> None:
    """A TrainerError where the model reads no more than its own answer."""
    options, room = engine.options, engine.room
    if room is not None and room < 1:
        reads = f"{options.model} reads {room + options.max_new_tokens:,} tokens together with its answer"
        raise TrainerError(f"max_new_tokens={options.max_new_tokens} leaves nothing for a prompt: {reads}")


def _is_out_of_memory(problem: Exception) -> bool:
    from accelerate.utils.memory import should_reduce_batch_size

    return isinstance(problem, MemoryError) or should_reduce_batch_size(problem)
