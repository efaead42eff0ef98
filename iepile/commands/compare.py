"""`iepile compare`: is the second system better than the first, or was it luck?"""

from dataclasses import asdict, dataclass
from math import inf
from pathlib import Path
from typing import Annotated

import typer

from iepile_metric.accumulator import ScoringOptions
from iepile_trainer.command_line import check_options, option

from ..console import console, failing, print_json
from .score import OutputOptions, report_bad


@dataclass(frozen=True)
class CompareOptions:
    """How two systems are compared, each scored by `ScoringOptions`; by whole units, never by their overlap."""

    test: str = option("permutation", "How the p-value is found.", choices=("permutation", "bootstrap"))
    resamples: int = option(10_000, "How often records are drawn or swapped.", range=(100, inf))
    seed: int = option(0, "Same seed, same figures.")

    def __post_init__(self) -> None:
        check_options(self)


def compare(
    first: Annotated[Path, typer.Argument(help="Answers of one system, as `iepile predict` writes them.")],
    second: Annotated[Path, typer.Argument(help="Answers of the other to the same records.")],
    scoring: ScoringOptions,
    options: CompareOptions,
    output: OutputOptions,
) -> None:
    """Compare two systems: difference of F1 (second minus first), its interval, and a p-value.

    Records are paired by task, source and id; those that only one system answered are left out and counted.
    """
    from iepile_metric.bootstrap import compare as compared
    from iepile_metric.files import rows_of
    from iepile_metric.tables import comparison

    with failing():
        (rows, bad), (others, worse) = rows_of(first, output.task), rows_of(second, output.task)
        result = compared(rows, others, output.task, **asdict(scoring), **asdict(options))
    report_bad(bad + worse, "not compared")
    if output.json:
        print_json(result)
    else:
        console.print(comparison(result, first.name, second.name))
