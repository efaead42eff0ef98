"""Half precision only where a device has it: the decision by its inputs, and the products that are really computed."""

import logging
import os
import platform
import re
import subprocess
import sys

import pytest
import torch
from torch.utils._python_dispatch import TorchDispatchMode

from iepile_trainer.models import precision
from iepile_trainer.models.load import load
from iepile_trainer.models.merge import merge
from iepile_trainer.models.precision import decide, mixed, products, training_products, training_weights
from iepile_trainer.predict import predict
from iepile_trainer.sft import main
from iepile_trainer.training.arguments import training_config
from iepile_trainer.training.parser import parse

HALF = {torch.bfloat16, torch.float16}


class Products(TorchDispatchMode):
    """Records every matrix product: its name and the types of the numbers that go in."""

    def __init__(self):
        super().__init__()
        self.seen = set()

    def __torch_dispatch__(self, func, types, args=(), kwargs=None):
        name = func.overloadpacket.__name__
        if re.search(r"mm|mv|matmul|dot|linear|conv", name):
            tensors = [value for value in args if isinstance(value, torch.Tensor)]
            self.seen.add((name, *(tensor.dtype for tensor in tensors)))
        return func(*args, **(kwargs or {}))

    @property
    def emulated(self):
        """Products of half precision that this machine's CPU does not have."""
        return {product for product in self.seen if HALF - {getattr(torch, products("cpu"))} & set(product)}


AVX512, AMX = {"avx512f", "avx512_bf16"}, {"avx512f", "amx_bf16", "amx_tile"}


@pytest.mark.parametrize(
    ("known", "dtype"),
    [
        ({"flags": {"avx2", "fma"}, "capability": "AVX2"}, "float32"),
        ({"flags": {"avx512f", "avx512_vnni"}, "capability": "AVX512"}, "float32"),
        ({"flags": AVX512, "capability": "AVX512"}, "bfloat16"),
        ({"flags": AMX, "capability": "AVX512"}, "bfloat16"),
        ({"flags": AMX, "capability": "AVX2"}, "float32"),  # ATEN_CPU_CAPABILITY=avx2
        ({"flags": AMX, "capability": "DEFAULT"}, "float32"),
        ({"flags": AMX, "capability": "AVX512", "isa": "avx2"}, "float32"),  # ONEDNN_MAX_CPU_ISA=avx2
        ({"flags": AMX, "capability": "AVX512", "isa": "AVX512_CORE_VNNI"}, "float32"),
        ({"flags": AMX, "capability": "AVX512", "isa": "AVX512_CORE_BF16"}, "bfloat16"),
        ({"flags": AMX, "capability": "AVX512", "slowdown": 0.4}, "bfloat16"),
        ({"flags": AMX, "capability": "AVX512", "slowdown": 7.0}, "float32"),  # there, but not used
        ({"flags": AVX512, "capability": "AVX512", "slowdown": 1.7}, "float32"),  # there, and no gain
        ({"flags": {"asimd", "bf16"}, "capability": "SVE256"}, "bfloat16"),
        ({"flags": {"asimd", "bf16"}, "capability": "DEFAULT", "slowdown": 30.0}, "float32"),
        ({"flags": {"asimd"}, "capability": "DEFAULT"}, "float32"),
        ({}, "float32"),
    ],
)
def test_a_cpu_computes_in_half_precision_only_where_it_has_it_and_it_is_switched_on(known, dtype):
    assert decide("cpu", **known) == dtype


def test_an_accelerator_takes_bfloat16_where_it_has_it_and_an_older_cuda_device_float16():
    assert [decide(kind, bfloat16=True) for kind in ("cuda", "xpu")] == ["bfloat16", "bfloat16"]
    assert [decide(kind) for kind in ("cuda", "xpu", "mps")] == ["float16", "float32", "float32"]


@pytest.mark.slow
@pytest.mark.skipif(platform.machine() != "x86_64", reason="a setting for x86")
def test_pytorch_s_own_setting_switches_it_off():
    environment = {name: value for name, value in os.environ.items() if name != "ONEDNN_MAX_CPU_ISA"}
    code = "import torch; from iepile_trainer.models.precision import cpu_flags, products\n"
    code += "print(torch.backends.cpu.get_cpu_capability(), products('cpu'), 'sse2' in cpu_flags())"
    command, environment["ATEN_CPU_CAPABILITY"] = [sys.executable, "-c", code], "default"
    done = subprocess.run(command, env=environment, text=True, capture_output=True, check=True)
    assert done.stdout.split() == ["DEFAULT", "float32", "True"]


@pytest.mark.parametrize(
    ("options", "named", "learning", "dtype"),
    [
        ({}, "auto", False, "float32"),
        ({"bf16": True}, "auto", False, "bfloat16"),
        ({"fp16": True, "bf16": False}, "auto", False, "float16"),
        ({"bf16": True}, "auto", True, "float32"),
        ({"fp16": True, "bf16": False}, "auto", True, "float32"),
        ({"bf16": True}, "float32", False, "float32"),
        ({"bf16": False}, torch.bfloat16, True, "bfloat16"),
    ],
)
def test_weights_lie_in_the_type_of_the_products_and_those_that_learn_in_float32(
    options, named, learning, dtype, tmp_path
):
    if not options and products("cpu") != "float32":
        pytest.skip("this processor has bfloat16")
    assert training_weights(named, training_config(tmp_path, use_cpu=True, **options), learning) == dtype


