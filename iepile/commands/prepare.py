"""`iepile prepare`."""

from collections import Counter
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from ..choices import Corpus, Language, Sources, Tasks

if TYPE_CHECKING:
    from iepile_dataset.export.prepare import Prepared


def _option(text: str, name: str | None = None) -> typer.models.OptionInfo:
    names = [name] if name else []
    option: typer.models.OptionInfo = typer.Option(*names, help=text, show_default=False)
    return option


def prepare(
    out: Annotated[Path, _option("The folder to make.", "--out")],
    corpus: Corpus = None,
    task: Tasks = None,
    language: Language = None,
    source: Sources = None,
    licence: Annotated[
        str | None, _option("Only sources whose licence plainly allows this use: any, derivatives or commercial.")
    ] = None,
    split_num: Annotated[
        int | None, _option("The most labels in one instruction. Default: 6 for NER, 1 for KG, 4 otherwise; -1: all.")
    ] = None,
    remainder: Annotated[str, typer.Option(help="even batches, or merge: the original's rule.")] = "even",
    negatives: Annotated[
        str,
        typer.Option(
            help="Labels asked of a training text that do not occur in it: all, none, a share of them from 0 "
            "to 1, or hard: those of --hard-negatives and at most split_num others."
        ),
    ] = "all",
    hard_negatives: Annotated[str | None, _option("The dictionary for hard (iepile negatives mine makes one).")] = None,
    max_empty: Annotated[
        float | None, _option("The largest share of training rows with an empty answer, 0 to 1.")
    ] = None,
    seed: Annotated[int, typer.Option(help="Seeds the choice and order of labels in the train split.")] = 42,
    epoch: Annotated[int, typer.Option(help="Draws them anew from the same seed.")] = 0,
    descriptions: Annotated[
        bool, typer.Option("--descriptions", help="Put the schema's label descriptions into the instruction.")
    ] = False,
    max_prompt_tokens: Annotated[
        int | None, _option("The most tokens of an instruction; batches, role lists and texts are cut to fit.")
    ] = None,
    tokenizer: Annotated[
        str | None, _option("Folder, tokenizer.json or Hub name of the tokenizer that counts them.")
    ] = None,
    form: Annotated[
        str, typer.Option("--format", help="parquet, or jsonl: the original's train.json, dev.json and test.json.")
    ] = "parquet",
    num_proc: Annotated[int, typer.Option(min=1, help="Processes; the rows are the same for any number.")] = 1,
    strict: Annotated[bool, typer.Option("--strict", help="Stop at the first bad record.")] = False,
    overwrite: Annotated[bool, typer.Option("--overwrite", help="Replace a folder that was prepared before.")] = False,
) -> None:
    """Annotated text → instructions, as a folder that `load_dataset` reads.

    Every record is accounted for: what cannot be used lies in `quarantine.jsonl` with file, line and reason.

        iepile prepare --out rows                                  # the embedded sample

        iepile prepare my_corpus --out rows --task ner --num-proc 2
    """
    from iepile_dataset.export.prepare import prepare as make
    from iepile_dataset.options import Options

    from ..console import console, failing, progress_bar
    from ..left_out import print_left_out

    if form == "jsonl" and num_proc > 1:
        console.print("--format jsonl is written by one process: --num-proc is ignored", style="yellow")
    if tokenizer and max_prompt_tokens is None:
        console.print("--tokenizer is ignored: it counts for --max-prompt-tokens, which is not given", style="yellow")
    with failing(), progress_bar("reading") as advance:
        options = Options(
            language=language,
            source=tuple(source) if source else None,
            licence=licence,
            split_num=split_num,
            remainder=remainder,
            negatives=negatives,
            hard_negatives=hard_negatives,
            max_empty=max_empty,
            seed=seed,
            epoch=epoch,
            descriptions=descriptions,
            max_prompt_tokens=max_prompt_tokens,
            tokenizer=tokenizer,
            strict=strict,
        )
        done = make(
            out, corpus, tasks=task or (), options=options, form=form, num_proc=num_proc, overwrite=overwrite,
            progress=advance,
        )  # fmt: skip
    _print_counts(done)
    print_left_out(done.problems, done.left_out)
    if done.problems:
        console.print(f"all {done.left_out:,} lie in {out / 'quarantine.jsonl'}", markup=False, soft_wrap=True)
    told = (
        f"{done.total('rows'):,} rows in {out} ({done.seconds:.1f} s, {done.total('rows') / done.seconds:,.0f} rows/s)"
    )
    console.print(told, markup=False, soft_wrap=True)
    console.print(f"rows_sha256 {done.rows_sha256}", style="dim")


def _print_counts(done: "Prepared") -> None:
    from rich.table import Table
    from rich.text import Text

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
        table.add_row(Text(key), *(f"{sums[key, what]:,}" for what in columns))
    table.add_section()
    table.add_row("all", *(f"{done.total(what):,}" for what in columns))
    console.print(table)
    console.print(
        "left out: see below; not asked: no label to ask of it; empty: rows whose answer is empty", style="dim"
    )
    for what, told in (
        (
            "dropped_empty",
            "rows with an empty answer were dropped to keep --max-empty ({before:,} before, {after:,} after)",
        ),
        ("windows", "more windows were cut from texts that are longer than the budget"),
        ("lost", "annotated units stand in no window as a whole and are not in any answer"),
        ("over", "instructions are longer than the budget all the same: it is too small for them"),
        ("unknown_hard_negatives", "labels of the hard-negative dictionary are not in their schema and were ignored"),
    ):
        if number := done.total(what):
            after = done.total("empty_rows")
            console.print(f"{number:,} {told.format(before=after + number, after=after)}")
    unstated = [key for key, words in done.licences.items() if not words]
    if unstated:
        console.print(f"no licence words in meta.json: {', '.join(unstated)}", style="yellow", markup=False)
