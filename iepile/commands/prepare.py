"""`iepile prepare`; what shapes rows are the fields of `Options`."""

from collections import Counter
from typing import TYPE_CHECKING, Annotated

import typer

from iepile_dataset.options import Options

from ..console import Corpus, Tasks, console, count_table, failing, print_left_out, progress_bar, say

if TYPE_CHECKING:
    from iepile_dataset.export.prepare import Prepared

_COLUMNS = {
    "read": "read", "quarantined": "left out", "unlabelled": "unlabelled", "unasked": "not asked", "rows": "rows",
    "empty_rows": "empty",
}  # fmt: skip


def prepare(
    out: Annotated[str, typer.Option(help="The folder to make, or an address such as s3://bucket/rows.")],
    options: Options,
    corpus: Corpus = None,
    task: Tasks = None,
    form: Annotated[
        str, typer.Option("--format", help="parquet, or jsonl: the original's train.json, dev.json and test.json.")
    ] = "parquet",
    engine: Annotated[
        str, typer.Option(help="processes of this machine, or ray: the cluster at RAY_ADDRESS.")
    ] = "processes",
    num_proc: Annotated[int, typer.Option(min=1, help="Processes; the rows are the same for any number.")] = 1,
    overwrite: Annotated[bool, typer.Option("--overwrite", help="Replace a folder that was prepared before.")] = False,
) -> None:
    """Annotated text → instructions, as a folder that `load_dataset` reads.

    Every record is accounted for: what cannot be used lies in `quarantine.jsonl` with file, line and reason.

        iepile prepare --out rows                                  # the embedded sample

        iepile prepare my_corpus --out rows --task ner --num-proc 2
    """
    from iepile_dataset.export.prepare import prepare as make

    if form == "jsonl" and num_proc > 1:
        say("--format jsonl is written by one process: --num-proc is ignored", style="yellow")
    if options.tokenizer and options.max_prompt_tokens is None:
        say("--tokenizer is ignored: it counts for --max-prompt-tokens, which is not given", style="yellow")
    with failing(corpus=corpus), progress_bar("reading") as advance:
        done = make(
            out, corpus, tasks=task or (), options=options, form=form, engine=engine, num_proc=num_proc,
            overwrite=overwrite, progress=advance,
        )  # fmt: skip
    _print_counts(done)
    print_left_out(done.problems, done.left_out)
    if done.problems:
        say(f"all {done.left_out:,} lie in {out}/quarantine.jsonl")
    rows = done.total("rows")
    say(f"{rows:,} rows in {out} ({done.seconds:.1f} s, {rows / done.seconds:,.0f} rows/s)")
    say(f"rows_sha256 {done.rows_sha256}", style="dim")


def _print_counts(done: "Prepared") -> None:
    from iepile_dataset.instructions.generate import losses

    sums: Counter[tuple[str, str]] = Counter()
    for (key, what), number in done.counts.items():
        sums[key.rpartition("/")[0], what] += number
    console.print(count_table("Records read and rows made", _COLUMNS, sums, done.licences))
    say("left out: see below; not asked: no label to ask of it; empty: rows whose answer is empty", style="dim")
    say(*losses(done.counts))
    unstated = [key for key, words in done.licences.items() if not words]
    if unstated:
        say(f"no licence words in meta.json: {', '.join(unstated)}", style="yellow")
