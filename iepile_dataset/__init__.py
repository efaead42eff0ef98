"""Annotated text → instructions for schema-based information extraction.

Epochs. A run that sees its data several times need not see the same questions: `epoch=` draws negatives and the order
of labels anew from the same seed, while answers, validation and test stay what they are. With TRL, one dataset an
epoch, put one after the other:

    epochs = [load_dataset("iepile", "ner", split="train", negatives="hard", epoch=n) for n in range(3)]
    SFTTrainer(model, SFTConfig(num_train_epochs=1, ...), train_dataset=concatenate_datasets(epochs))

(shuffled by the trainer, epochs mix, which does no harm). Streamed, the same with `streaming=True` and
`max_steps`, where `IterableDataset.shuffle(seed, buffer_size)` mixes rows. `iepile prepare --epoch N` writes one epoch
as a folder.

>>> from datasets import load_dataset
>>> register()
>>> first, second = (load_dataset("iepile", "ner", split="train", negatives=0.5, epoch=n) for n in range(2))
>>> first["instruction"][:] == second["instruction"][:]
False
"""

from .errors import DataError, Problem
from .instructions.instructor import instructions
from .options import Options
from .registration import register
from .schema import Schema, parse_schema

__all__ = ["DataError", "Options", "Problem", "Schema", "instructions", "parse_schema", "register"]
