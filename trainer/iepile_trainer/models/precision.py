"""The precision of weights and of products: decided here, named nowhere else.

- A GPU with bfloat16 (CUDA from 8.0 on, ROCm, XPU) computes in bfloat16.
- An older CUDA device computes in float16; a training scales its loss for that.
- A CPU with AVX512-BF16 or AMX-BF16, on Arm with BF16, computes in bfloat16 where a measured product gains by it,
  and ATEN_CPU_CAPABILITY or ONEDNN_MAX_CPU_ISA do not switch it off. With AVX512-BF16 alone it often loses.
- Everything else computes in float32: all other CPUs, and Apple's MPS. Emulated half precision is many times slower.

Weights lie in the type of the products, but those that learn in float32: a step is often smaller than what half
precision can add to a weight. A type that the user names is obeyed, with a line on what it costs.
"""

import logging
import math
import os
import time
from collections.abc import Set
from functools import cache
from pathlib import Path
from typing import Any

__all__ = ["DTYPES"]

DTYPES = ("auto", "bfloat16", "float16", "float32")  # what the user may name
_, BFLOAT16, FLOAT16, FLOAT32 = DTYPES

_X86 = {"avx512_bf16", "amx_bf16"}
_ISA_WITHOUT = {"SSE41", "AVX", "AVX2", "AVX2_VNNI", "AVX2_VNNI_2", "AVX512_CORE", "AVX512_CORE_VNNI"}
_MIXED = {"bf16": BFLOAT16, "fp16": FLOAT16}

_log = logging.getLogger(__name__)


def decide(
    device: str,
    *,
    bfloat16: bool = False,
    flags: Set[str] = frozenset(),
    capability: str = "",
    isa: str = "",
    slowdown: float = 0.5,
) -> str:
    """The type of products on a device, by what is known of it.

    Args:
        device: The device's type, as torch calls it.
        bfloat16: Whether an accelerator says that it has bfloat16 in hardware.
        flags: A CPU's flags (x86) or features (Arm), as Linux lists them.
        capability: What PyTorch uses of a CPU, `torch.backends.cpu.get_cpu_capability()`.
        isa: What oneDNN may use of an x86 CPU, as in ONEDNN_MAX_CPU_ISA; empty for all of it.
        slowdown: Time of a product in bfloat16 on that CPU over that in float32.

    Returns:
        The name of a torch dtype.

    >>> decide("cuda", bfloat16=True), decide("cuda"), decide("mps"), decide("cpu", flags={"avx2"}, capability="AVX2")
    ('bfloat16', 'float16', 'float32', 'float32')
    """
    if device != "cpu":
        return BFLOAT16 if bfloat16 else FLOAT16 if device == "cuda" else FLOAT32
    x86 = flags & _X86 and capability.startswith("AVX512") and isa.upper() not in _ISA_WITHOUT
    return BFLOAT16 if (x86 or "bf16" in flags) and slowdown < 1 else FLOAT32


@cache
def products(device: str) -> str:
    """The type of products on a device of this machine: `decide` by what this machine has."""
    import torch

    if device != "cpu":
        supported = getattr(torch.get_device_module(device), "is_bf16_supported", None)  # MPS does not say
        return decide(device, bfloat16=supported is not None and supported(including_emulation=False))
    flags = cpu_flags()
    return decide(
        device,
        flags=flags,
        capability=torch.backends.cpu.get_cpu_capability(),
        isa=os.environ.get("ONEDNN_MAX_CPU_ISA", ""),
        slowdown=slowdown(BFLOAT16, device) if flags & {*_X86, "bf16"} else math.inf,
    )


def chosen(named: str, device: str) -> str:
    """The type for weights that do not learn: what the user named, or for `auto` that of the products."""
    if named == "auto":
        return products(device)
    _say_cost(named, device)
    return named


def training_products(config: Any) -> str:
    """The type of a training's products, as a `trl.SFTConfig` or accelerate's configuration says."""
    return _MIXED.get(config.mixed_precision, FLOAT32)


def training_weights(named: Any, config: Any, learning: bool) -> str:
    """The type in which a training loads its model.

    Args:
        named: What the user named: `auto`, or a torch dtype or its name.
        config: A `trl.SFTConfig`.
        learning: Whether these weights learn themselves, not an adapter on them.
    """
    named, computed = str(named).removeprefix("torch."), training_products(config)
    _say_cost(named if named in (BFLOAT16, FLOAT16) else computed, config.device.type)
    if named != "auto":
        return named
    return FLOAT32 if learning else computed


def mixed(dtype: str) -> dict[str, bool]:
    """Options of a `trl.SFTConfig` for products in a type; its own default is bfloat16.

    >>> mixed("float16"), mixed("float32")
    ({'bf16': False, 'fp16': True}, {'bf16': False})
    """
    return {BFLOAT16: {}, FLOAT16: {"bf16": False, "fp16": True}, FLOAT32: {"bf16": False}}[dtype]


def restore_adapter(model: Any, dtype: str) -> None:
    """Turn an adapter on weights of few bits back to float32, unless it is for products in bfloat16.

    TRL turns every such adapter to bfloat16, whatever the device.
    """
    if dtype != BFLOAT16:
        for weight in model.parameters():
            if weight.requires_grad:
                weight.data = weight.data.float()


@cache
def slowdown(dtype: str, device: str) -> float:
    """Time of matrix products in a type over that in float32, on a device of this machine; measured once."""
    import torch

    side = 256 if device == "cpu" else 2048
    wait = torch.get_device_module(device).synchronize

    def seconds(name: str) -> float:
        square, best = torch.ones(side, side, dtype=getattr(torch, name), device=device), math.inf
        for _ in range(9):  # the best of them: others may be at work here
            wait()
            start = time.perf_counter()
            square @ square.T @ square  # as forward and backward passes lay their matrices out
            wait()
            best = min(best, time.perf_counter() - start)
        return best

    return seconds(dtype) / seconds(FLOAT32)


def cpu_flags() -> frozenset[str]:
    """This CPU's flags or features; none where the system is not Linux."""
    try:
        lines = Path("/proc/cpuinfo").read_text(encoding="utf-8").splitlines()
    except OSError:
        return frozenset()
    named = (line.partition(":") for line in lines)
    return frozenset(next((value.split() for key, _, value in named if key.strip() in ("flags", "Features")), ()))


@cache
def _say_cost(named: str, device: str) -> None:
    """Once for each type: what it costs against the one that suits the device."""
    suited = products(device)
    if named != suited:
        ratio = slowdown(named, device) / slowdown(suited, device)
        _log.warning(
            "%s on this %s: a matrix product takes about %.1f times as long as in %s, which auto takes",
            named, device, ratio, suited,
        )  # fmt: skip
