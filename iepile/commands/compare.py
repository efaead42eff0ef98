"""`iepile compare`: is the second system better than the first, or was it luck?"""

import sys
from pathlib import Path
from typing import Annotated, Any, Literal

import typer


def compare(
    first: Annotated[Path, typer.Argument(help="Answers of one system, as `iepile predict` writes them.")],
    second: Annotated[Path, typer.Argument(help="Answers of the other to the same records.")],
    task: Annotated[str | None, typer.Option(help="Task of rows that do not name theirs.")] = None,
    test: Annotated[
        Literal["permutation", "bootstrap"], typer.Option(help="How the p-value is found.")
    ] = "permutation",
    match: Annotated[Literal["exact", "normalised"], typer.Option(help="When two texts are the same.")] = "exact",
    count: Annotated[
        Literal["multiset", "set"], typer.Option(help="Repetitions count as annotated, or each unit once.")
    ] = "multiset",
    resamples: Annotated[int, typer.Option(min=100, help="How often records are drawn or swapped.")] = 10_000,
    seed: Annotated[int, typer.Option(help="Same seed, same figures.")] = 0,
    json: Annotated[bool, typer.Option("--json", help="Print one JSON object for machines.")] = False,
) -> None:
    """Compare two systems: difference of F1 (second minus first), its interval, and a p-value.

    Records are paired by task, source and id; those that only one system answered are left out and counted.
    """
    from iepile_metric.bootstrap import compare as compared
    from iepile_metric.files import rows_of

    try:
        sides = rows_of(first, task), rows_of(second, task)
        result = compared(
            sides[0][0], sides[1][0], task=task, test=test, match=match, count=count, resamples=resamples, seed=seed
        )
    except ValueError as error:
        print(f"error: {error}", file=sys.stderr)
        raise typer.Exit(1) from error
    for line in [*sides[0][1], *sides[1][1]]:
        print(f"not compared: {line}", file=sys.stderr)
    if json:
        import orjson

        sys.stdout.write(orjson.dumps(result, option=orjson.OPT_INDENT_2).decode() + "\n")
    else:
        _print(result, first.name, second.name)


def _print(result: dict[str, Any], first: str, second: str) -> None:
    from iepile.console import console
    from iepile_metric.tables import comparison

    console.print(comparison(result, first, second))
