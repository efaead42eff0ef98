"""The trainer's one error: what the user can put right."""

__all__ = ["TrainerError"]


class TrainerError(ValueError):
    """What the user can put right, in one line: the place, the reason and the remedy."""


TrainerError.__module__ = "iepile_trainer"  # where users import it from, and what a traceback names
