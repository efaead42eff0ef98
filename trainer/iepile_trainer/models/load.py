"""Models and tokenizers: a run folder, an adapter with its base, a GGUF file, a model of the Hub or of the registry.

Weights are read from safetensors and GGUF alone: a pickled `.bin` file can run code.
"""

import logging
import re
import warnings
from collections.abc import Mapping
from contextlib import suppress
from pathlib import Path
from types import MappingProxyType
from typing import Any

from ..errors import TrainerError, first_line, import_extra
from .damage import refuse_damaged
from .location import base_and_adapter, file_of, split_gguf
from .precision import chosen

FLASH = "flash_attention_2"
FORM = ("bnb_4bit_quant_type", "bnb_4bit_use_double_quant")  # of 4 bits: what changes the weights


def load(
    model: str,
    adapter: str | None = None,
    dtype: str = "auto",
    revision: str | None = None,
    trust_remote_code: bool = False,
    bits: int | None = None,
    device_map: str | None = None,
) -> tuple[Any, Any]:
    """A model ready to answer, and its tokenizer.

    Args:
        model: A folder or a Hub id (a whole model, or an adapter that names its base), a GGUF file, or a name of
            `iepile models`.
        adapter: An adapter's folder or Hub id, on top of `model`.
        dtype: `auto`, see `precision`; or a torch dtype's name.
        revision: Branch, tag or commit of a Hub model; a commit is required with `trust_remote_code`.
        trust_remote_code: Run the Python code that comes with the model.
        bits: 4 (NF4) or 8 to quantise the weights while they are loaded.
        device_map: How to spread the model over devices, as transformers takes it; one device by default.

    Returns:
        (model in eval mode on its device, tokenizer). An encoder-decoder is loaded as one. The tokenizer is the
        adapter's own where it has one: it was saved with the prompt format of its training.

    Raises:
        TrainerError: No model there, none in safetensors, an adapter whose base is another model, remote code
            without a commit.
    """
    import torch

    check_remote_code(trust_remote_code, revision)
    model, adapter = base_and_adapter(model, adapter)
    device = answering_device()
    dtype = chosen(dtype, device)
    remote = {"revision": revision, "trust_remote_code": trust_remote_code}
    quantised = {"quantization_config": quantisation(bits, dtype)} if bits else {}
    loaded = read_weights(model, dtype=getattr(torch, dtype), device_map=device_map, **quantised, **remote)
    tokenizer = load_tokenizer(model, adapter, revision, trust_remote_code)
    if adapter is not None:
        loaded = with_adapter(loaded, adapter)
    placed = device_map is not None or bits is not None  # where it is to be already
    return (loaded.eval() if placed else loaded.eval().to(device)), tokenizer


def answering_device() -> str:
    """The type of the device that answers."""
    import torch

    return "cuda" if torch.cuda.is_available() else "cpu"


def pretrained(
    auto: Any, place: str, revision: str | None = None, trust_remote_code: bool | None = False, **options: Any
) -> Any:
    """What a class of transformers reads from a folder or the Hub: the one place that says whose code may run.

    Raises:
        TrainerError: It comes with code that is not trusted; transformers asks on standard input where nothing is said.
    """
    try:
        return auto.from_pretrained(place, revision=revision, trust_remote_code=bool(trust_remote_code), **options)
    except ValueError as problem:
        if trust_remote_code or "trust_remote_code" not in str(problem):
            raise
        raise TrainerError(
            f"cannot load the model {place}: it comes with Python code, which is not run (read it first, then give "
            "--trust_remote_code and the commit as --revision)"
        ) from None


def load_tokenizer(
    model: str, adapter: str | None = None, revision: str | None = None, trust_remote_code: bool = False
) -> Any:
    """The tokenizer of an adapter, where it has one, else of its base.

    Raises:
        TrainerError: There is none.
    """
    from transformers import AutoTokenizer

    try:
        if adapter is not None and file_of(adapter, "tokenizer_config.json"):
            # The commit is the base's: it says nothing of an adapter on the Hub, whose code is never run.
            return pretrained(AutoTokenizer, adapter, None, trust_remote_code and Path(adapter).is_dir())
        place, gguf = split_gguf(model)
        return pretrained(AutoTokenizer, place, revision, trust_remote_code, **gguf)
    except TrainerError:
        raise
    except Exception as problem:  # a damaged one fails anywhere
        if Path(model).is_dir() and not any(next(Path(model).glob(name), None) for name in ("tok*", "*.model", "voc*")):
            raise TrainerError(f"{model} holds no tokenizer (save the model's own beside the weights)") from None
        raise TrainerError(f"cannot load the model {model}: {first_line(problem)}") from None


