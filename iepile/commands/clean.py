"""`iepile clean`."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Literal

import typer

if TYPE_CHECKING:
    from iepile_dataset.cleaning.clean import Cleaned


def clean(
    corpus: Annotated[str, typer.Argument(help="A corpus tree, one of its folders, or one source.")],
    out: Annotated[Path, typer.Option(help="The folder to make.", show_default=False)],
    only: Annotated[
        list[str] | None,
        typer.Option(
            help="Only this rule: normalise, empty, leak, contradiction, duplicate or near; repeat for several.",
            show_default=False,
        ),
    ] = None,
    skip: Annotated[
        list[str] | None, typer.Option(help="All but this rule; repeat for several.", show_default=False)
    ] = None,
    threshold: Annotated[
        float, typer.Option(help="Near-duplicates share at least this part of their three-word or three-letter runs.")
    ] = 0.8,
    leak_from: Annotated[
        Literal["train", "test"],
        typer.Option(
            help="Which side loses a text that train shares with validation or test; test means both of them."
        ),
    ] = "train",
    overwrite: Annotated[bool, typer.Option("--overwrite", help="Replace a folder that was cleaned before.")] = False,
) -> None:
    """A corpus without duplicates, contradictions, leaks and empty records, in the same layout.

    Whatever a rule drops lies in `dropped/<rule>.jsonl` with file, line and the record that stays in its stead. A
    score on a cleaned test split is not comparable with published ones: `--only leak` leaves validation and test alone.

        iepile clean my_corpus --out clean_corpus

        iepile clean my_corpus --out clean_corpus --skip near --leak-from test
    """
    from iepile_dataset.cleaning.clean import clean as make
    from iepile_dataset.cleaning.rules import CleanOptions

    from ..console import console, failing, progress_bar

    with failing(), progress_bar("cleaning", unit="bytes") as advance:
        options = CleanOptions(tuple(only or ()), tuple(skip or ()), threshold, leak_from)
        done = make(out, corpus, options=options, overwrite=overwrite, progress=advance)
    _print_counts(done, options.rules)
    for problem in done.problems:
        console.print(f"not carried over: {problem}", style="yellow", markup=False, soft_wrap=True)
    went = done.total("read") - done.total("kept")
    told = f"{done.total('kept'):,} of {done.total('read'):,} records in {out} ({done.seconds:.1f} s)"
    console.print(told, markup=False, soft_wrap=True)
    if went:
        console.print(f"the other {went:,} lie in {out / 'dropped'}, with their rule", markup=False, soft_wrap=True)


def _print_counts(done: "Cleaned", rules: tuple[str, ...]) -> None:
    from rich.table import Table
    from rich.text import Text

    from ..console import console

    drops = [rule for rule in rules if rule != "normalise"]
    columns = ["read", *(["normalised", "unnormalised"] if "normalise" in rules else []), *drops, "kept"]
    table = Table(title="Records read, changed, dropped by each rule, kept", title_justify="left")
    table.add_column("source", overflow="fold")
    for name in columns:
        table.add_column({"unnormalised": "left as is"}.get(name, name), justify="right", no_wrap=True)
    table.add_column("shared texts", overflow="fold")
    for source in done.sources:
        shared = ", ".join(f"{split} {number:,}" for split, number in done.leaks[source].items() if number)
        table.add_row(Text(source), *(f"{done.counts[source, name]:,}" for name in columns), shared)
    table.add_section()
    table.add_row("all", *(f"{done.total(name):,}" for name in columns))
    console.print(table)
    console.print(
        "left as is: normalising would have lost a mention; shared texts: distinct texts of train that are in "
        "validation or test",
        style="dim",
    )  # fmt: skip
