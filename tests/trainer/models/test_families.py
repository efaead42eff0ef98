"""Models of many families: each trains an adapter, is read back and answers; packing changes no loss."""

import pytest
import torch
from peft import LoraConfig

from iepile_metric import score
from iepile_trainer import TrainerError
from iepile_trainer.models.load import is_encoder_decoder, load
from iepile_trainer.predict import predict
from iepile_trainer.sft import train
from iepile_trainer.tokenization.encode import encode
from iepile_trainer.training.arguments import training_config
from iepile_trainer.training.peft_setup import packable, suited

FAMILIES = ["llama", "qwen3", "falcon", "glm4", "mistral", "bloom", "t5"]
PACKABLE = {"llama", "qwen3", "glm4", "mistral"}


@pytest.mark.parametrize("family", FAMILIES)
def test_an_adapter_is_trained_saved_read_back_and_answers(family, tmp_path, tokenizer, small_model, dataset):
    base = tmp_path / family
    small_model(tokenizer, family).save_pretrained(base)
    tokenizer.save_pretrained(base)
    assert is_encoder_decoder(str(base)) == (family == "t5")
    lora = LoraConfig(task_type="CAUSAL_LM", target_modules="all-linear", r=4)
    config = training_config(tmp_path / "run", max_steps=6, max_length=200, learning_rate=0.01, logging_steps=1)
    record = train(str(base), tokenizer, dataset(16), config, peft_config=lora)
    losses = [entry["loss"] for entry in record["history"]]
    assert losses[-1] < losses[0]
    model, its_tokenizer = load(str(tmp_path / "run"))
    assert type(model.get_base_model()).__name__.lower().startswith(family)
    rows = list(predict(model, its_tokenizer, dataset(5).to_list(), batch_size=2, max_new_tokens=8))
    assert not [row["error"] for row in rows if "error" in row]
    alone = [next(predict(model, its_tokenizer, [row], max_new_tokens=8))["output"] for row in dataset(5).to_list()]
    assert [row["output"] for row in rows] == alone


@pytest.mark.parametrize("family", FAMILIES)
def test_rows_of_one_pack_do_not_see_each_other(family, tokenizer, small_model, dataset):
    model = small_model(tokenizer, family).eval()
    assert packable(model) == (family in PACKABLE)
    config = training_config("unused", packing=True, per_device_train_batch_size=4, gradient_accumulation_steps=2)
    if family not in PACKABLE:
        with pytest.raises(TrainerError, match=f"--packing: {family} cannot tell the rows of a pack apart"):
            suited(config, model)
        return
    rows = [row["input_ids"] for row in encode(dataset(3), tokenizer, 200)[0]]
    ids = torch.tensor([sum(rows, [])])
    places = torch.tensor([[at for row in rows for at in range(len(row))]])
    with torch.no_grad():
        together = model(input_ids=ids, position_ids=places, use_cache=False).logits[0]
        apart = torch.cat([model(input_ids=torch.tensor([row])).logits[0] for row in rows])
    torch.testing.assert_close(together, apart, atol=1e-4, rtol=1e-4)
    config, said = suited(config, model)
    assert (config.packing, config.per_device_train_batch_size, config.gradient_accumulation_steps) == (True, 1, 8)
    assert said == ["without flash attention packs go one by one, 8 to a step"]


@pytest.mark.slow
def test_two_hundred_rows_are_learnt_without_a_mistake(tmp_path, tokenizer, small_model, dataset):
    rows = dataset(200)
    options = training_config(
        tmp_path, max_steps=150, learning_rate=5e-3, per_device_train_batch_size=25, max_length=200,
        save_strategy="no", logging_steps=50, train_sampling_strategy="group_by_length",
    )  # fmt: skip
    model = small_model(tokenizer)
    record = train(model, tokenizer, rows, options)
    found = score(list(predict(model, tokenizer, rows.to_list(), max_new_tokens=40)))
    assert found["f1"] == 1.0, record["history"]
