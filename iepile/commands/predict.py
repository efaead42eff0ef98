"""`iepile predict`: everything after it goes to `iepile_trainer.predict`, `--help` included."""

import typer

from .train import PASS_ALL

__all__ = ["PASS_ALL", "predict"]


def predict(context: typer.Context) -> None:
    """Answer instructions, or extract from texts, with a trained model, as JSON lines."""
    from iepile_trainer.predict import main

    main(context.args)
