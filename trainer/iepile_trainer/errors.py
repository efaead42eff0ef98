"""The trainer's one error: what the user can put right."""

__all__ = ["TrainerError", "first_line"]


class TrainerError(ValueError):
    """What the user can put right, in one line: the place, the reason and the remedy."""


TrainerError.__module__ = "iepile_trainer"  # where users import it from, and what a traceback names


def first_line(problem: BaseException) -> str:
    """What an error says, in one line.

    >>> first_line(ValueError("no number\\nof anything")), first_line(MemoryError())
    ('no number', 'MemoryError')
    """
    return (str(problem).strip() or type(problem).__name__).splitlines()[0]
