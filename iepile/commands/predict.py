"""`iepile predict`."""

from iepile_trainer.predict import command as predict

__all__ = ["predict"]
