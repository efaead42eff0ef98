"""A small Llama, new: what can be trained on a laptop without downloading weights.

Two things let a model of about a million parameters learn the task at all: initial weights of range 0.09 (with
the usual 0.02 it learns nothing) with tied embeddings, and a tokenizer in which a name is the same token in the
text and in the answer, see `scratch_tokenizer`.
"""

from typing import Any


def new_model(
    tokenizer: Any,
    hidden: int = 128,
    layers: int = 3,
    positions: int = 2048,
    seed: int = 42,
    *,
    feed_forward: int = 3,
    initial_range: float = 0.09,
    attention_bias: bool = False,
) -> Any:
    """A Llama for `tokenizer`: heads of 32, feed-forward so many times as wide, tied embeddings."""
    from transformers import LlamaConfig, LlamaForCausalLM, set_seed

    set_seed(seed)
    config = LlamaConfig(
        vocab_size=len(tokenizer),
        hidden_size=hidden,
        intermediate_size=feed_forward * hidden,
        num_hidden_layers=layers,
        num_attention_heads=max(hidden // 32, 1),
        max_position_embeddings=positions,
        initializer_range=initial_range,
        attention_bias=attention_bias,
        tie_word_embeddings=True,
        bos_token_id=tokenizer.bos_token_id,
        eos_token_id=tokenizer.eos_token_id,
        pad_token_id=tokenizer.pad_token_id,
    )
    return LlamaForCausalLM(config)


def new_tokenizer(rows: Any, size: int = 4000) -> Any:
    """A tokenizer learnt from rows, see `scratch_tokenizer.learn_tokenizer`.

    Raises:
        TrainerError: The rows are not of this package's form.
    """
    from ..errors import TrainerError
    from .scratch_tokenizer import learn_tokenizer

    try:
        return learn_tokenizer(rows, size)
    except (ValueError, KeyError, TypeError):
        raise TrainerError("cannot learn a tokenizer from these rows: their instruction is no JSON") from None
