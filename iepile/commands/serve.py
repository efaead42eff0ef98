"""`iepile serve`: the command of `iepile_trainer.serve`."""

from iepile_trainer.serve import command as serve

__all__ = ["serve"]
