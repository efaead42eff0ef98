"""What an engine takes and gives: rows, answers, and what both have in common for all engines."""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import Any, NamedTuple, Protocol

Row = dict[str, Any]


class Token(NamedTuple):
    """One token of an answer.

    Attributes:
        start: Where its characters begin in the answer's text.
        end: Where they end; equal to `start` for a token that only begins a character.
        logprob: Natural logarithm of the probability that the model gave it, before any constraint; 0 or less.
    """

    start: int
    end: int
    logprob: float


@dataclass(frozen=True)
class Answer:
    """What became of one row.

    Attributes:
        text: The model's text; empty where there is an error.
        error: Why there is no answer, one line.
        tokens: The tokens of `text` in order, where confidences were asked for. Characters that the model did not
            write, such as the brackets that close a constrained answer at its limit, belong to none.
        cut: The answer reached its longest length before the model ended it.
    """

    text: str
    error: str | None = None
    tokens: tuple[Token, ...] = ()
    cut: bool = False


class Engine(Protocol):
    """Answers rows.

    Attributes:
        room: The most tokens that a prompt may have beside the answer; None where that is not known.
    """

    room: int | None

    def count(self, instruction: str) -> int:
        """The tokens of an instruction's whole prompt.

        Raises:
            TrainerError: The engine knows no tokenizer.
        """
        ...

    def answer(self, rows: Iterable[Row]) -> Iterator[Answer]:
        """One answer per row, in input order.

        A row that cannot be answered has an `error` and stops no other. Rows are read as they are needed; closing
        the iterator stops the work.

        Raises:
            TrainerError: Nothing can be answered at all: no server there, a key that it refuses.
        """
        ...


def well_formed(text: str) -> str:
    """The text without halves of characters, which JSON can spell and no file can hold."""
    return text.encode("utf-8", "replace").decode()


def answered(row: dict[str, Any], answer: Answer) -> dict[str, Any]:
    """The row with its answer as `output`, and an `error` where there is none.

    >>> answered({"id": "1", "output": "gold"}, Answer("", "too long"))
    {'id': '1', 'output': '', 'error': 'too long'}
    """
    return {**row, "output": answer.text} | ({"error": answer.error} if answer.error else {})