def load_trainable(
    model: str,
    config: Any,
    dtype: str,
    adapter: str | None = None,
    quantization_config: Any = None,
    seq2seq: bool = False,
) -> Any:
    """The model that a training starts from.

    Args:
        model: A whole model: a folder or a Hub id.
        config: A `trl.SFTConfig`; its `model_init_kwargs` go to `from_pretrained`.
        dtype: The weights' type, see `precision.training_weights`.
        adapter: An adapter of that model to go on with.
        quantization_config: A `BitsAndBytesConfig` for the base of an adapter.
        seq2seq: Whether it is an encoder-decoder.

    Raises:
        TrainerError: As `load`.
    """
    import torch

    options = {"trust_remote_code": config.trust_remote_code, **(config.model_init_kwargs or {})}
    options["dtype"] = getattr(torch, dtype)
    if options.get("attn_implementation") is None:
        options["attn_implementation"] = FLASH if not seq2seq and config.bf16 and flash_attention() else None
    if quantization_config is not None:
        options["quantization_config"] = quantization_config
    try:
        loaded = read_weights(model, **options)
    except TrainerError:
        if options["attn_implementation"] != FLASH or (config.model_init_kwargs or {}).get("attn_implementation"):
            raise
        loaded = read_weights(model, **{**options, "attn_implementation": None})  # not every model can use it
    for module in loaded.modules():  # on a CPU, bitsandbytes would repack weights when they first answer, for good
        if hasattr(module, "support_avx512bf16_for_cpu"):
            module.support_avx512bf16_for_cpu = False
    return loaded if adapter is None else with_adapter(loaded, adapter, trainable=True)


def read_weights(model: str, **options: Any) -> Any:
    """A whole model from its safetensors or its GGUF file; `options` go to `from_pretrained`."""
    refuse_damaged(model)
    remote = {name: options.get(name) for name in ("revision", "trust_remote_code")}
    auto = auto_class(_reads_and_writes(config_of(model, **remote)))
    place, gguf = split_gguf(model)
    try:
        if gguf:
            return _written_out(pretrained(auto, place, **{**options, **gguf}), model)
        loaded, info = pretrained(auto, place, use_safetensors=True, output_loading_info=True, **options)
        if lacking := sorted(info["missing_keys"]):
            # They would be drawn at random.
            raise TrainerError(
                f"cannot load the model {model}: its weights lack {len(lacking):,} tensors that config.json asks for, "
                f"such as {lacking[0]} (fetch or save it again)"
            )
        return loaded
    except TrainerError:
        raise
    except Exception as problem:  # a configuration that fits nothing fails anywhere
        reason = first_line(problem)
        if "safetensors" in reason or (Path(model).is_dir() and not list(Path(model).glob("*.safetensors"))):
            pickled = sorted(path.name for path in Path(model).glob("*.bin"))
            reason = f"no weights in safetensors{f', only {pickled[0]}' if pickled else ''} (a pickled file can run "
            reason += "code and is not read; convert it: https://huggingface.co/docs/safetensors/convert-weights)"
        raise TrainerError(f"cannot load the model {model}: {reason}") from None


def is_encoder_decoder(model: str, revision: str | None = None, trust_remote_code: bool | None = False) -> bool:
    """Whether a model (its folder, Hub id or adapter) reads with one part and writes with another, as T5 does.

    Raises:
        TrainerError: There is no model.
    """
    base, _ = base_and_adapter(model)
    return _reads_and_writes(config_of(base, revision, trust_remote_code))


def _reads_and_writes(config: Any) -> bool:
    return bool(getattr(config, "is_encoder_decoder", False))


