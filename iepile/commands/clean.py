"""`iepile clean`; the rules and how they decide are the fields of `CleanOptions`."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from iepile_dataset.options import CleanOptions

from ..console import console, count_table, failing, progress_bar, say

if TYPE_CHECKING:
    from iepile_dataset.cleaning.clean import Cleaned


def clean(
    corpus: Annotated[str, typer.Argument(help="A corpus tree, one of its folders, or one source.")],
    out: Annotated[Path, typer.Option(help="The folder to make.")],
    options: CleanOptions,
    overwrite: Annotated[bool, typer.Option("--overwrite", help="Replace a folder that was cleaned before.")] = False,
) -> None:
    """A corpus without duplicates, contradictions, leaks and empty records, in the same layout.

    The rules: normalise, empty, leak, contradiction, duplicate, near.

    Whatever a rule drops lies in `dropped/<rule>.jsonl` with file, line and the record that stays in its stead. A
    score on a cleaned test split is not comparable with published ones: `--only leak` leaves validation and test alone.

        iepile clean my_corpus --out clean_corpus

        iepile clean my_corpus --out clean_corpus --skip near --leak-from test
    """
    from iepile_dataset.cleaning.clean import clean as make

    with failing(), progress_bar("cleaning") as advance:
        done = make(out, corpus, options=options, overwrite=overwrite, progress=advance)
    _print_counts(done, options.rules)
    for problem in done.problems:
        say(f"not carried over: {problem}", style="yellow")
    kept, read = done.total("kept"), done.total("read")
    say(f"{kept:,} of {read:,} records in {out} ({done.seconds:.1f} s)")
    if kept < read:
        say(f"the other {read - kept:,} lie in {out / 'dropped'}, with their rule")


def _print_counts(done: "Cleaned", rules: tuple[str, ...]) -> None:
    columns = {"read": "read"}
    for rule in rules:
        columns |= {rule: rule} if rule != "normalise" else {"normalised": "normalised", "unnormalised": "left as is"}
    columns["kept"] = "kept"
    console.print(count_table("Records read, changed, dropped by each rule, kept", columns, done.counts, done.leaks))
    say("left as is: normalising would have lost a mention", style="dim")
    for source, leaks in done.leaks.items():
        if shared := ", ".join(f"{number:,} in {split}" for split, number in leaks.items() if number):
            say(f"{source}: distinct texts of train that are held out too: {shared}")
