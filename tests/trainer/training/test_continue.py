"""A training goes on: from an adapter, from merged weights, and after a crash with the weights of an unbroken run."""

import pytest
import torch
from peft import LoraConfig
from safetensors.torch import load_file
from transformers import TrainerCallback

from iepile_trainer import TrainerError
from iepile_trainer.models.load import load
from iepile_trainer.run_folder import read_run
from iepile_trainer.sft import main, train
from iepile_trainer.training.arguments import training_config


@pytest.fixture(scope="module")
def adapter(tmp_path_factory, base, rows_file):
    """A run folder with an adapter on `llama`."""
    out = tmp_path_factory.mktemp("runs") / "first"
    sft("--config", "lora", "--model_name_or_path", base / "llama", "--dataset", rows_file, "--output_dir", out)
    return out


def sft(*words):
    """Four steps, so large that they show."""
    shared = ["--max_steps", "4", "--learning_rate", "0.01", "--logging_steps", "1", "--disable_tqdm", "true"]
    main([*map(str, words), *shared])


class Crash(TrainerCallback):
    def __init__(self, step):
        self.step = step

    def on_step_end(self, args, state, control, **kwargs):
        if state.global_step == self.step:
            raise RuntimeError("power cut")


@pytest.mark.slow
@pytest.mark.parametrize(
    ("family", "way", "options"),
    [
        ("llama", "full", {"packing": True, "max_length": 128}),
        ("llama", "pissa", {}),
        ("t5", "lora", {}),
    ],
)
def test_a_run_that_crashed_ends_with_the_weights_of_one_that_did_not(
    family, way, options, base, tmp_path, tokenizer, dataset
):
    def run(folder, callbacks=None):
        # 20 rows in batches of 8 are 3 steps an epoch: the crash in step 5 is in the second one. Dropout draws from
        # the random state, which has to be taken up, too.
        shared = {"max_length": 200, "per_device_train_batch_size": 8, "train_sampling_strategy": "group_by_length"}
        config = training_config(
            folder, **{**shared, **options}, max_steps=8, save_steps=3, logging_steps=1, learning_rate=1e-2
        )
        lora = LoraConfig(task_type="CAUSAL_LM", target_modules="all-linear", r=4, lora_dropout=0.1)
        lora.init_lora_weights = "pissa" if way == "pissa" else True
        return train(
            str(base / family), tokenizer, dataset(20), config, peft_config=None if way == "full" else lora,
            callbacks=callbacks,
        )  # fmt: skip

    run(tmp_path / "straight")
    with pytest.raises(RuntimeError, match="power cut"):
        run(tmp_path / "crashed", [Crash(5)])
    assert not (tmp_path / "crashed" / "run.json").exists()
    record = run(tmp_path / "crashed")
    assert [entry["step"] for entry in record["history"]] == list(range(1, 9))
    assert record["resumed_from"] == 3
    if family == "llama":  # the counter begins anew: what is counted and timed is steps 4 to 8
        seconds = record["history"][-1]["num_tokens"] / record["tokens_per_second"]
        assert seconds == pytest.approx(record["seconds"], abs=0.01)
    name = "model.safetensors" if way == "full" else "adapter_model.safetensors"
    straight, resumed = load_file(tmp_path / "straight" / name), load_file(tmp_path / "crashed" / name)
    assert straight.keys() == resumed.keys()
    assert all(torch.equal(straight[key], resumed[key]) for key in straight)


@pytest.mark.parametrize("said", ["as the model", "as the adapter", "with its base"])
def test_an_adapter_is_trained_further_on_its_own_base(said, adapter, base, rows_file, tmp_path):
    given = {
        "as the model": ["--model_name_or_path", adapter],
        "as the adapter": ["--adapter", adapter],
        "with its base": ["--model_name_or_path", base / "llama", "--adapter", adapter],
    }[said]
    # A learning rate that changes nothing shows where it starts.
    still = ["--max_steps", 1, "--learning_rate", 0]
    main([str(word) for word in [*given, "--dataset", rows_file, *still, "--output_dir", tmp_path / "still"]])
    before, after = (load_file(each / "adapter_model.safetensors") for each in (adapter, tmp_path / "still"))
    assert all(torch.equal(before[name], after[name]) for name in before)
    sft(*given, "--dataset", rows_file, "--output_dir", tmp_path / "on")
    record, first = read_run(tmp_path / "on"), read_run(adapter)
    assert (record["method"], record["base_model"], record["adapter"]) == ("lora", str(base / "llama"), str(adapter))
    assert record["options"]["lora_r"] == first["options"]["lora_r"] == 16
    assert record["history"][0]["loss"] < first["history"][0]["loss"]
    load(str(tmp_path / "on"))


def test_an_adapter_of_another_base_is_refused_with_both_names(adapter, base, rows_file, tmp_path):
    with pytest.raises(SystemExit) as stop:
        sft(
            "--model_name_or_path",
            base / "qwen3",
            "--adapter",
            adapter,
            "--output_dir",
            tmp_path,
            "--dataset",
            rows_file,
        )
    assert stop.value.code == f"error: the adapter {adapter} was trained on {base / 'llama'}, not on {base / 'qwen3'}"


def test_an_adapter_whose_shape_does_not_fit_is_refused(adapter, tmp_path, small_model, tokenizer):
    small_model(tokenizer, "llama", hidden=32).save_pretrained(tmp_path / "llama")  # the name alone is right
    tokenizer.save_pretrained(tmp_path / "llama")
    with pytest.raises(TrainerError, match=rf"the adapter {adapter} does not fit .*/llama: .*size mismatch"):
        load(str(tmp_path / "llama"), str(adapter))


def test_training_goes_on_from_merged_weights(adapter, rows_file, tmp_path):
    from iepile_trainer.models.merge import merge

    merge(adapter, tmp_path / "merged")
    sft("--model_name_or_path", tmp_path / "merged", "--dataset", rows_file, "--output_dir", tmp_path / "on")
    assert read_run(tmp_path / "on")["history"][0]["loss"] < read_run(adapter)["history"][0]["loss"]
    assert read_run(tmp_path / "on")["base_model"] == str(tmp_path / "merged")
