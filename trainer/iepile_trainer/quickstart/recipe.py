"""How much the quickstart does: sizes, steps, learning rates."""

from dataclasses import dataclass


@dataclass(frozen=True)
class Recipe:
    """The knobs of a quickstart; the defaults fit two CPU cores and a few minutes.

    Attributes:
        train: Training sentences per language and task.
        test: Test sentences per language and task, the same number again with unseen names.
        steps: Training steps.
        batch: Rows per step.
        learning_rate: Peak, in the scale of AdamW.
        hidden: Width of the model.
        layers: Its depth.
        vocabulary: Tokens that the tokenizer learns.
        longest: Most tokens of an answer.
    """

    train: int = 3000
    test: int = 50
    steps: int = 1200
    batch: int = 16
    learning_rate: float = 4e-3
    hidden: int = 128
    layers: int = 2
    vocabulary: int = 2000
    longest: int = 96


TINY = Recipe(train=20, test=3, steps=4, batch=4, hidden=32, layers=1, vocabulary=500, longest=12)
"""Enough to see that every part works, and nothing more."""
