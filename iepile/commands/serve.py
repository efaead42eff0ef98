"""`iepile serve`."""

from iepile_trainer.serve import command as serve

__all__ = ["serve"]
