"""Code that comes with a model or an adapter runs only where it was trusted."""

import ast
import io
import json
import sys
from pathlib import Path

import pytest

import iepile_trainer
from iepile_trainer.errors import TrainerError
from iepile_trainer.models.load import load_tokenizer

ROOT = Path(iepile_trainer.__file__).parent
READS_NO_CODE = {"PeftConfig", "PeftModel", "Tokenizer"}  # JSON and safetensors alone
OWN = {"Extractor"}
CHECKED = {"gliner.GLiNER", "gliner2.GLiNER2"}  # what brings code is refused before, see `engines.taggers`


@pytest.fixture
def adapter(tmp_path):
    """An adapter whose tokenizer brings a module that leaves a mark where it runs."""
    folder, mark = tmp_path / "adapter", tmp_path / "ran"
    folder.mkdir()
    (folder / "adapter_config.json").write_text(json.dumps({"peft_type": "LORA", "base_model_name_or_path": "base"}))
    names = {"tokenizer_class": "Strange", "auto_map": {"AutoTokenizer": ["strange.Strange", None]}}
    (folder / "tokenizer_config.json").write_text(json.dumps(names))
    (folder / "strange.py").write_text(
        f"from pathlib import Path\nPath({str(mark)!r}).touch()\n"
        "from transformers import PreTrainedTokenizer\nclass Strange(PreTrainedTokenizer): pass\n"
    )
    return folder, mark


def test_the_code_of_an_adapter_does_not_run_whatever_is_answered_on_standard_input(adapter, monkeypatch):
    folder, mark = adapter
    monkeypatch.setattr(sys, "stdin", io.StringIO("y\n" * 9))
    with pytest.raises(
        TrainerError, match=r"^cannot load the model \S*/adapter: it comes with Python code.*--trust_remote_code"
    ):
        load_tokenizer("base", str(folder))
    assert not mark.exists()


def test_one_function_reads_what_may_bring_code():
    calls = set()
    for file in ROOT.rglob("*.py"):
        for function in ast.walk(ast.parse(file.read_text("utf-8"))):
            if not isinstance(function, ast.FunctionDef):
                continue
            for node in ast.walk(function):
                if not (isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute)):
                    continue
                if (
                    node.func.attr == "from_pretrained"
                    and ast.unparse(node.func.value) not in READS_NO_CODE | OWN | CHECKED
                ):
                    calls.add((str(file.relative_to(ROOT)), function.name))
    assert calls == {("models/load.py", "pretrained")}
