"""Tiny random models, tokenizers learnt on the spot and rows made by hand: no network, no weights."""

import copy
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


@pytest.fixture(scope="session")
def learnt_tokenizer(row_list: Callable[..., list[dict[str, str]]]) -> Any:
    """The tokenizer of `tokenizer`; not to be changed."""
    from iepile_trainer.scratch import new_tokenizer

    return new_tokenizer(row_list(100), 500)


@pytest.fixture
def tokenizer(learnt_tokenizer: Any) -> Any:
    """A tokenizer of a base model: byte-level BPE, no chat template."""
    return copy.deepcopy(learnt_tokenizer)


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
    """A function that makes a random model for a tokenizer, of `family` llama, qwen3, falcon, glm4, t5 and others."""

    def make(tokenizer: Any, family: str = "llama", hidden: int = 64) -> Any:
        from transformers import AutoConfig, AutoModelForCausalLM, AutoModelForSeq2SeqLM, set_seed

        set_seed(0)
        tokens = {"vocab_size": len(tokenizer), "eos_token_id": tokenizer.eos_token_id}
        tokens |= {"bos_token_id": tokenizer.bos_token_id, "pad_token_id": tokenizer.pad_token_id}
        if family == "t5":
            size = {"d_model": hidden, "d_kv": hidden // 2, "d_ff": 2 * hidden, "num_layers": 2, "num_heads": 2}
            start = tokenizer.pad_token_id
            return AutoModelForSeq2SeqLM.from_config(
                AutoConfig.for_model(family, **size, **tokens, decoder_start_token_id=start)
            )
        config = AutoConfig.for_model(
            family,
            hidden_size=hidden,
            num_hidden_layers=2,
            num_attention_heads=2,
            max_position_embeddings=256,
            initializer_range=0.09,
            tie_word_embeddings=True,
            **({} if family in ("falcon", "bloom") else {"intermediate_size": 2 * hidden, "num_key_value_heads": 2}),
            **({"head_dim": hidden // 2} if family in ("qwen3", "glm4", "llama") else {}),
            **tokens,
        )
        return AutoModelForCausalLM.from_config(config)

    return make


@pytest.fixture(scope="session")
def by_heart(tmp_path_factory: pytest.TempPathFactory) -> Callable[..., Any]:
    """A function that makes the folder of a small model that answers `rows` word for word."""

    def learn(rows: list[dict[str, str]]) -> Any:
        import torch

        from iepile_trainer.formats import use_format
        from iepile_trainer.scratch import new_model, new_tokenizer
        from iepile_trainer.tokens import answer_ids, prompt_ids

        tokenizer = new_tokenizer(rows, 500)
        use_format(tokenizer)
        model = new_model(tokenizer, hidden=64, layers=2, positions=512)
        prompts = prompt_ids(tokenizer, [row["instruction"] for row in rows])
        answers = answer_ids(tokenizer, [row["output"] for row in rows])
        longest = max(len(prompt) + len(answer) for prompt, answer in zip(prompts, answers))
        ids, labels = [], []
        for prompt, answer in zip(prompts, answers):
            left = longest - len(prompt) - len(answer)
            ids.append(prompt + answer + [tokenizer.pad_token_id] * left)
            labels.append([-100] * len(prompt) + answer + [-100] * left)
        optimizer = torch.optim.AdamW(model.parameters(), lr=3e-3)
        for _ in range(80):
            model(input_ids=torch.tensor(ids), labels=torch.tensor(labels)).loss.backward()
            optimizer.step()
            optimizer.zero_grad()
        folder = tmp_path_factory.mktemp("by_heart")
        model.save_pretrained(folder)
        tokenizer.save_pretrained(folder)
        return folder

    return learn
