"""A merged model answers as its adapter on the base, and says what it was made of."""

import json
import shutil

import pytest
import torch
from typer.testing import CliRunner

from iepile.cli import app
from iepile_trainer import TrainerError
from iepile_trainer.models.load import load, quantisation, read_weights, with_adapter
from iepile_trainer.models.merge import merge
from iepile_trainer.run_folder import read_run
from iepile_trainer.sft import main


@pytest.fixture(scope="module")
def adapter(tmp_path_factory, base, rows_file):
    """A function that trains an adapter by a recipe, once each."""
    folder = tmp_path_factory.mktemp("runs")

    def make(recipe, family="llama"):
        out = folder / f"{recipe}-{family}"
        if not out.exists():
            options = ["--dataset", rows_file, "--max_steps", 4, "--learning_rate", 0.02, "--disable_tqdm", "true"]
            named = ["--config", recipe, "--model_name_or_path", base / family, "--output_dir", out]
            main([str(word) for word in [*named, *options]])
        return out

    return make


def logits(model, tokenizer):
    ids = torch.tensor([tokenizer("Ada Bo lives in Rome.")["input_ids"]])
    more = {"decoder_input_ids": ids[:, :3]} if model.config.is_encoder_decoder else {}
    with torch.no_grad():
        return model.eval()(input_ids=ids, **more).logits.float()


@pytest.mark.parametrize(
    ("recipe", "family"),
    [("lora", "llama"), ("dora", "llama"), ("pissa", "llama"), ("lora", "t5")],
)
def test_the_merged_model_has_the_logits_of_base_and_adapter(recipe, family, adapter, base, tmp_path):
    record = merge(adapter(recipe, family), tmp_path / "merged")
    apart, tokenizer = load(str(adapter(recipe, family)))
    merged, its_tokenizer = load(str(tmp_path / "merged"))
    torch.testing.assert_close(logits(merged, its_tokenizer), logits(apart, tokenizer), atol=1e-4, rtol=1e-4)
    untouched, _ = load(str(base / family))
    assert (logits(merged, tokenizer) - logits(untouched, tokenizer)).abs().max() > 0.05  # the adapter is in it
    assert its_tokenizer.chat_template == tokenizer.chat_template
    assert (record["method"], record["merged"]["adapter"]) == ("merged", str(adapter(recipe, family)))
    assert (record["merged"]["base"], record["merged"]["dtype"]) == (str(base / family), "float32")
    assert record["data"] == read_run(adapter(recipe, family))["data"]
    assert (tmp_path / "merged" / "README.md").is_file()
    assert not list((tmp_path / "merged").glob("adapter*"))


def dequantised(layer):
    """The weights of a linear layer of 4 or 8 bits, as its products take them."""
    import bitsandbytes.functional as bits

    weight = layer.weight
    if hasattr(weight, "quant_state"):
        return bits.dequantize_4bit(weight.data, weight.quant_state)
    rows, scales = (weight.CB, weight.SCB) if weight.CB is not None else (layer.state.CB, layer.state.SCB)
    return rows.float() * scales[:, None] / 127


# Weights, not logits: a product of 8 bits rounds what goes in as well, which no merged weights can do.
@pytest.mark.parametrize(("recipe", "bits"), [("qlora", 4), ("qlora8", 8)])
def test_an_adapter_of_few_bits_is_merged_into_the_weights_it_was_trained_on(recipe, bits, adapter, base, tmp_path):
    pytest.importorskip("bitsandbytes")
    record = merge(adapter(recipe), tmp_path / "merged", dtype="float32")
    assert record["merged"]["from_bits"] == bits
    merged, tokenizer = load(str(tmp_path / "merged"))
    assert not hasattr(merged.config, "quantization_config")
    trained = read_weights(str(base / "llama"), dtype=torch.float32, quantization_config=quantisation(bits, "float32"))
    trained = with_adapter(trained, str(adapter(recipe)))
    onto_whole, _ = load(str(base / "llama"), str(adapter(recipe)))
    for number, layer in enumerate(trained.base_model.model.model.layers):
        adapted = layer.mlp.down_proj
        wanted = dequantised(adapted.base_layer) + adapted.get_delta_weight("default")
        weight = merged.model.layers[number].mlp.down_proj.weight
        torch.testing.assert_close(weight, wanted, atol=1e-5, rtol=1e-3)
        whole = onto_whole.base_model.model.model.layers[number].mlp.down_proj.base_layer.weight
        assert (whole + adapted.get_delta_weight("default") - wanted).abs().max() > 1e-4
    whole = merge(adapter(recipe), tmp_path / "whole", base=str(base / "llama"))
    assert whole["merged"]["from_bits"] is None
    model, _ = load(str(tmp_path / "whole"))
    torch.testing.assert_close(logits(model, tokenizer), logits(onto_whole, tokenizer), atol=1e-3, rtol=1e-3)


def test_what_cannot_be_merged_is_refused(adapter, base, tmp_path):
    with pytest.raises(TrainerError, match=r"llama is no adapter .*nothing to merge"):
        merge(base / "llama", tmp_path / "out")
    with pytest.raises(TrainerError, match=r"was trained on .*/llama, not on .*/t5"):
        merge(adapter("lora"), tmp_path / "out", base=str(base / "t5"))
    (tmp_path / "full").mkdir()
    (tmp_path / "full" / "notes.txt").write_text("mine")
    with pytest.raises(TrainerError, match=r"full is in use \(give another --out\)"):
        merge(adapter("lora"), tmp_path / "full", overwrite=True)
    quantised = shutil.copytree(base / "llama", tmp_path / "llama")
    config = json.loads((quantised / "config.json").read_text())
    config["quantization_config"] = {"quant_method": "gptq", "bits": 4}
    (quantised / "config.json").write_text(json.dumps(config))
    with pytest.raises(TrainerError, match=r"is quantised itself \(gptq\).*--base"):
        merge(adapter("lora"), tmp_path / "out", base=str(quantised))
    strange = shutil.copytree(adapter("lora"), tmp_path / "strange")
    (strange / "tokenizer.json").write_text("{")
    with pytest.raises(TrainerError, match="cannot load the model"):
        merge(strange, tmp_path / "out")
    assert not (tmp_path / "out").exists()


def test_the_command_says_what_it_merged_and_refuses_in_one_line(adapter, base, tmp_path):
    run, out = str(adapter("lora")), str(tmp_path / "merged")
    done = CliRunner().invoke(app, ["merge", run, "--out", out, "--dtype", "bfloat16"])
    assert done.exit_code == 0, done.output
    assert f"merged {run} into {base / 'llama'}; the model (bfloat16) lies in {out}" in done.output
    again = CliRunner().invoke(app, ["merge", run, "--out", out])
    assert again.exit_code == 1
    assert "is in use (give another --out, or --overwrite)" in again.output + again.stderr
    assert CliRunner().invoke(app, ["merge", run, "--out", out, "--overwrite"]).exit_code == 0
    assert read_run(out)["merged"]["dtype"] == "float32"
