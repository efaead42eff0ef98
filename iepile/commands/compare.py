"""`iepile compare`: is the second system better than the first, or was it luck?"""

from pathlib import Path
from typing import Annotated, Literal

import typer

from ..console import console, failing
from .score import Count, Json, MatchWhole, Task, print_json, report_bad


def compare(
    first: Annotated[Path, typer.Argument(help="Answers of one system, as `iepile predict` writes them.")],
    second: Annotated[Path, typer.Argument(help="Answers of the other to the same records.")],
    task: Task = None,
    test: Annotated[
        Literal["permutation", "bootstrap"], typer.Option(help="How the p-value is found.")
    ] = "permutation",
    match: MatchWhole = "exact",
    count: Count = "multiset",
    resamples: Annotated[int, typer.Option(min=100, help="How often records are drawn or swapped.")] = 10_000,
    seed: Annotated[int, typer.Option(help="Same seed, same figures.")] = 0,
    json: Json = False,
) -> None:
    """Compare two systems: difference of F1 (second minus first), its interval, and a p-value.

    Records are paired by task, source and id; those that only one system answered are left out and counted.
    """
    from iepile_metric.bootstrap import compare as compared
    from iepile_metric.files import rows_of
    from iepile_metric.tables import comparison

    with failing(ValueError):
        (rows, bad), (others, worse) = rows_of(first, task), rows_of(second, task)
        result = compared(
            rows, others, task=task, test=test, match=match, count=count, resamples=resamples, seed=seed
        )  # fmt: skip
    report_bad(bad + worse, "not compared")
    if json:
        print_json(result)
    else:
        console.print(comparison(result, first.name, second.name))
