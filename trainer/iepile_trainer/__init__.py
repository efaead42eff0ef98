"""Instructions -> model -> answers: training with TRL, prediction with transformers.

The stages, one module each: `data` (rows from the dataset, a prepared folder or the Hub), `formats` (the
chat template), `tokens` (rows into token ids), `sft` (training), `predict` (answers), `runs` (the folder
that a training leaves behind), `scratch` (a small model that needs no download). `Extractor` is the way in from
Python: texts and a schema in, typed results out.

Importing this package is cheap: torch, transformers and TRL are imported by the functions that use them.
"""

import logging
from typing import TYPE_CHECKING, Any

# peft imports bitsandbytes wherever it is installed, which then warns that it lacks a kernel for 4 bits on a CPU, in
# every training and prediction, of whatever bits.
logging.getLogger("bitsandbytes.backends.cpu.ops").setLevel(logging.ERROR)

if TYPE_CHECKING:
    from .extractor import Extractor

__all__ = ["Extractor", "TrainerError"]


class TrainerError(ValueError):
    """What the user can put right, in one line: the place, the reason and the remedy."""


def __getattr__(name: str) -> Any:
    if name == "Extractor":
        from .extractor import Extractor

        return Extractor
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
