"""`iepile predict`: the command of `iepile_trainer.predict`."""

from iepile_trainer.predict import command as predict

__all__ = ["predict"]
