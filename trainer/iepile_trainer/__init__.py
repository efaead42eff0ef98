"""Instructions -> model -> answers: training with TRL, prediction with transformers.

One folder a stage: `formats` (the chat template), `constrain` (grammars), `models`, `tokenization` (rows into token
ids), `engines` (who answers), `data` (rows from the dataset, a prepared folder or the Hub), `training`, `extraction`
(texts and a schema in, typed results out), `prediction` (files in, answers out), `serve`, `quickstart`, `recipes`.
`sft` and `predict` are what a user starts; `run_folder` is what a training leaves behind. `Extractor` is the way in
from Python.

Importing this package is cheap: torch, transformers and TRL are imported by the functions that use them.
"""

import logging
from typing import TYPE_CHECKING, Any

from .errors import TrainerError

# peft imports bitsandbytes wherever it is installed, which then warns that it lacks a kernel for 4 bits on a CPU, in
# every training and prediction, of whatever bits.
logging.getLogger("bitsandbytes.backends.cpu.ops").setLevel(logging.ERROR)

if TYPE_CHECKING:
    from .extraction.extractor import Extractor
    from .serve.client import Client

__all__ = ["Client", "Extractor", "TrainerError"]


def __getattr__(name: str) -> Any:
    if name == "Extractor":
        from .extraction.extractor import Extractor

        return Extractor
    if name == "Client":
        from .serve.client import Client

        return Client
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
