"""What is wrong with an input, said so that a person can mend it."""

import re
from collections.abc import Iterable
from dataclasses import dataclass
from difflib import get_close_matches
from typing import Self

__all__ = ["KEPT_PROBLEMS", "DataError", "Problem", "did_you_mean", "keep", "shown", "visible"]

KEPT_PROBLEMS = 20
"""How many problems of a run are remembered; all of them are counted."""


_OBEYED = re.compile(r"[\0-\x08\x0b-\x1f\x7f-\x9f\u202a-\u202e\u2066-\u2069\ud800-\udfff]")


class DataError(ValueError):
    """Nothing can be done with the given data or options; the message says why and what would help."""


@dataclass(frozen=True)
class Problem:
    """One defect of one file or one of its lines.

    Attributes:
        file: Path of the file (or folder) as the user gave it.
        line: 1-based line number, 0 where the whole file is meant.
        reason: What is wrong, with the offending value.
        remedy: What to do about it.
        raw: The line as it was read, so that a quarantine file loses nothing.

    >>> print(Problem("train.json", 17, 'entity "Pariss" does not occur in the text', "correct the mention"))
    train.json:17: entity "Pariss" does not occur in the text (correct the mention)
    """

    file: str
    line: int
    reason: str
    remedy: str
    raw: str = ""

    @property
    def place(self) -> str:
        """The file, and its line where one is meant."""
        return f"{self.file}:{self.line}" if self.line else self.file

    def __str__(self) -> str:
        return f"{self.place}: {self.reason} ({self.remedy})"

    @classmethod
    def of_error(cls, file: str, error: DataError, **more: str) -> Self:
        """A `DataError`, whose message ends in its remedy, as the problem of a file.

        >>> Problem.of_error("a", DataError("no label (add one)"))
        Problem(file='a', line=0, reason='no label', remedy='add one', raw='')
        """
        reason, _, remedy = str(error).removesuffix(")").rpartition(" (")
        return cls(file, 0, reason, remedy, **more)

    @classmethod
    def of_line(cls, file: str, line: int, raw: bytes, reason: str, remedy: str, **more: str) -> Self:
        """The problem of a line as it was read."""
        return cls(file, line, reason, remedy, raw.decode("utf-8", "replace").rstrip("\r\n"), **more)


def keep(problems: list[Problem], problem: Problem) -> None:
    """Remember a problem where it is among the first."""
    if len(problems) < KEPT_PROBLEMS:
        problems.append(problem)


def did_you_mean(name: str, known: Iterable[str]) -> str:
    """The end of a message about a name that is not there: the one that looks most like it, or all.

    >>> did_you_mean("lanuage", ["language", "source"]), did_you_mean("x", ["language", "source"])
    (' (do you mean "language"?)', ' (one of language, source)')
    """
    near = get_close_matches(name, known := list(known), n=1)
    return f' (do you mean "{near[0]}"?)' if near else f" (one of {', '.join(sorted(known))})"


def visible(text: str) -> str:
    r"""A text without what a terminal obeys or cannot show: controls, marks that turn the direction, halves of pairs.

    >>> print(visible("a\x1b[31m\u202eb\ud800\n"), end="")
    a\x1b[31m\u202eb\ud800
    """
    return _OBEYED.sub(lambda found: ascii(found[0])[1:-1], text)


def shown(value: object, limit: int = 60) -> str:
    """A value as it is quoted in a message: one line, cut to `limit` characters.

    >>> shown("Pariss"), shown(["a"]), shown("x" * 80, limit=5)
    ('"Pariss"', "['a']", '"xxxxx…"')
    """
    try:
        text = value if isinstance(value, str) else repr(value)
    except RecursionError:
        text = f"a {type(value).__name__} too deep to show"
    if isinstance(value, str):  # of white space alone, which it is shows
        text = " ".join(text.split()) or text.encode("unicode_escape").decode()
    text = visible(text if len(text) <= limit else text[:limit] + "…")
    return f'"{text}"' if isinstance(value, str) else text
