"""The greedy loop: one batch, from which a row goes as soon as its answer ends.

`model.generate` prepares everything, whatever the family; only its loop over tokens is replaced, since a batch
that waits for its longest answer spends most of its steps on padding.
"""

import inspect
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

from ..constrain import Grammars
from .prompts import in_common

_WORTH_SHARING = 32  # tokens; reading fewer once instead of often is not worth the call


@dataclass
class Written:
    """What a model wrote for one prompt.

    Attributes:
        ids: The tokens, without the end token.
        logprobs: Of each token, natural, before any constraint; empty unless asked for.
        ended: The model ended it; False where the limit did.
        error: Why it could not go on.
    """

    ids: list[int] = field(default_factory=list)
    logprobs: list[float] = field(default_factory=list)
    ended: bool = False
    error: str | None = None


def decode(
    model: Any,
    prompts: list[list[int]],
    ends: list[int],
    pad: int,
    most: int,
    guide: Grammars | None = None,
    logprobs: bool = False,
    bias: Callable[[Any, Any], Any] | None = None,
) -> list[Written]:
    """Answer one batch of prompts, the most probable token each time.

    Args:
        model: A transformers or peft model; an encoder-decoder reads the prompt with its encoder.
        prompts: Token ids.
        ends: Tokens that end an answer.
        pad: Any token; padding is never looked at.
        most: Longest answer in tokens.
        guide: Restricts what may follow.
        logprobs: Keep the tokens' log-probabilities, which are those before guide and bias.
        bias: Scores of (rows, vocabulary) and the tokens before → scores.

    Returns:
        One for each prompt, the same as each alone would have.
    """
    import torch
    from transformers import GenerationConfig

    greedy = GenerationConfig(
        do_sample=False,
        num_beams=1,
        repetition_penalty=1.0,  # said in full: what a chat model's own generation config sets does not apply here
        no_repeat_ngram_size=0,
        max_new_tokens=most,
        eos_token_id=ends,
        pad_token_id=pad,
    )
    longest = max(map(len, prompts))
    written = [Written() for _ in prompts]
    loop = _Loop(written, guide, logprobs, bias)
    with torch.inference_mode():
        shared, cache = _beginning(model, prompts)
        # Padding stands before what is a row's own, behind what all have in common.
        gaps = [longest - len(prompt) for prompt in prompts]
        ids = [prompt[:shared] + [pad] * gap + prompt[shared:] for prompt, gap in zip(prompts, gaps)]
        mask = [[1] * shared + [0] * gap + [1] * (longest - shared - gap) for gap in gaps]
        batch = {"input_ids": ids, "attention_mask": mask}
        tensors = {name: torch.tensor(values, device=model.device) for name, values in batch.items()}
        model.generate(**tensors, generation_config=greedy, custom_generate=loop, **cache)
    return written


@dataclass
class _Loop:
    """In the place of generate's own loop, which would stop, and stream, for the batch as a whole."""

    written: list[Written]
    guide: Grammars | None
    logprobs: bool
    bias: Callable[[Any, Any], Any] | None

    def __call__(self, model: Any, ids: Any, logits_processor: Any, generation_config: Any, **state: Any) -> Any:
        import torch

        for unused in ("stopping_criteria", "synced_gpus", "streamer"):
            state.pop(unused, None)
        written, guide = self.written, self.guide
        rows = list(range(len(written)))  # those still in the batch
        known = state["past_key_values"].get_seq_length() if state.get("past_key_values") is not None else 0
        step: dict[str, Any] = {"is_first_iteration": True}
        if known:
            step["next_sequence_length"] = ids.shape[1] - known
        for _ in range(generation_config.max_new_tokens):
            out = model(**model.prepare_inputs_for_generation(ids, **step, **state), return_dict=True)
            step = {"next_sequence_length": 1}
            state = model._update_model_kwargs_for_generation(out, state, model.config.is_encoder_decoder)
            logits = out.logits[:, -1].float()
            del out
            scores = logits_processor(ids, logits)
            if self.bias is not None:
                scores = self.bias(scores, ids[:, -1])
            if guide is not None:
                scores = _restricted(scores, guide.allowed(rows))
            tokens = scores.argmax(-1)
            if self.logprobs:
                chosen = logits.gather(-1, tokens[:, None])[:, 0] - logits.logsumexp(-1)
                chances = chosen.clamp(max=0.0).tolist()
            keep = []
            for place, (row, token) in enumerate(zip(rows, tokens.tolist())):
                answer = written[row]
                answer.error = guide.error(row) if guide is not None else None
                answer.ended = token in generation_config.eos_token_id
                if answer.ended or answer.error:
                    continue
                answer.ids.append(token)
                if self.logprobs:
                    answer.logprobs.append(chances[place])
                answer.ended = guide is not None and guide.take(row, token)
                if not answer.ended:
                    keep.append(place)
            if not keep:
                break
            ids = torch.cat([ids, tokens[:, None]], dim=-1)
            if len(keep) < len(rows):
                left = torch.tensor(keep, device=ids.device)
                ids, state, rows = ids[left], _rows_of(state, left, len(rows)), [rows[place] for place in keep]
        return ids


def _beginning(model: Any, prompts: list[list[int]]) -> tuple[int, dict[str, Any]]:
    """What all prompts begin with, read once for all: its length in tokens, and what generate takes for it.

    Only where attention looks at everything and is told the positions: a gap inside a prompt is invisible there.
    """
    import torch
    from transformers.cache_utils import DynamicLayer

    shared = min(in_common(prompts), min(map(len, prompts)) - 1)  # every row keeps one of its own
    core = model.get_base_model() if hasattr(model, "get_base_model") else model
    if (
        len(prompts) < 2
        or shared < _WORTH_SHARING
        or model.config.is_encoder_decoder
        or "position_ids" not in inspect.signature(core.forward).parameters
    ):
        return 0, {}
    beginning = torch.tensor([prompts[0][:shared]], device=model.device)
    cache = model(input_ids=beginning, use_cache=True).past_key_values
    if not all(type(layer) is DynamicLayer for layer in getattr(cache, "layers", [None])):
        return 0, {}
    cache.batch_repeat_interleave(len(prompts))
    return shared, {"past_key_values": cache}


def _restricted(scores: Any, allowed: Any) -> Any:
    """The scores with -inf where a token is not allowed; a vocabulary may be padded beyond the tokenizer's."""
    import torch

    mask = torch.from_numpy(allowed).to(scores.device)
    mask = torch.nn.functional.pad(mask, (0, scores.shape[1] - mask.shape[1]))
    return scores.masked_fill(~mask, float("-inf"))


def _rows_of(state: dict[str, Any], rows: Any, size: int) -> dict[str, Any]:
    """The state of some rows of the batch: masks, positions, the encoder's output, and the cache, in place."""
    import torch

    def of(value: Any) -> Any:
        if isinstance(value, torch.Tensor):
            return value[rows] if value.dim() and value.shape[0] == size else value
        if hasattr(value, "reorder_cache"):  # made for beams; every kind of cache has it, sliding and linear ones too
            value.reorder_cache(rows)
        elif hasattr(value, "keys") and hasattr(value, "to_tuple"):  # the encoder's output
            for name in value:
                value[name] = of(value[name])
        return value

    return {name: of(value) for name, value in state.items()}
