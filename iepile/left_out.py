"""How the commands list what they could not use."""

from collections.abc import Sequence
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from iepile_dataset.errors import Problem


def print_left_out(problems: Sequence["Problem"], total: int) -> None:
    """The first problems as a table, and how many there are in all; nothing where there is none."""
    from rich.table import Table
    from rich.text import Text

    from .console import console

    if not problems:
        return
    table = Table(title="Left out", title_justify="left")
    for name in ("file:line", "reason", "remedy"):
        table.add_column(name, overflow="fold")
    for problem in problems:
        place = f"{problem.file}:{problem.line}" if problem.line else problem.file
        table.add_row(Text(place), Text(problem.reason), Text(problem.remedy))
    console.print(table)
    if total > len(problems):
        console.print(f"… and {total - len(problems):,} more")
