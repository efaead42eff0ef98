"""Folders of models that were cut, forged or put together wrongly: one line that names the file, and no random weights."""

import json
import shutil
import struct

import pytest
from safetensors.numpy import load_file, save_file

from iepile_trainer import TrainerError
from iepile_trainer.models.load import load, load_trainable
from iepile_trainer.run_folder import write_run


def edited(name, **values):
    def damage(folder):
        file = folder / name
        settings = json.loads(file.read_bytes()) | values
        file.write_text(json.dumps({key: value for key, value in settings.items() if value is not ...}))

    return damage


def written(name, content):
    return lambda folder: (folder / name).write_bytes(content)


def cut(folder):
    file = folder / "model.safetensors"
    file.write_bytes(file.read_bytes()[:-1000])


def forged(folder):
    head = json.dumps({"a": {"dtype": "F32", "shape": [1 << 40], "data_offsets": [0, 1 << 42]}}).encode()
    (folder / "model.safetensors").write_bytes(struct.pack("<Q", len(head)) + head)


def lacking(folder):
    tensors = load_file(folder / "model.safetensors")
    del tensors["model.layers.1.mlp.up_proj.weight"]
    save_file(tensors, folder / "model.safetensors", {"format": "pt"})


def elsewhere(folder):
    (folder / "model.safetensors.index.json").write_text(json.dumps({"weight_map": {"a": "../other.safetensors"}}))


DAMAGES = {
    "weights that were cut": (cut, "model.safetensors is damaged"),
    "weights with a forged head": (forged, "model.safetensors is damaged"),
    "weights that are no weights": (written("model.safetensors", b"\xff" * 100), "model.safetensors is damaged"),
    "weights that lack some": (lacking, r"lack 1 tensors that config.json asks for, such as model.layers.1.mlp.up"),
    "an index that leads elsewhere": (elsewhere, r"model.safetensors.index.json: ../other.safetensors: missing beside it"),
    "a million layers": (edited("config.json", num_hidden_layers=1_000_000), "num_hidden_layers is 1,000,000, and the"),
    "no layers": (edited("config.json", num_hidden_layers=-1), "num_hidden_layers is -1, and the"),
    "another width": (edited("config.json", hidden_size=1 << 30), "cannot load the model"),
    "an unknown type": (edited("config.json", model_type="strange"), "cannot load the model .*strange"),
    "no type": (edited("config.json", model_type=..., architectures=...), "cannot load the model"),
    "a type that is no text": (edited("config.json", model_type=["llama"]), "cannot load the model"),
    "an activation that there is not": (edited("config.json", hidden_act="os.system"), "cannot load the model"),
    "a configuration of brackets": (written("config.json", b"[" * 100_000), "config.json: brackets inside each other"),
    "a configuration of none": (written("config.json", b""), "config.json: not JSON"),
    "a list as configuration": (written("config.json", b"[1]"), "config.json: not a JSON object"),
    "binary as configuration": (written("config.json", b"\x80\x81"), "config.json: not JSON"),
    "a tokenizer that was cut": (written("tokenizer.json", b'{"version": "1.0", "model": {'), "cannot load the model"),
    "a tokenizer of brackets": (written("tokenizer.json", b"[" * 100_000), "cannot load the model"),
    "settings of a tokenizer that are none": (written("tokenizer_config.json", b"{"), "tokenizer_config.json: not JSON"),
}  # fmt: skip


@pytest.mark.parametrize(("damage", "reason"), DAMAGES.values(), ids=DAMAGES)
def test_a_damaged_model_is_one_line(base, tmp_path, damage, reason):
    folder = shutil.copytree(base / "llama", tmp_path / "model")
    damage(folder)
    with pytest.raises(TrainerError, match=reason) as error:
        load(str(folder))
    assert str(folder) in str(error.value)
    assert "\n" not in str(error.value)


@pytest.fixture
def adapter(base, tmp_path):
    """An adapter of the small model, as peft saves it."""
    from peft import LoraConfig, get_peft_model
    from transformers import AutoModelForCausalLM

    model = AutoModelForCausalLM.from_pretrained(base / "llama")
    get_peft_model(model, LoraConfig(target_modules="all-linear", r=2)).save_pretrained(tmp_path / "adapter")
    return tmp_path / "adapter"


def without_some(folder):
    tensors = load_file(folder / "adapter_model.safetensors")
    del tensors[sorted(tensors)[0]]
    save_file(tensors, folder / "adapter_model.safetensors", {"format": "pt"})


ADAPTERS = {
    "no base": (edited("adapter_config.json", base_model_name_or_path=None), "adapter_config.json: base_model_name_or"),
    "a base that is not there": (edited("adapter_config.json", base_model_name_or_path="/no/where"), "/no/where"),
    "an unknown kind": (edited("adapter_config.json", peft_type="STRANGE"), "STRANGE"),
    "brackets": (written("adapter_config.json", b"[" * 100_000), "adapter_config.json: brackets inside each other"),
    "another rank": (edited("adapter_config.json", r=7), "does not fit"),
    "no rank": (edited("adapter_config.json", r=-1), "does not fit"),
    "weights that are none": (written("adapter_model.safetensors", b"x" * 50), "adapter_model.safetensors is damaged"),
    "weights that lack some": (without_some, "does not fit"),
}  # fmt: skip


@pytest.mark.parametrize(("damage", "reason"), ADAPTERS.values(), ids=ADAPTERS)
def test_a_damaged_adapter_is_one_line(adapter, damage, reason):
    load(str(adapter))  # as it is, it can be loaded
    damage(adapter)
    with pytest.raises(TrainerError, match=reason) as error:
        load(str(adapter))
    assert "\n" not in str(error.value)


def test_every_command_that_reads_a_model_says_so(base, adapter, tmp_path):
    from typer.testing import CliRunner

    from iepile.cli import app

    folder = shutil.copytree(base / "llama", tmp_path / "llama")
    cut(folder)
    write_run(folder, {"method": "full"})
    (tmp_path / "a.txt").write_text("Ada in Ulm\n")
    words = ["--model", str(folder)]
    output = ["--output", str(tmp_path / "x.jsonl")]
    for command in (
        ["predict", *words, "--input", str(tmp_path / "a.txt"), "--schema", "city", *output],
        ["serve", *words, "--port", "0"],
        ["train", "--model_name_or_path", str(folder), "--dataset", "iepile", "--output_dir", str(tmp_path / "run")],
        ["train", "--model_name_or_path", str(folder), "--dry_run", "--output_dir", str(tmp_path / "run")],
        ["merge", str(adapter), "--base", str(folder), "--out", str(tmp_path / "merged")],
        ["push", "model", str(folder), "user/name", "--dry-run"],
        ["push", "model", str(folder), "user/name"],
    ):
        done = CliRunner().invoke(app, command)
        said = done.output + str(done.exception)
        assert done.exit_code not in (0, None), command
        assert isinstance(done.exception, SystemExit), command
        assert "model.safetensors is damaged" in said, (command, said)
        assert "Traceback" not in said


def test_a_whole_model_is_loaded_for_training_too(base):
    from trl import SFTConfig

    assert load_trainable(str(base / "llama"), SFTConfig(use_cpu=True, bf16=False, report_to=[]), "float32")
