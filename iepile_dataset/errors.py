"""What is wrong with an input, said so that a person can mend it."""

from dataclasses import dataclass


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

    def __str__(self) -> str:
        place = f"{self.file}:{self.line}" if self.line else self.file
        return f"{place}: {self.reason} ({self.remedy})"


class DataError(ValueError):
    """Nothing can be done with the given data or options; the message says why and what would help."""


def shown(value: object, limit: int = 60) -> str:
    """A value as it is quoted in a message: one line, cut to `limit` characters.

    >>> shown("Pariss"), shown(["a"]), shown("x" * 80, limit=5)
    ('"Pariss"', "['a']", '"xxxxx…"')
    """
    text = value if isinstance(value, str) else repr(value)
    text = " ".join(text.split()) if isinstance(value, str) and value.strip() else text
    text = text if len(text) <= limit else text[:limit] + "…"
    return f'"{text}"' if isinstance(value, str) else text
