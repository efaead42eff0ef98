"""A vLLM engine in this process: needs a GPU and `pip install 'iepile[vllm]'`."""

import json
from collections.abc import Iterable, Iterator
from itertools import islice
from pathlib import Path
from typing import Any

from .. import TrainerError
from ..constrain import closed, lark, shape_of, spelling_of
from ..formats import stop_token_ids, use_format
from ..models.load import answering_device, base_and_adapter, check_remote_code, first_line, load_tokenizer
from ..models.precision import chosen
from ..tokenization.encode import prompt_ids
from . import Answer, Row, Token

CHUNK = 1024  # rows that the engine is given at once: it batches them itself


class VLLM:
    """Answers with vLLM; the arguments are those of `open_backend`.

    Raises:
        TrainerError: vLLM is not installed, or cannot start.
    """

    def __init__(
        self,
        model: str,
        adapter: str | None = None,
        *,
        max_new_tokens: int = 256,
        constrain: str = "none",
        logprobs: bool = False,
        dtype: str = "auto",
        revision: str | None = None,
        trust_remote_code: bool = False,
    ) -> None:
        try:
            import vllm
            from vllm.lora.request import LoRARequest
        except ImportError:
            raise TrainerError(
                "backend vllm needs vLLM, which needs a GPU (pip install 'iepile[vllm]', or --backend transformers)"
            ) from None
        check_remote_code(trust_remote_code, revision)
        base, adapter = base_and_adapter(model, adapter)
        dtype = chosen(dtype, answering_device())
        options = {"enable_lora": True, "max_lora_rank": lora_rank(adapter)} if adapter else {}
        try:
            self.engine = vllm.LLM(base, dtype=dtype, revision=revision, trust_remote_code=trust_remote_code, **options)
        except (OSError, ValueError, RuntimeError) as problem:
            raise TrainerError(f"vLLM cannot start: {first_line(problem)}") from None
        self.tokenizer = load_tokenizer(base, adapter, revision, trust_remote_code)
        use_format(self.tokenizer)
        self.lora = LoRARequest("adapter", 1, adapter) if adapter else None
        self.max_new_tokens, self.constrain, self.logprobs = max_new_tokens, constrain, logprobs
        self.room: int | None = self.engine.llm_engine.model_config.max_model_len - max_new_tokens

    def count(self, instruction: str) -> int:
        """The tokens of an instruction's prompt."""
        return len(prompt_ids(self.tokenizer, [instruction])[0])

    def answer(self, rows: Iterable[Row]) -> Iterator[Answer]:
        """One answer per row, in input order; see `Backend.answer`."""
        source = iter(rows)
        while chunk := list(islice(source, CHUNK)):
            yield from self._answer_chunk(chunk)

    def _answer_chunk(self, chunk: list[Row]) -> list[Answer]:
        done: dict[int, Answer] = {}
        prompts, options, places = [], [], []
        for at, row in enumerate(chunk):
            try:
                prompt = prompt_of(self.tokenizer, row, self.room)
                chosen = self._sampling(row)
            except TrainerError as problem:
                done[at] = Answer("", str(problem))
                continue
            prompts.append(prompt)
            options.append(chosen)
            places.append(at)
        outputs = self.engine.generate(prompts, options, lora_request=self.lora, use_tqdm=False) if prompts else []
        for at, output in zip(places, outputs):
            done[at] = self._read(output.outputs[0], chunk[at])
        return [done[at] for at in range(len(chunk))]

    def _sampling(self, row: Row) -> Any:
        from vllm import SamplingParams
        from vllm.sampling_params import StructuredOutputsParams

        structured = None
        if self.constrain != "none":
            shape, text = shape_of(row)
            grammar = lark(shape, text if self.constrain == "extractive" else None, spelling_of(self.tokenizer))
            structured = StructuredOutputsParams(grammar=grammar)
        return SamplingParams(
            temperature=0,
            max_tokens=self.max_new_tokens,
            stop_token_ids=stop_token_ids(self.tokenizer),
            logprobs=0 if self.logprobs else None,
            structured_outputs=structured,
        )

    def _read(self, output: Any, row: Row) -> Answer:
        text, cut = output.text, output.finish_reason == "length"
        tokens = tokens_of(text, output.token_ids, output.logprobs) if self.logprobs else ()
        if cut and self.constrain != "none":
            text = closed(text, shape_of(row)[0])
        return Answer(text, tokens=tokens, cut=cut)


def prompt_of(tokenizer: Any, row: Row, room: int | None) -> dict[str, list[int]]:
    """The training prompt in vLLM's form.

    Raises:
        TrainerError: The row has no instruction, or a longer one than the model reads.
    """
    if not row.get("instruction"):
        raise TrainerError("the row has no instruction")
    ids = prompt_ids(tokenizer, [row["instruction"]])[0]
    if room is not None and len(ids) > room:
        raise TrainerError(
            f"the prompt has {len(ids):,} tokens, more than the {max(room, 0):,} that the model can read"
        )
    return {"prompt_token_ids": ids}


def tokens_of(text: str, ids: Iterable[int], logprobs: Iterable[Any]) -> tuple[Token, ...]:
    """The tokens that vLLM gives, with their places, as far as they spell the text."""
    tokens, start = [], 0
    for id, known in zip(ids, logprobs):
        piece = known[id].decoded_token or ""
        if not text.startswith(piece, start):
            break
        tokens.append(Token(start, start + len(piece), min(known[id].logprob, 0.0)))
        start += len(piece)
    return tuple(tokens)


def lora_rank(adapter: str) -> int:
    """The rank that the engine must have room for: an adapter's own, as vLLM counts them.

    >>> import tempfile, pathlib
    >>> folder = tempfile.mkdtemp()
    >>> _ = pathlib.Path(folder, "adapter_config.json").write_text('{"r": 12}')
    >>> lora_rank(folder)
    16
    """
    from transformers.utils import cached_file

    file = Path(adapter) / "adapter_config.json"
    if not file.is_file():
        file = Path(cached_file(adapter, "adapter_config.json"))
    rank = int(json.loads(file.read_text(encoding="utf-8"))["r"])
    return next((size for size in (8, 16, 32, 64, 128, 256, 320) if size >= rank), rank)
