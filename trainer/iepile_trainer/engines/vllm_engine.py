"""A vLLM engine in this process: needs a GPU and `pip install 'iepile[vllm]'`."""

from collections.abc import Sequence
from typing import Any

from ..errors import TrainerError, first_line, import_extra
from ..formats import stop_token_ids
from ..models.damage import settings_in
from ..models.load import answering_device, check_remote_code, load_tokenizer
from ..models.location import base_and_adapter, file_of
from ..models.precision import chosen
from .answer import Answer
from .open_bias import logit_bias
from .options import EngineOptions
from .prompts import ChunkEngine, Prompt, answer_of, tokens_of


class VLLMEngine(ChunkEngine):
    """Answers with vLLM.

    Raises:
        TrainerError: vLLM is not installed, or cannot start.
    """

    chunk = 1024  # rows that the engine is given at once: it batches them itself

    def __init__(self, options: EngineOptions) -> None:
        vllm = import_extra("vllm", "vllm", "engine vllm needs vLLM, which needs a GPU (or --engine transformers): ")
        from vllm.lora.request import LoRARequest

        check_remote_code(options.trust_remote_code, options.revision)
        base, adapter = base_and_adapter(options.model, options.adapter)
        try:
            self.engine = vllm.LLM(
                base, dtype=chosen(options.dtype, answering_device()), **engine_arguments(options, adapter)
            )
        except (OSError, ValueError, RuntimeError) as problem:
            raise TrainerError(f"vLLM cannot start: {first_line(problem)}") from None
        self.lora = LoRARequest("adapter", 1, adapter) if adapter else None
        longest = self.engine.llm_engine.model_config.max_model_len
        tokenizer = load_tokenizer(base, adapter, options.revision, options.trust_remote_code)
        super().__init__(options, tokenizer, longest - options.max_new_tokens)
        self._sampling = sampling(options, tokenizer)

    def answer_prompts(self, prompts: Sequence[Prompt]) -> list[Answer]:
        """One answer for each."""
        ids = [{"prompt_token_ids": prompt.ids} for prompt in prompts]
        sampling = [self._parameters(prompt) for prompt in prompts]
        outputs = self.engine.generate(ids, sampling, lora_request=self.lora, use_tqdm=False) if ids else []
        return [self._read(output.outputs[0], prompt) for output, prompt in zip(outputs, prompts)]

    def _parameters(self, prompt: Prompt) -> Any:
        from vllm import SamplingParams
        from vllm.sampling_params import StructuredOutputsParams

        structured = StructuredOutputsParams(grammar=prompt.grammar) if prompt.grammar else None
        return SamplingParams(**self._sampling, structured_outputs=structured)

    def _read(self, output: Any, prompt: Prompt) -> Answer:
        known = (logprobs[id] for id, logprobs in zip(output.token_ids, output.logprobs or ()))
        tokens = tokens_of(output.text, ((token.decoded_token, token.logprob) for token in known))
        return answer_of(output.text, tokens, output.finish_reason == "length", prompt.shape)


def engine_arguments(options: EngineOptions, adapter: str | None) -> dict[str, Any]:
    """What vLLM starts with, beside the model and its type."""
    remote = {"revision": options.revision, "trust_remote_code": options.trust_remote_code}
    return remote | ({"enable_lora": True, "max_lora_rank": lora_rank(adapter)} if adapter else {})


def sampling(options: EngineOptions, tokenizer: Any) -> dict[str, Any]:
    """How vLLM writes an answer, but for its grammar."""
    return {
        "temperature": 0,
        "max_tokens": options.max_new_tokens,
        "stop_token_ids": stop_token_ids(tokenizer),
        "logprobs": 0 if options.confidence else None,
        "logit_bias": logit_bias(tokenizer, options),
    }


def lora_rank(adapter: str) -> int:
    """The rank that the engine must have room for: an adapter's own, as vLLM counts them.

    >>> import tempfile, pathlib
    >>> folder = tempfile.mkdtemp()
    >>> _ = pathlib.Path(folder, "adapter_config.json").write_text('{"r": 12}')
    >>> lora_rank(folder)
    16
    """
    rank = int(settings_in(file_of(adapter, "adapter_config.json") or "")["r"])
    return next((size for size in (8, 16, 32, 64, 128, 256, 320) if size >= rank), rank)
