"""The options of a benchmark, beside those of the engine, which hold for all of its models."""

from dataclasses import dataclass
from math import inf
from typing import Any

from ..command_line import option
from ..engines.options import EngineOptions

__all__ = ["BenchmarkArguments"]

TASKS = ("ner", "re", "ee", "spo", "kg")


@dataclass(frozen=True)
class BenchmarkArguments(EngineOptions):
    """Which systems are asked what, and where the tables go."""

    model: Any = option(
        None,
        "Run folders, Hub ids, or what a server calls its models: one or several, the first is what others are "
        "compared with.",
        type=list[str] | None,
    )
    systems: str | None = option(
        None, "A YAML list of systems: name, model, and any option of `iepile predict` that is theirs alone."
    )
    out: str = option("runs/benchmark", "Folder for answers, scores and tables.")
    task: list[str] | None = option(None, "Only these tasks.", choices=TASKS)
    source: list[str] | None = option(None, "Only these sources.")
    language: str | None = option(None, "Only this language.", choices=("en", "zh"))
    split: str = option("test", "Split to answer.")
    limit: int | None = option(None, "At most so many records of a source, drawn by their ids.", range=(1, inf))
    orders: int = option(1, "Ask each row under so many orders of its labels; shows mean ± sd.", range=(1, inf))
    split_nums: list[int] | None = option(None, "Ask in batches of each of these sizes, such as 4 8 16 32.")
    dry_run: bool = option(False, "Only say what would be asked, and how long it would take.")
