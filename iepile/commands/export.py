"""`iepile export`: records or predictions for the tool in which people correct them."""

from pathlib import Path
from typing import Annotated, Literal

import typer

from ..console import failing, print_losses, progress_bar, say


def export(
    file: Annotated[Path, typer.Argument(help="Records, a source, or what `iepile predict` wrote.")],
    to: Annotated[
        str, typer.Option(help="label-studio, brat, doccano, argilla, spacy (Prodigy's JSON lines) or conll.")
    ],
    out: Annotated[
        Path | None, typer.Option(help="The file to make, for brat the folder; beside the input by default.")
    ] = None,
    order: Annotated[
        Literal["input", "uncertain"], typer.Option(help="uncertain: texts with the least confidence first.")
    ] = "input",
    sample: Annotated[
        int | None, typer.Option(min=1, help="At most so many texts, with each label among them.")
    ] = None,
    overwrite: Annotated[bool, typer.Option("--overwrite", help="Replace a file.")] = False,
) -> None:
    """Records or predictions → a file of another tool.

    What a format cannot hold is counted: conll no nested mentions, only label-studio and brat events.

        iepile export found.jsonl --to label-studio --order uncertain --sample 100

        iepile export my/IE-en/NER/letters/train.json --to doccano --out letters.jsonl
    """
    from iepile_dataset.exchange.exporting import export_file

    with failing(), progress_bar("exporting") as advance:
        done = export_file(file, to, out, order=order, sample=sample, overwrite=overwrite, progress=advance)
    print_losses(f"Not in {done.out}", done.losses)
    say(f"{done.records:,} texts in {done.out} (read as {done.read_as})")
