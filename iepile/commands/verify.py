"""`iepile verify`."""

from pathlib import Path
from typing import Annotated

import typer


def verify(
    folder: Annotated[Path, typer.Argument(help="A folder that `iepile prepare` made.", show_default=False)],
) -> None:
    """Prove that a prepared folder still holds what its manifest says; exit code 1 where it does not."""
    from iepile_dataset.export.manifest import verify as compare

    from ..console import console, errors, failing

    with failing():
        told, wrong = compare(folder)
    for line in wrong:
        errors.print(line, style="red", markup=False, soft_wrap=True)
    if wrong:
        raise typer.Exit(1)
    console.print(f"{folder}: {told['rows']:,} rows, as the manifest says", markup=False, soft_wrap=True)
    if told["format"] == "jsonl":
        console.print("JSON lines do not hold all that rows_sha256 covers: lines and files were compared", style="dim")
    console.print(f"rows_sha256 {told['rows_sha256']}", style="dim")
