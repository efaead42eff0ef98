"""Every shipped way of training trains, leaves what it says, and is read back as the model that was trained."""

import json

import pytest
import torch
from safetensors.torch import load_file

from iepile_trainer.models.load import load, quantisation, read_weights
from iepile_trainer.models.merge import merge
from iepile_trainer.predict import predict
from iepile_trainer.recipes import recipes
from iepile_trainer.run_folder import read_run
from iepile_trainer.sft import main


def started(recipe, base, rows_file, out, *more):
    """Run a recipe for four steps, on a tiny model in place of the one that it names."""
    model = [] if recipe == "tiny" else ["--model_name_or_path", base / ("t5" if recipe == "seq2seq" else "llama")]
    tiny = ["--scratch_hidden", 32, "--scratch_layers", 1, "--scratch_vocab", 400] if recipe == "tiny" else []
    options = [
        "--dataset",
        rows_file,
        "--max_steps",
        4,
        "--learning_rate",
        0.01,
        "--save_steps",
        2,
        "--output_dir",
        out,
    ]
    main([str(word) for word in ["--config", recipe, *model, *tiny, *options, "--disable_tqdm", "true", *more]])
    return read_run(out)


@pytest.mark.parametrize("recipe", recipes())
def test_every_recipe_trains_and_its_run_answers(recipe, base, rows_file, row_list, tmp_path, capsys):
    if recipe.startswith("qlora"):
        pytest.importorskip("bitsandbytes")
    record = started(recipe, base, rows_file, tmp_path / "run", "--logging_steps", 1)
    losses = [entry["loss"] for entry in record["history"]]
    assert len(losses) == 4
    assert losses[-1] < losses[0]
    assert "the tokenizer has no chat template: prompts are in the format 'plain'" in capsys.readouterr().out
    is_adapter = (tmp_path / "run" / "adapter_model.safetensors").is_file()
    assert record["method"] == ("lora" if is_adapter else "full")
    assert is_adapter == (recipe not in ("full", "little", "tiny", "seq2seq"))
    assert record["options"].get("bits") == {"qlora": 4, "qlora8": 8}.get(recipe)
    assert record["base_model"] == (
        None if recipe == "tiny" else str(base / ("t5" if recipe == "seq2seq" else "llama"))
    )
    model, tokenizer = load(str(tmp_path / "run"))
    answered = list(predict(model, tokenizer, row_list(2), max_new_tokens=4))
    assert [row.get("error") for row in answered] == [None, None]


def logits(model, tokenizer):
    ids = torch.tensor([tokenizer("Ada Bo lives in Rome.")["input_ids"]])
    with torch.no_grad():
        return model.eval()(input_ids=ids).logits


@pytest.mark.parametrize("start", ["pissa", "pissa_niter_4", "olora"])
def test_an_adapter_that_starts_from_the_base_fits_the_base_as_it_is(start, base, rows_file, tmp_path, monkeypatch):
    from transformers import AutoModelForCausalLM

    from iepile_trainer.training import trainer as training

    trained = []
    make = training.new_trainer
    monkeypatch.setattr(training, "new_trainer", lambda *args: trained.append(make(*args)) or trained[0])
    started("pissa", base, rows_file, tmp_path / "run", "--init_lora_weights", start)
    model, tokenizer = load(str(tmp_path / "run"))
    in_memory = logits(trained[0].model, tokenizer)
    torch.testing.assert_close(logits(model, tokenizer), in_memory, atol=1e-4, rtol=1e-4)
    untouched = AutoModelForCausalLM.from_pretrained(base / "llama")
    with model.disable_adapter():
        torch.testing.assert_close(logits(model, tokenizer), logits(untouched, tokenizer))
    assert (in_memory - logits(untouched, tokenizer)).abs().max() > 0.1  # it has learnt something
    config = json.loads((tmp_path / "run" / "adapter_config.json").read_text())
    assert (config["init_lora_weights"], config["r"]) == (True, 32)
    assert not (tmp_path / "run" / "initial_adapter").exists()


