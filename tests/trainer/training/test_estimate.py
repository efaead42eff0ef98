"""The report before a training: steps that are then taken, memory that is then used."""

import pytest

from iepile_trainer.data.arguments import DataArguments
from iepile_trainer.tokenization.encode import encode
from iepile_trainer.training.arguments import training_config
from iepile_trainer.training.estimate import memory, outline, sharing, with_adapter
from iepile_trainer.training.sampler import EpochSampler, ready
from iepile_trainer.training.train import train


def config(folder, **options):
    defaults = {"max_length": 200, "per_device_train_batch_size": 4, "logging_steps": 1, "disable_tqdm": True}
    return training_config(folder, **{**defaults, **options})


def kept_for_backward(model, batch, length):
    """Bytes of the tensors that PyTorch keeps for the backward pass, weights aside."""
    import torch

    own = {tensor.untyped_storage().data_ptr() for tensor in [*model.parameters(), *model.buffers()]}
    kept = {}

    def keep(tensor):
        storage = tensor.untyped_storage()
        if storage.data_ptr() not in own:
            kept[storage.data_ptr()] = (storage.nbytes(), tensor)
        return tensor

    ids = torch.randint(5, 100, (batch, length))
    with torch.autograd.graph.saved_tensors_hooks(keep, lambda tensor: tensor):
        base = model.get_base_model() if hasattr(model, "get_base_model") else model
        base.model(input_ids=ids, use_cache=False)  # the layers without the last projection
    return sum(size for size, _ in kept.values())


@pytest.mark.parametrize("family", ["llama", "qwen3"])
@pytest.mark.parametrize("adapter", [False, True])
def test_activations_are_what_pytorch_keeps(family, adapter, tokenizer, small_model, tmp_path):
    from peft import LoraConfig, get_peft_model

    model = small_model(tokenizer, family, hidden=128).train()
    if adapter:
        model = get_peft_model(model, LoraConfig(r=8, target_modules="all-linear", lora_dropout=0.05))
    estimated = memory(config(tmp_path), model, 100)["activations"]
    assert 0.6 < estimated / kept_for_backward(model, 4, 100) < 1.7


def test_weights_gradients_and_states_are_counted(tokenizer, small_model, tmp_path):
    model = small_model(tokenizer)
    size = 4 * sum(weight.numel() for weight in model.parameters())
    found = memory(config(tmp_path), model, 100)
    assert (found["weights"], found["gradients"], found["optimizer"]) == (size, size, 2 * size)
    assert memory(config(tmp_path, optim="sgd"), model, 100)["optimizer"] == 0
    assert memory(config(tmp_path, optim="adamw_8bit"), model, 100)["optimizer"] == size // 2
    shared = memory(config(tmp_path), model, 100, shards=(2, 2, 2))
    assert (shared["weights"], shared["optimizer"]) == (size // 2, size)
    assert memory(config(tmp_path, activation_checkpointing=True), model, 100)["activations"] < found["activations"]
    assert found["total"] == sum(size for name, size in found.items() if name != "total")


def test_an_outline_has_the_numbers_of_the_model_and_no_weights(tokenizer, small_model, tmp_path):
    from peft import LoraConfig

    model = small_model(tokenizer)
    model.save_pretrained(tmp_path)
    bare = outline(str(tmp_path), config(tmp_path), "float32")
    assert {weight.device.type for weight in bare.parameters()} == {"meta"}
    assert memory(config(tmp_path), bare, 100) == memory(config(tmp_path), model, 100)
    lora = with_adapter(bare, LoraConfig(r=4, target_modules="all-linear", task_type="CAUSAL_LM"))
    trained = sum(weight.numel() for weight in lora.parameters() if weight.requires_grad)
    assert memory(config(tmp_path), lora, 100)["gradients"] == 4 * trained
    whole, few = (memory(config(tmp_path), lora, 100, bits=bits)["weights"] for bits in (None, 4))
    assert few < whole


@pytest.mark.parametrize("options", [{"num_train_epochs": 2}, {"num_train_epochs": 1, "packing": True}])
def test_the_planned_steps_are_taken(options, tmp_path, tokenizer, small_model, dataset, capsys):
    options = config(tmp_path / "run", gradient_accumulation_steps=2, save_strategy="no", **options)
    record = train(small_model(tokenizer), tokenizer, dataset(21), options)
    assert record["plan"]["steps"] == len(record["history"])
    assert record["plan"]["tokens_per_epoch"] == record["lengths"]["tokens"]
    printed = capsys.readouterr().out
    assert "rows 21: kept 21" in printed
    assert f"steps {record['plan']['steps']} = " in printed
    assert "memory about" in printed


def test_a_dry_run_reports_and_leaves_nothing_behind(tmp_path, tokenizer, small_model, dataset, capsys):
    small_model(tokenizer).save_pretrained(tmp_path / "base")
    data = DataArguments(dataset="rows", task=["ner"])
    options = config(tmp_path / "run", num_train_epochs=1)
    report = train(str(tmp_path / "base"), tokenizer, dataset(20), options, data, dry_run=True)
    # 20 rows in batches of 4
    assert (report["plan"]["steps"], report["lengths"]["rows"], report["data"][0]["rows"]) == (5, 20, 20)
    assert not (tmp_path / "run").exists()
    printed = capsys.readouterr().out
    assert "parameters" in printed
    assert "so few steps teach little" in printed
    config_of_a_trial = config(tmp_path / "run", max_steps=5)  # who asks for five steps wants five
    train(str(tmp_path / "base"), tokenizer, dataset(20), config_of_a_trial, data, dry_run=True)
    assert "so few steps" not in capsys.readouterr().out


def test_draws_are_taken_in_turn_and_have_equal_numbers_of_rows(tmp_path, tokenizer, dataset):
    encoded, _ = encode([dataset(9), dataset(7)], tokenizer, 200)
    rows = ready(encoded, config(tmp_path), tokenizer.pad_token_id)
    assert len(rows) == 18  # nine each: two blank rows for the second draw
    order = EpochSampler(rows["length"][:], 4, seed=1, draws=2)
    for epoch in range(3):
        order.set_epoch(epoch)
        start = epoch % 2 * 9
        assert sorted(order) == list(range(start, start + 9))
        ids = [rows[at]["id"] for at in order]
        assert ids.count("") == (2 if epoch % 2 else 0)


def test_batches_by_length_come_in_any_order_the_longest_first():
    lengths = [(at * 37) % 101 for at in range(400)]
    order = list(EpochSampler(lengths, 16, seed=1))
    batches = [[lengths[at] for at in order[start : start + 16]] for start in range(0, 400, 16)]
    assert max(lengths) in batches[0]
    means = [sum(batch) / 16 for batch in batches]
    falls = sum(first > second for first, second in zip(means, means[1:]))
    assert 6 <= falls <= 18  # of 24 steps; sorted runs would fall nearly always


def test_sharing_follows_from_the_trainer():
    from types import SimpleNamespace

    def trainer(fsdp=False, stage=None):
        plugin = SimpleNamespace(zero_stage=stage)
        return SimpleNamespace(
            args=SimpleNamespace(world_size=4),
            is_fsdp_enabled=fsdp,
            is_deepspeed_enabled=stage is not None,
            accelerator=SimpleNamespace(state=SimpleNamespace(deepspeed_plugin=plugin)),
        )

    assert sharing(trainer()) == (1, 1, 1)
    assert sharing(trainer(fsdp=True)) == (4, 4, 4)
    assert sharing(trainer(stage=2)) == (1, 4, 4)