def config_of(model: str, revision: str | None = None, trust_remote_code: bool | None = False) -> Any:
    """The configuration of a whole model.

    Raises:
        TrainerError: There is no model.
    """
    from transformers import AutoConfig

    try:
        place, gguf = split_gguf(model)
        return pretrained(AutoConfig, place, revision, trust_remote_code, **gguf)
    except TrainerError:
        raise
    except Exception as problem:  # a damaged one fails anywhere
        raise TrainerError(f"cannot load the model {model}: {first_line(problem)}") from None


def auto_class(seq2seq: bool) -> Any:
    """The class of transformers that loads such models."""
    from transformers import AutoModelForCausalLM, AutoModelForSeq2SeqLM

    return AutoModelForSeq2SeqLM if seq2seq else AutoModelForCausalLM


def with_adapter(model: Any, adapter: str, trainable: bool = False) -> Any:
    """A model with an adapter on top.

    Raises:
        TrainerError: The adapter has no safetensors, or does not fit.
    """
    from peft import PeftModel

    refuse_damaged(adapter)
    if file_of(adapter, "adapter_model.safetensors") is None:
        raise TrainerError(f"the adapter {adapter} has no adapter_model.safetensors (a pickled file is not read)")
    try:
        # To answer, its weights are read as they are: DoRA would multiply random ones first, in the base's type.
        with warnings.catch_warnings():
            warnings.filterwarnings("error", "Found missing adapter keys")
            return PeftModel.from_pretrained(model, adapter, is_trainable=trainable, low_cpu_mem_usage=not trainable)
    except Exception as problem:  # a configuration that fits nothing fails anywhere
        reason = " ".join(" ".join(str(problem).splitlines()[:2]).split())
        raise TrainerError(f"the adapter {adapter} does not fit {model.name_or_path}: {reason}") from None


def _written_out(model: Any, name: str) -> Any:
    """A model whose few bits were written out as whole weights, as any other: it can be trained and saved."""
    model.hf_quantizer, model.quantization_method, model.is_quantized = None, None, False
    with suppress(AttributeError):
        del model.config.quantization_config
    model.name_or_path = model.config._name_or_path = name
    return model


def few_bits(options: Any) -> dict[str, Any]:
    """What a `trl.ModelConfig` says of the form of 4 bits: the type of its numbers, scales quantised as well."""
    return {
        "bnb_4bit_quant_type": options.bnb_4bit_quant_type,
        "bnb_4bit_use_double_quant": options.use_bnb_nested_quant,
        "bnb_4bit_quant_storage": options.bnb_4bit_quant_storage,
    }


def quantisation(bits: int, dtype: str, form: Mapping[str, Any] = MappingProxyType({})) -> Any:
    """A `BitsAndBytesConfig` for 4 bits (computing in `dtype`; NF4 unless `form` says otherwise) or 8.

    Raises:
        TrainerError: Another number of bits, or bitsandbytes is not installed.
    """
    from transformers import BitsAndBytesConfig

    if bits not in (4, 8):
        raise TrainerError(f"{bits} bits: weights can be quantised to 4 or 8")
    import_extra("bitsandbytes", "quant", f"{bits} bits: ")
    if bits == 8:
        # It would say for every product of float32 that it rounds what goes in: thousands of lines.
        logging.getLogger("bitsandbytes.autograd._functions").setLevel(logging.ERROR)
        return BitsAndBytesConfig(load_in_8bit=True)
    return BitsAndBytesConfig(load_in_4bit=True, bnb_4bit_compute_dtype=dtype, **{"bnb_4bit_quant_type": "nf4", **form})


def flash_attention() -> bool:
    """Whether flash attention can be used here: a CUDA device, and the package or the kernels of the Hub."""
    import torch
    from transformers.utils import is_flash_attn_2_available, is_kernels_available

    return torch.cuda.is_available() and (is_flash_attn_2_available() or is_kernels_available())


def check_remote_code(trust_remote_code: bool, revision: str | None) -> None:
    """Refuse to run code that may change under the user's hands, as that of a branch or a tag may.

    >>> check_remote_code(True, "main")
    Traceback (most recent call last):
    iepile_trainer.TrainerError: --trust_remote_code runs the model's own code: pin it with a revision (a commit id)
    """
    if trust_remote_code and not re.fullmatch(r"[0-9a-f]{40}", revision or ""):
        raise TrainerError("--trust_remote_code runs the model's own code: pin it with a revision (a commit id)")
