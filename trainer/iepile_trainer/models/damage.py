"""Is a model's folder what it says? Told from the heads of its files, before anything is built from them."""

from pathlib import Path
from typing import Any

from iepile_dataset import DataError
from iepile_dataset.bounded import parse_json, read_small

from ..errors import TrainerError, first_line

__all__ = ["refuse_damaged"]

_SETTINGS = (
    "config.json", "adapter_config.json", "generation_config.json", "tokenizer_config.json",
    "special_tokens_map.json", "model.safetensors.index.json",
)  # fmt: skip
_AGAIN = "fetch or save it again"


def refuse_damaged(model: str) -> None:
    """Check the files of a folder; a model that is none passes, its files are checked where they are fetched.

    Raises:
        TrainerError: A file is cut or forged, or states more layers than there are weights; the line names it.
    """
    folder = Path(model)
    if not folder.is_dir():
        return
    settings = {name: settings_in(folder / name) for name in _SETTINGS if (folder / name).exists()}
    tensors = sum(_tensors(path) for path in folder.glob("*.safetensors"))
    _check_shards(folder, settings.get("model.safetensors.index.json", {}))
    for place, name, number in _layers(settings.get("config.json", {})):
        if tensors and not 0 <= number <= tensors:
            reason = f"{place}{name} is {number:,}, and the weights are {tensors:,} tensors"
            raise TrainerError(f"{folder / 'config.json'} is not of these weights: {reason} ({_AGAIN})")


def settings_in(path: Path | str) -> dict[str, Any]:
    """The JSON object in a file of a model.

    Raises:
        TrainerError: It is none, or larger or deeper than any.
    """
    try:
        value = parse_json(read_small(str(path)), str(path), _AGAIN)
    except (DataError, OSError) as problem:
        raise TrainerError(str(problem)) from None
    if not isinstance(value, dict):
        raise TrainerError(f"{path}: not a JSON object ({_AGAIN})")
    return value


def _tensors(path: Path) -> int:
    """How many tensors a file holds, whose head was checked against its length."""
    from safetensors import SafetensorError, safe_open

    try:
        with safe_open(path, framework="numpy") as file:
            return len(file.keys())
    except (SafetensorError, OSError, ValueError) as problem:
        raise TrainerError(f"{path} is damaged: {first_line(problem)} ({_AGAIN})") from None


def _check_shards(folder: Path, index: dict[str, Any]) -> None:
    """Does each file of an index lie in the folder, and nowhere else?"""
    shards = index.get("weight_map", {})
    for shard in sorted(set(map(str, shards.values()))) if isinstance(shards, dict) else [repr(shards)]:
        if Path(shard).name != shard or not (folder / shard).is_file():
            raise TrainerError(f"{folder / 'model.safetensors.index.json'}: {shard}: missing beside it ({_AGAIN})")


def _layers(config: dict[str, Any], place: str = "") -> list[tuple[str, str, int]]:
    """(where, key, number) of all that a configuration says of layers, also of its parts."""
    found = []
    for name, value in config.items():
        if isinstance(value, dict):
            found += _layers(value, f"{place}{name}.")
        elif type(value) is int and "layer" in name and name.startswith(("num", "n_", "encoder", "decoder")):
            found.append((place, name, value))
    return found
