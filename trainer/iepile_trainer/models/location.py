"""Where a model lies: a folder, a GGUF file, the Hub, or the cache of what the package registry holds."""

import re
from contextlib import suppress
from importlib.util import find_spec
from pathlib import Path

from iepile_dataset.errors import shown

from ..errors import TrainerError
from .damage import settings_in
from .pretrained import ORIGIN, PRETRAINED, cache_folder

__all__ = ["base_and_adapter", "file_of", "located", "split_gguf"]

_PATIENCE = 10.0  # seconds for one answer of the Hub


def base_and_adapter(model: str, adapter: str | None = None) -> tuple[str, str | None]:
    """(whole model, adapter or None), where `model` may itself be an adapter.

    Raises:
        TrainerError: `adapter` is none, or was trained on another model; a model of the registry is not here yet.
    """
    model, adapter = located(model), adapter and located(adapter)
    base_of_model = adapter_base(model)
    if adapter is None:
        return (model, None) if base_of_model is None else (base_of_model, model)
    expected = adapter_base(adapter)
    if expected is None:
        raise TrainerError(f"{adapter} is no adapter (it has no adapter_config.json)")
    if Path(expected).name != Path(model).name:
        raise TrainerError(f"the adapter {adapter} was trained on {expected}, not on {model}")
    return model, adapter


def adapter_base(model: str) -> str | None:
    """The base model that a local adapter folder, or an adapter on the Hub, names; None for a whole model.

    Raises:
        TrainerError: Its configuration is damaged, or names none.
    """
    if split_gguf(model)[1]:
        return None
    if (config := file_of(model, "adapter_config.json")) is None:
        return None
    base = settings_in(config).get("base_model_name_or_path")
    if not isinstance(base, str) or not base:
        raise TrainerError(f"{config}: base_model_name_or_path is {shown(base)} (name what it was trained on)")
    return base


def file_of(model: str, name: str) -> str | None:
    """The path of a file of a model, in its folder or from the Hub; None where it has none."""
    from transformers.utils import cached_file

    with suppress(OSError):  # offline, or no such repository: loading will say so
        return cached_file(model, name, _raise_exceptions_for_missing_entries=False)
    return None


def split_gguf(model: str) -> tuple[str, dict[str, str]]:
    """The folder or Hub id of a model, and what names its GGUF file to `from_pretrained`; nothing for another model.

    >>> split_gguf("models/small.Q4_1.gguf"), split_gguf("user/name/small.gguf"), split_gguf("user/name")
    (('models', {'gguf_file': 'small.Q4_1.gguf'}), ('user/name', {'gguf_file': 'small.gguf'}), ('user/name', {}))

    Raises:
        TrainerError: The package gguf is not installed.
    """
    if not model.endswith(".gguf"):
        return model, {}
    if find_spec("gguf") is None:
        raise TrainerError(f"{model} needs the package gguf (pip install 'iepile[train]')")
    return str(Path(model).parent), {"gguf_file": Path(model).name}


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