@pytest.mark.parametrize("dtype", ["bfloat16", "float16", "float32"])
def test_a_training_s_products_are_of_the_type_that_its_options_are_made_for(dtype, tmp_path):
    assert training_products(training_config(tmp_path, use_cpu=True, **{"bf16": None, **mixed(dtype)})) == dtype


def test_a_cpu_asked_for_on_the_command_line_is_given_its_own_precision(tmp_path):
    _, _, training, model, _ = parse(["--use_cpu", "--output_dir", str(tmp_path)])
    assert (training_products(training), model.dtype) == (products("cpu"), "auto")


def test_accelerate_s_configuration_is_obeyed_as_the_user_s_word(tmp_path, monkeypatch):
    monkeypatch.setenv("ACCELERATE_MIXED_PRECISION", "bf16")
    assert training_weights("auto", training_config(tmp_path), learning=False) == "bfloat16"


@pytest.fixture
def stored_in_half(tmp_path, learnt_tokenizer, small_model):
    """A function that saves a model of a family in bfloat16."""

    def save(family="llama"):
        small_model(learnt_tokenizer, family).to(torch.bfloat16).save_pretrained(tmp_path / "base")
        learnt_tokenizer.save_pretrained(tmp_path / "base")
        return tmp_path / "base"

    return save


def test_the_recorder_sees_products_of_half_precision(stored_in_half):
    model, _ = load(str(stored_in_half()), dtype="bfloat16")
    with Products() as forward, torch.no_grad():
        loss = model(input_ids=torch.tensor([[1, 2, 3]])).logits.sum()
    assert {"mm", "_scaled_dot_product_flash_attention_for_cpu"} <= {name for name, *_ in forward.seen}
    assert HALF & {dtype for _, *dtypes in forward.seen for dtype in dtypes}
    left, right = (torch.ones(2, 2, requires_grad=True) for _ in range(2))
    with Products() as backward, torch.autocast("cpu", torch.bfloat16):
        loss = (left @ right).sum()
        forward_products = set(backward.seen)
        loss.backward()
    assert forward_products == {("mm", torch.bfloat16, torch.bfloat16)}
    with Products() as inference, torch.inference_mode():
        torch.nn.functional.linear(torch.ones(1, 2), torch.ones(2, 2)).half() @ torch.ones(2, 2).half()
    assert {dtype for _, *dtypes in inference.seen for dtype in dtypes} == {torch.float32, torch.float16}


@pytest.mark.parametrize(
    ("recipe", "family"),
    [("lora", "llama"), ("dora", "llama"), ("qlora", "llama"), ("qlora8", "llama"), ("full", "llama"), ("lora", "t5")],
)
def test_a_training_step_a_prediction_and_a_merge_compute_in_what_the_processor_has(
    recipe, family, stored_in_half, rows_file, row_list, tmp_path, capsys
):
    if recipe.startswith("qlora"):
        pytest.importorskip("bitsandbytes")
    products("cpu")  # which may measure a product of its own, once
    base, run = stored_in_half(family), str(tmp_path / "run")
    named = ["--config", recipe, "--model_name_or_path", base, "--dataset", rows_file, "--output_dir", run]
    with Products() as training:
        main([str(word) for word in [*named, "--max_steps", 1, "--disable_tqdm", "true"]])
    with Products() as prediction:
        model, tokenizer = load(run)
        answers = list(predict(model, tokenizer, row_list(2), max_new_tokens=4))
    assert [answer.get("error") for answer in answers] == [None, None]
    assert len(training.seen) > 1
    assert len(prediction.seen) > 1
    assert (training.emulated, prediction.emulated) == (set(), set())
    if recipe != "full":
        with Products() as merging:
            record = merge(run, tmp_path / "merged")
        assert record["merged"]["dtype"] == "bfloat16"  # as its base is stored
        assert merging.seen
        assert not {product for product in merging.seen if HALF & set(product)}


def test_a_type_that_the_user_names_is_obeyed_with_one_line_on_its_cost(stored_in_half, caplog):
    if products("cpu") != "float32":
        pytest.skip("this processor has bfloat16")
    precision._say_cost.cache_clear()
    base = str(stored_in_half())
    with caplog.at_level(logging.WARNING, precision.__name__):
        assert load(base)[0].dtype == load(base, dtype="float32")[0].dtype == torch.float32
        assert not caplog.messages
        assert load(base, dtype="float16")[0].dtype == load(base, dtype="float16")[0].dtype == torch.float16
    (line,) = caplog.messages
    cost = re.fullmatch(
        r"float16 on this cpu: a matrix product takes about (\S+) times as long as in float32, which auto takes", line
    )
    assert float(cost[1]) > 1.5
