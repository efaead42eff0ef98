"""A model learns its rows, the run folder tells what happened, and an interrupted run ends as if it had not been."""

import pytest
import torch

from iepile_trainer import TrainerError
from iepile_trainer.data.arguments import DataArguments
from iepile_trainer.models.load import load
from iepile_trainer.predict import predict
from iepile_trainer.run_folder import read_run
from iepile_trainer.sft import main, train
from iepile_trainer.training.arguments import training_config
from iepile_trainer.training.sampler import EpochSampler


def config(folder, **options):
    defaults = {"max_length": 200, "per_device_train_batch_size": 8, "logging_steps": 1, "disable_tqdm": True}
    return training_config(folder, **{**defaults, "train_sampling_strategy": "group_by_length", **options})


def weights(folder):
    from safetensors.torch import load_file

    (file,) = folder.glob("*.safetensors")
    return load_file(file)


def test_a_run_leaves_weights_tokenizer_and_a_complete_record(tmp_path, tokenizer, small_model, dataset):
    rows, data = dataset(20), DataArguments(dataset="rows", task=["ner"])
    record = train(small_model(tokenizer), tokenizer, rows, config(tmp_path / "run", max_steps=3), data)
    assert record == read_run(tmp_path / "run")
    assert (record["name"], record["method"], record["prompt_format"], record["seed"]) == ("run", "full", "plain", 42)
    assert [entry["step"] for entry in record["history"]] == [1, 2, 3]
    assert all(entry["loss"] > 0 for entry in record["history"])
    (source,) = record["data"]
    assert (source["config"], source["source"], source["rows"]) == ("ner", ["homes"], 20)
    assert record["lengths"]["kept"] == 20
    assert record["lengths"]["gold_lost_share"] == 0
    assert record["options"]["learning_rate"] == 2e-5
    assert record["hardware"]["processes"] == 1
    assert record["tokens_per_second"] > 0
    for name in ("model.safetensors", "config.json", "tokenizer.json", "chat_template.jinja"):
        assert (tmp_path / "run" / name).is_file()
    assert not [path for path in (tmp_path / "run").iterdir() if path.suffix in (".bin", ".pt", ".pth")]


def test_a_finished_run_is_not_trained_over_unless_asked(tmp_path, tokenizer, small_model, dataset):
    short = config(tmp_path, max_steps=1, save_strategy="no")
    train(small_model(tokenizer), tokenizer, dataset(8), short)
    before = read_run(tmp_path)
    with pytest.raises(TrainerError, match="holds a finished run"):
        train(small_model(tokenizer), tokenizer, dataset(8), short)
    assert read_run(tmp_path) == before
    again = train(small_model(tokenizer), tokenizer, dataset(9), short, overwrite=True)
    assert again["lengths"]["rows"] == 9


def test_lora_saves_an_adapter_that_loads_and_answers_as_the_trained_model(tmp_path, tokenizer, small_model, dataset):
    from peft import LoraConfig

    base = small_model(tokenizer)
    base.save_pretrained(tmp_path / "base")
    lora = LoraConfig(task_type="CAUSAL_LM", target_modules="all-linear", r=4)
    options = config(tmp_path / "lora", max_steps=4, learning_rate=1e-2)
    options.model_init_kwargs = {"dtype": "float32"}
    record = train(str(tmp_path / "base"), tokenizer, dataset(16), options, peft_config=lora)
    assert (record["method"], record["base_model"]) == ("lora", str(tmp_path / "base"))
    assert record["options"]["lora_r"] == 4
    assert (tmp_path / "lora" / "adapter_model.safetensors").is_file()
    model, loaded_tokenizer = load(str(tmp_path / "lora"))
    assert loaded_tokenizer.chat_template == tokenizer.chat_template
    rows = dataset(3).to_list()
    with_adapter = [row["output"] for row in predict(model, loaded_tokenizer, rows, max_new_tokens=10)]
    with model.disable_adapter():
        without = [row["output"] for row in predict(model, loaded_tokenizer, rows, max_new_tokens=10)]
    assert with_adapter != without


@pytest.mark.parametrize("packing", [False, True])
def test_evaluation_and_packing_work(packing, tmp_path, tokenizer, small_model, dataset):
    options = config(tmp_path, max_steps=2, eval_strategy="steps", eval_steps=1, packing=packing)
    record = train(small_model(tokenizer), tokenizer, dataset(24), options, eval_rows=dataset(6))
    assert [entry["step"] for entry in record["history"] if "eval_loss" in entry] == [1, 2]


def test_the_order_by_length_is_the_same_everywhere_and_new_each_epoch():
    lengths = [(at * 37) % 101 for at in range(400)]
    first, second = EpochSampler(lengths, 16, seed=1), EpochSampler(lengths, 16, seed=1)
    torch.rand(3)  # whatever else has drawn from the global state
    order = list(first)
    assert order == list(second)
    assert sorted(order) == list(range(400))
    first.set_epoch(1)
    assert list(first) != order
    second.set_epoch(1)
    assert list(first) == list(second)
    spread = sum(
        max(lengths[at] for at in order[i : i + 16]) - min(lengths[at] for at in order[i : i + 16])
        for i in range(0, 400, 16)
    )
    assert spread / 25 < 30  # of 100: batches are of similar lengths


@pytest.mark.parametrize(
    ("options", "reason"),
    [
        (["--config", "nothing"], 'no recipe "nothing"'),
        ([], "no model: give --model_name_or_path"),
        (["--model_name_or_path", "/no/such/model"], "cannot load the model /no/such/model"),
        (["--scratch", "--trust_remote_code"], "pin it with a revision"),
        (["--scratch", "--dataset", "no/such"], "no dataset 'no/such'"),
        (["--scratch", "--max_length", "10"], "no row is left to train on"),
        (["--scratch", "--max_length", "60", "--overlong", "error"], "more than max_length 60"),
        (["--scratch", "--prompt_format", "plane"], "prompt format 'plane' is unknown"),
    ],
)
def test_what_the_user_can_put_right_is_said_in_one_line(options, reason, tmp_path):
    with pytest.raises(SystemExit) as stop:
        main([*options, "--output_dir", str(tmp_path / "run")])
    assert reason in stop.value.code.splitlines()[0]
    assert "\n" not in stop.value.code
