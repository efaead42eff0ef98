"""Tiny random models, tokenizers learnt on the spot and rows made by hand: no network, no weights."""

import json
from collections.abc import Callable
from typing import Any

import pytest

PROMPT = "Extract the entities that match the schema."
NAMES = ("Ada", "Bo", "Cai", "Dora", "Emil", "Fay", "Gus", "Hana", "Ivo", "Jun")
PLACES = ("Rome", "Oslo", "Lima", "Kyoto", "Turin", "Accra", "Quito")


@pytest.fixture(scope="session", autouse=True)
def one_thread() -> None:
    """Tests run beside each other: one thread each is the fastest."""
    import torch

    torch.set_num_threads(1)


@pytest.fixture(scope="session")
def row_list() -> Callable[..., list[dict[str, str]]]:
    """A function that makes `n` different rows: a person and a place in one sentence, ids numbered."""

    def make(n: int = 20, tail: str = "") -> list[dict[str, str]]:
        rows = []
        for i in range(n):
            name, place = f"{NAMES[i % 10]} {NAMES[(i // 10) % 10]}", PLACES[i % 7]
            asked = {"instruction": PROMPT, "schema": ["person", "place"], "input": f"{name} lives in {place}.{tail}"}
            rows.append(
                {
                    "id": f"en/NER/homes/train:{i + 1}",
                    "task": "NER",
                    "source": "homes",
                    "language": "en",
                    "instruction": json.dumps(asked, ensure_ascii=False),
                    "output": json.dumps({"person": [name], "place": [place]}, ensure_ascii=False),
                    "label": json.dumps(
                        [{"entity": name, "entity_type": "person"}, {"entity": place, "entity_type": "place"}]
                    ),
                }
            )
        return rows

    return make


@pytest.fixture(scope="session")
def dataset(row_list: Callable[..., list[dict[str, str]]]) -> Callable[..., Any]:
    """The same as a `datasets.Dataset`."""
    from datasets import Dataset

    return lambda *args, **options: Dataset.from_list(row_list(*args, **options))


@pytest.fixture
def tokenizer(row_list: Callable[..., list[dict[str, str]]]) -> Any:
    """A tokenizer of a base model: byte-level BPE, no chat template."""
    from iepile_trainer.scratch import new_tokenizer

    return new_tokenizer(row_list(100), 500)


@pytest.fixture
def chat_tokenizer(tokenizer: Any) -> Any:
    """A tokenizer of a chat model: its template closes a turn with a token that is not its end token."""
    tokenizer.add_special_tokens({"additional_special_tokens": ["<|im_start|>", "<|im_end|>"]})
    tokenizer.chat_template = (
        "{% for message in messages %}<|im_start|>{{ message.role }}\n{{ message.content }}<|im_end|>\n{% endfor %}"
        "{% if add_generation_prompt %}<|im_start|>assistant\n{% endif %}"
    )
    return tokenizer


@pytest.fixture(scope="session")
def small_model() -> Callable[..., Any]:
    """A function that makes a random model for a tokenizer, of `family` llama or qwen3."""

    def make(tokenizer: Any, family: str = "llama", hidden: int = 64) -> Any:
        from transformers import AutoConfig, AutoModelForCausalLM, set_seed

        set_seed(0)
        config = AutoConfig.for_model(
            family,
            vocab_size=len(tokenizer),
            hidden_size=hidden,
            intermediate_size=2 * hidden,
            num_hidden_layers=2,
            num_attention_heads=2,
            num_key_value_heads=2,
            head_dim=hidden // 2,
            max_position_embeddings=256,
            initializer_range=0.09,
            tie_word_embeddings=True,
            bos_token_id=tokenizer.bos_token_id,
            eos_token_id=tokenizer.eos_token_id,
            pad_token_id=tokenizer.pad_token_id,
        )
        return AutoModelForCausalLM.from_config(config)

    return make
