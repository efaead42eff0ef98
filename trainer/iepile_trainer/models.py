"""Models and tokenizers: a run folder, an adapter with its base, or a model of the Hub."""

import json
from pathlib import Path
from typing import Any

from . import TrainerError


def load(
    model: str,
    adapter: str | None = None,
    dtype: str = "auto",
    revision: str | None = None,
    trust_remote_code: bool = False,
) -> tuple[Any, Any]:
    """A model ready to answer, and its tokenizer.

    Args:
        model: A folder or a Hub id: a whole model, or an adapter that names its base.
        adapter: An adapter's folder or Hub id, on top of `model`.
        dtype: `auto` is bfloat16 on a GPU and float32 without one; or a torch dtype's name.
        revision: Branch, tag or commit of a Hub model; required with `trust_remote_code`.
        trust_remote_code: Run the Python code that comes with the model.

    Returns:
        (model in eval mode on its device, tokenizer). The tokenizer is the adapter's own where it has one:
        it was saved with the prompt format of its training.

    Raises:
        TrainerError: No model there, an adapter whose base is another model, remote code without a revision.
    """
    import torch
    from transformers import AutoModelForCausalLM, AutoTokenizer

    check_remote_code(trust_remote_code, revision)
    base_of_model = adapter_base(model)
    if adapter is None and base_of_model is not None:
        model, adapter = base_of_model, model
    elif adapter is not None:
        expected = adapter_base(adapter)
        if expected is None:
            raise TrainerError(f"{adapter} is no adapter (it has no adapter_config.json)")
        if Path(expected).name != Path(model).name:
            raise TrainerError(f"the adapter {adapter} was trained on {expected}, not on {model}")
    device = "cuda" if torch.cuda.is_available() else "cpu"
    if dtype == "auto":
        dtype = "bfloat16" if device == "cuda" else "float32"
    remote = {"revision": revision, "trust_remote_code": trust_remote_code}
    try:
        loaded = AutoModelForCausalLM.from_pretrained(model, dtype=getattr(torch, dtype), **remote)
        if adapter is not None and _has_tokenizer(adapter):
            tokenizer = AutoTokenizer.from_pretrained(adapter)
        else:
            tokenizer = AutoTokenizer.from_pretrained(model, **remote)
    except (OSError, ValueError) as problem:
        raise TrainerError(f"cannot load the model {model}: {str(problem).strip().splitlines()[0]}") from None
    if adapter is not None:
        from peft import PeftModel

        loaded = PeftModel.from_pretrained(loaded, adapter)
    return loaded.eval().to(device), tokenizer


def adapter_base(model: str) -> str | None:
    """The base model that a local adapter folder, or an adapter on the Hub, names; None for a whole model."""
    config = Path(model) / "adapter_config.json"
    if not Path(model).is_dir():
        from transformers.utils import cached_file

        try:
            found = cached_file(model, "adapter_config.json", _raise_exceptions_for_missing_entries=False)
        except OSError:  # offline, or no such repository: loading will say so
            found = None
        if found is None:
            return None
        config = Path(found)
    if not config.is_file():
        return None
    return str(json.loads(config.read_text(encoding="utf-8"))["base_model_name_or_path"])


def _has_tokenizer(adapter: str) -> bool:
    from transformers.utils import cached_file

    if Path(adapter).is_dir():
        return (Path(adapter) / "tokenizer_config.json").is_file()
    return cached_file(adapter, "tokenizer_config.json", _raise_exceptions_for_missing_entries=False) is not None


def check_remote_code(trust_remote_code: bool, revision: str | None) -> None:
    """Refuse to run code that may change under the user's hands.

    >>> check_remote_code(True, None)
    Traceback (most recent call last):
    iepile_trainer.TrainerError: --trust_remote_code runs the model's own code: pin it with a revision (a commit id)
    """
    if trust_remote_code and revision in (None, "main"):
        raise TrainerError("--trust_remote_code runs the model's own code: pin it with a revision (a commit id)")
