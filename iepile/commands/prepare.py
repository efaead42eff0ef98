"""`iepile prepare`."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

if TYPE_CHECKING:
    from iepile_dataset.prepare import Prepared

_SHOWN = 20


def prepare(
    corpus: Annotated[
        str | None,
        typer.Argument(
            help="A corpus tree (IE-en/NER/<source>/train.json …), one of its folders, or one source; "
            "the embedded sample where left out.",
            show_default=False,
        ),
    ] = None,
    out: Annotated[Path, typer.Option(help="The folder to make.", show_default=False)] = ...,  # type: ignore[assignment]
    task: Annotated[
        list[str] | None,
        typer.Option(help="ner, re, ee, eet or eea; repeat for several. All by default.", show_default=False),
    ] = None,
    language: Annotated[str | None, typer.Option(help="en or zh; both by default.", show_default=False)] = None,
    source: Annotated[
        list[str] | None, typer.Option(help="Only this source; repeat for several.", show_default=False)
    ] = None,
    split_num: Annotated[
        int | None,
        typer.Option(
            help="The most labels in one instruction; 6 for NER and 4 otherwise by default, -1 for all at once.",
            show_default=False,
        ),
    ] = None,
    negatives: Annotated[
        str,
        typer.Option(
            help="Labels asked of a training text that do not occur in it: all, none, or "
            "a share of them between 0 and 1."
        ),
    ] = "all",
    seed: Annotated[int, typer.Option(help="Seeds the choice and order of labels in the train split.")] = 42,
    epoch: Annotated[int, typer.Option(help="Draws them anew from the same seed.")] = 0,
    num_proc: Annotated[int, typer.Option(min=1, help="Processes; the rows are the same for any number.")] = 1,
    strict: Annotated[bool, typer.Option("--strict", help="Stop at the first bad record.")] = False,
    overwrite: Annotated[bool, typer.Option("--overwrite", help="Replace a folder that was prepared before.")] = False,
) -> None:
    """Annotated text → instructions, as a folder of Parquet that `load_dataset` reads.

    Every record is accounted for: what cannot be used lies in `quarantine.jsonl` with file, line and reason.

        iepile prepare --out rows                                  # the embedded sample

        iepile prepare my_corpus --out rows --task ner --num-proc 2
    """
    from iepile_dataset.options import Options
    from iepile_dataset.prepare import prepare as make

    from ..console import console, failing, progress_bar

    with failing(), progress_bar("reading", unit="bytes") as advance:
        done = make(
            out, corpus, tasks=task or (), num_proc=num_proc, overwrite=overwrite, progress=advance,
            options=Options(language=language, source=tuple(source) if source else None, split_num=split_num, negatives=negatives, seed=seed, epoch=epoch, strict=strict),
        )  # fmt: skip
    _print_counts(done)
    if done.problems:
        _print_problems(done)
    rate = done.total("rows") / done.seconds
    console.print(f"[bold]{done.total('rows'):,}[/] rows in {out} ({done.seconds:.1f} s, {rate:,.0f} rows/s)")


def _print_counts(done: "Prepared") -> None:
    from collections import Counter

    from rich.table import Table

    from ..console import console

    columns = ("read", "quarantined", "unlabelled", "unasked", "rows", "empty_rows")
    sums: Counter[tuple[str, str]] = Counter()
    for (key, what), number in done.counts.items():
        sums[key.rpartition("/")[0], what] += number
    table = Table(title="Records read and rows made", title_justify="left")
    table.add_column("source", overflow="fold")
    for name in ("read", "left out", "unlabelled", "not asked", "rows", "empty"):
        table.add_column(name, justify="right", no_wrap=True)
    for key in done.licences:
        table.add_row(key, *(f"{sums[key, what]:,}" for what in columns))
    table.add_section()
    table.add_row("all", *(f"{done.total(what):,}" for what in columns))
    console.print(table)
    console.print(
        "left out: see below; not asked: no label to ask of it; empty: rows whose answer is empty",
        style="dim",
    )
    unstated = [key for key, licence in done.licences.items() if not licence]
    if unstated:
        console.print(f"no licence words in meta.json: {', '.join(unstated)}", style="yellow", markup=False)


def _print_problems(done: "Prepared") -> None:
    from rich.table import Table
    from rich.text import Text

    from ..console import console

    table = Table(title="Left out", title_justify="left")
    for name in ("file:line", "reason", "remedy"):
        table.add_column(name, overflow="fold")
    for problem in done.problems[:_SHOWN]:
        place = f"{problem.file}:{problem.line}" if problem.line else problem.file
        table.add_row(Text(place), Text(problem.reason), Text(problem.remedy))
    console.print(table)
    if len(done.problems) > _SHOWN:
        console.print(f"… and {len(done.problems) - _SHOWN:,} more")
    console.print(f"all {len(done.problems):,} lie in {done.folder / 'quarantine.jsonl'}")
