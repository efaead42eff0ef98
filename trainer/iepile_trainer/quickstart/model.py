"""The small Llama that the quickstart trains from scratch."""

from typing import Any

from .recipe import Recipe


def new_model(tokenizer: Any, recipe: Recipe, seed: int) -> Any:
    """A Llama with tied embeddings and random weights.

    The weights start larger than usual (0.04 rather than 0.02): at this width they would hardly matter otherwise.

    Args:
        tokenizer: Sets the vocabulary.
        recipe: Sets width and depth; heads have a width of 32.
        seed: Draws the weights.
    """
    from transformers import LlamaConfig, LlamaForCausalLM, set_seed

    set_seed(seed)
    config = LlamaConfig(
        vocab_size=len(tokenizer),
        hidden_size=recipe.hidden,
        intermediate_size=2 * recipe.hidden,
        num_hidden_layers=recipe.layers,
        num_attention_heads=max(recipe.hidden // 32, 1),
        max_position_embeddings=1024,
        initializer_range=0.04,
        tie_word_embeddings=True,
        bos_token_id=tokenizer.bos_token_id,
        eos_token_id=tokenizer.eos_token_id,
        pad_token_id=tokenizer.pad_token_id,
    )
    return LlamaForCausalLM(config)
