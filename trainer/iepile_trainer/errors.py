"""The trainer's one error: what the user can put right."""

from importlib import import_module
from typing import Any

__all__ = ["TrainerError", "first_line", "import_extra"]


class TrainerError(ValueError):
    """What the user can put right, in one line: the place, the reason and the remedy."""


TrainerError.__module__ = "iepile_trainer"  # where users import it from, and what a traceback names


def first_line(problem: BaseException) -> str:
    """What an error says, in one line.

    >>> first_line(ValueError("no number\\nof anything")), first_line(MemoryError())
    ('no number', 'MemoryError')
    """
    return (str(problem).strip() or type(problem).__name__).splitlines()[0]


def import_extra(module: str, extra: str, purpose: str = "") -> Any:
    """A module that comes with an extra of this package.

    Raises:
        TrainerError: It is not installed; says what it is for.

    >>> import_extra("no_such", "vllm", "engine vllm: ")
    Traceback (most recent call last):
    iepile_trainer.TrainerError: engine vllm: no module 'no_such' (pip install 'iepile[vllm]')
    """
    try:
        return import_module(module)
    except ImportError:
        raise TrainerError(f"{purpose}no module {module!r} (pip install 'iepile[{extra}]')") from None
