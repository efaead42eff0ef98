"""Instructions -> model -> answers: training with TRL, prediction with transformers.

The stages, one module each: `data` (rows from the dataset, a prepared folder or the Hub), `formats` (the
chat template), `tokens` (rows into token ids), `sft` (training), `predict` (answers), `runs` (the folder
that a training leaves behind), `scratch` (a small model that needs no download).

Importing this package is cheap: torch, transformers and TRL are imported by the functions that use them.
"""


class TrainerError(ValueError):
    """What the user can put right, in one line: the place, the reason and the remedy."""
