"""`iepile verify`."""

from pathlib import Path
from typing import Annotated

import typer

from ..console import errors, failing, say


def verify(
    folder: Annotated[Path, typer.Argument(help="A folder that `iepile prepare` made.")],
) -> None:
    """Prove that a prepared folder still holds what its manifest says; exit code 1 where it does not."""
    from iepile_dataset.export.manifest import verify as compare

    with failing():
        facts, wrong = compare(folder)
    if wrong:
        say(*wrong, to=errors, style="red")
        raise typer.Exit(1)
    say(f"{folder}: {facts['rows']:,} rows, as the manifest says")
    if facts["format"] == "jsonl":
        say("JSON lines do not hold all that rows_sha256 covers: lines and files were compared", style="dim")
    say(f"rows_sha256 {facts['rows_sha256']}", style="dim")