def test_the_size_of_an_adapter_update_follows_its_scale(base, rows_file, tmp_path):
    lora = started("lora", base, rows_file, tmp_path / "lora", "--lora_r", 4)
    stable = started("rslora", base, rows_file, tmp_path / "rslora", "--lora_r", 4)
    assert (lora["options"]["lora_alpha"], stable["options"]["lora_alpha"]) == (32, 16)
    model, _ = load(str(tmp_path / "lora"))
    assert model.base_model.model.model.layers[0].self_attn.q_proj.scaling["default"] == 8  # 32 / 4
    model, _ = load(str(tmp_path / "rslora"))
    assert model.base_model.model.model.layers[0].self_attn.q_proj.scaling["default"] == 8  # 16 / sqrt(4)


def test_dora_learns_sizes_apart_from_directions(base, rows_file, tmp_path):
    started("dora", base, rows_file, tmp_path / "run")
    assert any("magnitude" in name for name in load_file(tmp_path / "run" / "adapter_model.safetensors"))


@pytest.mark.parametrize(
    ("options", "reason"),
    [
        (["--config", "full", "--init_lora_weights", "pissa"], "is for adapters"),
        (["--config", "lora", "--init_lora_weights", "pizza"], "pizza is unknown (one of pissa, "),
        (["--config", "qlora", "--init_lora_weights", "pissa"], "takes weights apart: leave out 4 or 8 bits"),
        (["--config", "dora", "--init_lora_weights", "pissa"], "do not go together"),
        (["--config", "full", "--load_in_4bit"], "an adapter on them can: add --use_peft"),
        (["--config", "lora", "--lora_target_modules", "query"], "--lora_target_modules: Target modules "),
    ],
)
def test_ways_that_do_not_go_together_are_refused(options, reason, base, rows_file, tmp_path):
    given = ["--model_name_or_path", str(base / "llama"), "--dataset", str(rows_file), "--output_dir", str(tmp_path)]
    with pytest.raises(SystemExit) as stop:
        main([*options, *given])
    assert reason in stop.value.code
    assert "\n" not in stop.value.code


@pytest.mark.slow
def test_four_bits_train_on_after_an_evaluation_as_if_there_had_been_none(base, rows_file, tmp_path):
    pytest.importorskip("bitsandbytes")
    shared = ["--logging_steps", 1, "--lora_dropout", 0, "--eval_strategy", "steps", "--val_set_size", 8]
    quiet = started("qlora", base, rows_file, tmp_path / "quiet", *shared, "--eval_steps", 1000)
    seen = started("qlora", base, rows_file, tmp_path / "seen", *shared, "--eval_steps", 1)
    assert sum("eval_loss" in entry for entry in seen["history"]) == 4
    losses = [[entry["loss"] for entry in each["history"] if "loss" in entry] for each in (quiet, seen)]
    assert losses[0] == losses[1]


def test_four_bits_have_the_form_that_was_asked_for(base, rows_file, tmp_path):
    pytest.importorskip("bitsandbytes")
    form = ["--bnb_4bit_quant_type", "fp4", "--use_bnb_nested_quant", "--max_steps", 1]
    options = started("qlora", base, rows_file, tmp_path / "run", *form)["options"]
    assert (options["bits"], options["bnb_4bit_quant_type"], options["bnb_4bit_use_double_quant"]) == (4, "fp4", True)
    merge(tmp_path / "run", tmp_path / "merged", dtype="float32")
    # What is merged into was quantised as in training, which shows where the adapter is still nearly nothing.
    merged = load_file(tmp_path / "merged" / "model.safetensors")["model.layers.0.mlp.up_proj.weight"]
    off = []
    for how in ({"bnb_4bit_quant_type": "fp4", "bnb_4bit_use_double_quant": True}, {}):
        read = read_weights(
            str(base / "llama"), dtype=torch.float32, quantization_config=quantisation(4, "float32", how)
        )
        off.append(float((read.dequantize().model.layers[0].mlp.up_proj.weight.detach() - merged).abs().mean()))
    assert off[0] < off[1] / 2
