"""The figures of a part of a corpus: counts that add up, and lengths."""

from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, fields
from itertools import accumulate
from typing import Any

from ..instructions.instructor import is_empty


@dataclass
class Figures:
    """What there is in one split of one source, or in several together.

    Attributes:
        records: Lines that are not blank.
        left_out: Those that cannot be used.
        unlabelled: Those without annotation, as in a test file.
        without: Annotated records in which nothing is annotated.
        instructions: Rows made of the records at default options.
        empty_instructions: Rows of annotated records whose answer holds nothing.
        unanswered: Rows of unlabelled records.
        labels: Label → what the answers hold under it (mentions, relations, events); what is annotated twice alike in
            one text counts once.
        text_characters: Length of a text → how many have it; and so on.
        text_tokens: Empty where no tokenizer was given.
        instruction_characters: Of the whole instruction, with prompt, schema and text.
        answer_characters: Of the answer, in rows that have one.
    """

    records: int = 0
    left_out: int = 0
    unlabelled: int = 0
    without: int = 0
    instructions: int = 0
    empty_instructions: int = 0
    unanswered: int = 0
    labels: Counter[str] = field(default_factory=Counter)
    text_characters: Counter[int] = field(default_factory=Counter)
    text_tokens: Counter[int] = field(default_factory=Counter)
    instruction_characters: Counter[int] = field(default_factory=Counter)
    answer_characters: Counter[int] = field(default_factory=Counter)

    def add_row(self, instruction: str, output: str) -> None:
        """Count one row."""
        self.instructions += 1
        self.instruction_characters[len(instruction)] += 1
        if output:
            self.answer_characters[len(output)] += 1
            self.empty_instructions += is_empty(output)
        else:
            self.unanswered += 1

    def add_records(self, counts: Mapping[str, int]) -> None:
        """What became of the records; see `generate.Counts`."""
        self.records += counts["read"]
        self.unlabelled += counts["unlabelled"]
        self.left_out += min(counts["quarantined"], counts["read"])  # an empty file is a problem, but no record

    @property
    def annotated(self) -> int:
        """Records that can be used and have an annotation, be it an empty one."""
        return self.records - self.left_out - self.unlabelled

    @property
    def empty_share(self) -> float:
        """Share of the instructions with a known answer whose answer holds nothing; 0 where there is none."""
        known = self.instructions - self.unanswered
        return self.empty_instructions / known if known else 0.0

    @property
    def of_texts(self) -> "Figures":
        """What does not depend on the task."""
        return Figures(records=self.records, text_characters=self.text_characters, text_tokens=self.text_tokens)

    def summary(self) -> dict[str, Any]:
        """The figures as they are published: lengths as quantiles, no label by name."""
        return {
            **{name: getattr(self, name) for name in ("records", "left_out", "unlabelled", "annotated")},
            "without_annotation": self.without,
            "mentions": self.labels.total(),
            "instructions": self.instructions,
            "empty_instructions": self.empty_instructions,
            "empty_share": round(self.empty_share, 4),
            **{name: quantiles(getattr(self, name)) for name in LENGTHS},
        }


LENGTHS = ("text_characters", "text_tokens", "instruction_characters", "answer_characters")


def total(parts: Iterable[Figures]) -> Figures:
    """The figures of several parts together.

    >>> total([Figures(records=2), Figures(records=3)]).records
    5
    """
    result = Figures()
    for part in parts:
        for known in fields(Figures):
            setattr(result, known.name, getattr(result, known.name) + getattr(part, known.name))
    return result


def quantiles(lengths: Counter[int]) -> dict[str, float] | None:
    """Count, mean, least, median, 95th percentile and greatest of some lengths; None where there are none.

    >>> quantiles(Counter({1: 2, 5: 1, 20: 1}))
    {'count': 4, 'mean': 6.75, 'min': 1, 'median': 1, 'p95': 20, 'max': 20}
    """
    count = lengths.total()
    if not count:
        return None
    return {
        "count": count,
        "mean": round(sum(length * number for length, number in lengths.items()) / count, 2),
        "min": min(lengths),
        "median": percentile(lengths, 50),
        "p95": percentile(lengths, 95),
        "max": max(lengths),
    }


def percentile(lengths: Counter[int], percent: int) -> int:
    """The least length that so many of them do not exceed.

    >>> percentile(Counter({1: 99, 1000: 1}), 99)
    1
    """
    ordered = sorted(lengths)
    reached = accumulate(lengths[length] * 100 for length in ordered)
    return next(length for length, number in zip(ordered, reached) if number >= percent * lengths.total())
