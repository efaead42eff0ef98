"""How long the rows are, and what of them cannot be learnt: the report before a training."""

from collections import Counter
from dataclasses import asdict, dataclass
from typing import Any

FATES = ("kept", "shortened", "window", "continued", "dropped", "unlabelled")
"""What becomes of a row: `window` is the first of a long text's windows, `continued` each further one."""

LEARNT = FATES[:4]


@dataclass(frozen=True)
class LengthReport:
    """What became of the rows on their way to tokens.

    Attributes:
        max_length: The limit in tokens, None for no limit.
        rows: Rows read.
        kept: Rows to train on, the shortened ones and all windows among them.
        shortened: Rows whose text lost its end.
        windowed: Rows whose text was cut into windows.
        windows: The rows that these became.
        dropped: Rows that did not fit without losing gold.
        unlabelled: Rows without an answer, which nothing can be learnt from.
        tokens: Tokens of the kept rows.
        answer_tokens: Those of them that are learnt.
        gold: Units in all answers, see `truncate.gold_units`.
        gold_lost: Those of dropped rows, and those that stand in no window as a whole.
        percentiles: Length in tokens, before anything was cut, at 50, 90, 99 and 100 percent of the rows.
        sample: Whether these are only the first rows of a stream.
    """

    max_length: int | None
    rows: int
    kept: int
    shortened: int
    windowed: int
    windows: int
    dropped: int
    unlabelled: int
    tokens: int
    answer_tokens: int
    gold: int
    gold_lost: int
    percentiles: dict[str, int]
    sample: bool = False

    @property
    def gold_lost_share(self) -> float:
        """Share of the gold that can no longer be learnt, 0 to 1."""
        return self.gold_lost / self.gold if self.gold else 0.0

    def as_dict(self) -> dict[str, Any]:
        """All figures, ready for JSON."""
        return {**asdict(self), "gold_lost_share": round(self.gold_lost_share, 6)}

    def __str__(self) -> str:
        lengths = ", ".join(f"{name} {length:,}" for name, length in self.percentiles.items())
        limit = f"max_length {self.max_length:,}" if self.max_length else "no max_length"
        cut = f"{self.windowed:,} texts cut into {self.windows:,} windows, {self.shortened:,} shortened"
        return (
            f"{'first ' * self.sample}rows {self.rows:,}: kept {self.kept:,} ({cut}), "
            f"dropped {self.dropped:,} over {limit}, skipped {self.unlabelled:,} without an answer\n"
            f"tokens {self.tokens:,}, of which answers {self.answer_tokens:,}; row length {lengths}\n"
            f"gold lost {self.gold_lost:,} of {self.gold:,} units ({self.gold_lost_share:.2%})"
        )


class Tally:
    """Counts rows as they come.

    Attributes:
        sources: (task, source, language) → rows to train on and their tokens.

    >>> tally = Tally(max_length=20)
    >>> tally.add({"fate": "kept", "whole": 9, "length": 9, "answer": 4, "gold": 2, "lost": 0})
    >>> tally.add({"fate": "dropped", "whole": 30, "length": 0, "answer": 0, "gold": 1, "lost": 1})
    >>> report = tally.report()
    >>> report.rows, report.tokens, report.gold_lost, report.percentiles["100%"]
    (2, 9, 1, 30)
    """

    def __init__(self, max_length: int | None) -> None:
        self.max_length = max_length
        self.fates: Counter[str] = Counter()
        self.wholes: Counter[int] = Counter()
        self.sums: Counter[str] = Counter()
        self.sources: dict[tuple[str, str, str], list[int]] = {}

    def add(self, row: dict[str, Any]) -> None:
        """Count a row as `encode.encode_stream` gives it."""
        self.fates[row["fate"]] += 1
        if row["fate"] != "continued":
            self.wholes[row["whole"]] += 1
        for name in ("length", "answer", "gold", "lost"):
            self.sums[name] += row[name]
        if row["length"]:
            self.count(row.get("task", ""), row.get("source", ""), row.get("language", ""), 1, row["length"])

    def count(self, task: str, source: str, language: str, rows: int, tokens: int) -> None:
        """Count rows of a source and their tokens."""
        counted = self.sources.setdefault((task, source, language), [0, 0])
        counted[0] += rows
        counted[1] += tokens

    def merge(self, other: "Tally") -> None:
        """Add what another process counted."""
        for mine, theirs in ((self.fates, other.fates), (self.sums, other.sums)):
            mine.update(theirs)
        self.wholes.update(other.wholes)
        for key, counted in other.sources.items():
            self.count(*key, *counted)

    def report(self, sample: bool = False) -> LengthReport:
        """The figures so far."""
        fates, lengths = self.fates, sorted(self.wholes.elements())
        last = len(lengths) - 1
        return LengthReport(
            max_length=self.max_length,
            rows=self.wholes.total(),
            kept=sum(fates[fate] for fate in LEARNT),
            shortened=fates["shortened"],
            windowed=fates["window"],
            windows=fates["window"] + fates["continued"],
            dropped=fates["dropped"],
            unlabelled=fates["unlabelled"],
            tokens=self.sums["length"],
            answer_tokens=self.sums["answer"],
            gold=self.sums["gold"],
            gold_lost=self.sums["lost"],
            percentiles={f"{n}%": lengths[min(last, len(lengths) * n // 100)] for n in (50, 90, 99, 100) if lengths},
            sample=sample,
        )
