"""Who answers: a model in this process, a vLLM engine, or a server that speaks OpenAI's protocol.

They take the same rows, send the same prompt, token for token that of the training, and give the same `Answer`.
"""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import Any, NamedTuple, Protocol

from .. import TrainerError

__all__ = ["BACKENDS", "CONSTRAINTS", "Answer", "Backend", "Row", "Token", "open_backend"]

BACKENDS = ("transformers", "vllm", "openai")
CONSTRAINTS = ("none", "json", "extractive")

Row = dict[str, Any]


class Token(NamedTuple):
    """One token of an answer.

    Attributes:
        start: Where its characters begin in the answer's text.
        end: Where they end; equal to `start` for a token that only begins a character.
        logprob: Natural logarithm of the probability that the model gave it, before any constraint; 0 or less.
    """

    start: int
    end: int
    logprob: float


@dataclass(frozen=True)
class Answer:
    """What became of one row.

    Attributes:
        text: The model's text; empty where there is an error.
        error: Why there is no answer, one line.
        tokens: The tokens of `text` in order, where log-probabilities were asked for. Characters that the model
            did not write, such as the brackets that close a constrained answer at its limit, belong to none.
        cut: The answer reached its longest length before the model ended it.
    """

    text: str
    error: str | None = None
    tokens: tuple[Token, ...] = ()
    cut: bool = False


class Backend(Protocol):
    """Answers rows.

    Attributes:
        room: The most tokens that a prompt may have beside the answer; None where that is not known.
    """

    room: int | None

    def count(self, instruction: str) -> int:
        """The tokens of an instruction's whole prompt.

        Raises:
            TrainerError: The backend knows no tokenizer.
        """
        ...

    def answer(self, rows: Iterable[Row]) -> Iterator[Answer]:
        """One answer per row, in input order.

        A row that cannot be answered has an `error` and stops no other. Rows are read as they are needed; closing
        the iterator stops the work.

        Raises:
            TrainerError: Nothing can be answered at all: no server there, a key that it refuses.
        """
        ...


def open_backend(
    kind: str,
    model: str,
    adapter: str | None = None,
    *,
    batch_size: int | str = "auto",
    max_new_tokens: int = 256,
    constrain: str = "none",
    logprobs: bool = False,
    dtype: str = "auto",
    bits: int | None = None,
    device_map: str | None = None,
    revision: str | None = None,
    trust_remote_code: bool = False,
    base_url: str | None = None,
    tokenizer: str | None = None,
    concurrency: int = 16,
    timeout: float = 120.0,
    retries: int = 6,
) -> Backend:
    """Make a backend ready.

    Args:
        kind: `transformers`, `vllm` or `openai`.
        model: A run folder or a Hub id; for `openai` the name by which the server knows the model.
        adapter: An adapter on top of `model`; not for `openai`, whose server names it as a model.
        batch_size: Prompts answered together, or `auto`; halved when memory runs out. `transformers` only.
        max_new_tokens: Longest answer, in tokens.
        constrain: `none`; `json`: the answer has exactly the shape that the row's task asks for; `extractive`: and
            all its strings stand in the row's text, in whole words (in Chinese, whole characters).
        logprobs: Give the answers' tokens with their log-probabilities.
        dtype: `auto`, see `precision`; or a torch dtype's name.
        bits: 4 or 8 to load quantised weights (bitsandbytes), `transformers` only.
        device_map: `auto` spreads a model over all GPUs; `transformers` only.
        revision: Branch, tag or commit of a Hub model.
        trust_remote_code: Run the model's own code; needs a pinned `revision`.
        base_url: The server's address, such as `http://localhost:8000/v1`; `openai` only. The key comes from the
            environment variable `OPENAI_API_KEY`.
        tokenizer: For `openai`: the run folder or Hub id whose tokenizer and prompt format make the prompt, which
            is sent as token ids; None sends the instruction as a chat message.
        concurrency: Requests in flight at once; `openai` only.
        timeout: Seconds that one request may take; `openai` only.
        retries: Times that a failed request is sent again, after ever longer pauses; `openai` only.

    Returns:
        The backend.

    Raises:
        TrainerError: An unknown kind or option, a missing package, no such model.

    >>> open_backend("onnx", "m")
    Traceback (most recent call last):
    iepile_trainer.TrainerError: backend='onnx' is unknown (one of transformers, vllm, openai)
    """
    if kind not in BACKENDS:
        raise TrainerError(f"backend={kind!r} is unknown (one of {', '.join(BACKENDS)})")
    if constrain not in CONSTRAINTS:
        raise TrainerError(f"constrain={constrain!r} is unknown (one of {', '.join(CONSTRAINTS)})")
    if max_new_tokens < 1:
        raise TrainerError(f"max_new_tokens={max_new_tokens} is no number of tokens (1 or more)")
    if kind == "openai":
        from .openai_engine import Remote

        if adapter is not None:
            raise TrainerError("backend openai takes no adapter: name it as --model, as its server knows it")
        return Remote(
            model,
            base_url=base_url,
            tokenizer=tokenizer,
            max_new_tokens=max_new_tokens,
            constrain=constrain,
            logprobs=logprobs,
            concurrency=concurrency,
            timeout=timeout,
            retries=retries,
        )
    if kind == "vllm":
        from .vllm_engine import VLLM

        return VLLM(
            model,
            adapter,
            max_new_tokens=max_new_tokens,
            constrain=constrain,
            logprobs=logprobs,
            dtype=dtype,
            revision=revision,
            trust_remote_code=trust_remote_code,
        )
    from ..models.load import load
    from .transformers_engine import Local

    options: dict[str, Any] = {"bits": bits} if bits else {}
    if device_map:
        options["device_map"] = device_map
    loaded, own_tokenizer = load(model, adapter, dtype, revision, trust_remote_code, **options)
    backend = Local(
        loaded,
        own_tokenizer,
        batch_size=batch_size,
        max_new_tokens=max_new_tokens,
        constrain=constrain,
        logprobs=logprobs,
    )
    if backend.room is not None and backend.room < 1:
        reads = f"{model} reads {backend.room + max_new_tokens:,} tokens together with its answer"
        raise TrainerError(f"max_new_tokens={max_new_tokens} leaves nothing for a prompt: {reads}")
    return backend
