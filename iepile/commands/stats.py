"""`iepile stats`: what is in a corpus."""

from collections.abc import Mapping
from pathlib import Path
from typing import Annotated, Any

import typer
from rich import box
from rich.table import Table
from rich.text import Text

from iepile_dataset.options import Options, Selection

from ..console import Corpus, Json, Tasks, console, failing, print_json, print_left_out, progress_bar, say, table

_COUNTS = ("records", "left_out", "annotated", "mentions", "instructions")


def stats(
    selection: Selection,
    corpus: Corpus = None,
    out: Annotated[
        Path | None,
        typer.Option(
            help="Folder for stats.json, sunburst.png, lengths.png and stats.html, a page that needs no other file."
        ),
    ] = None,
    task: Tasks = None,
    tokenizer: Annotated[
        str | None, typer.Option(help="Name on the Hub or folder; without it tokens are not counted.")
    ] = None,
    json: Json = False,
) -> None:
    """Count what is in a corpus: records, instructions, labels, mentions, lengths, empty answers.

    By task, language, source and split, and by domain where a source's meta.json states one. Instructions are those
    that `prepare` makes at default options. Lines that cannot be used are counted, and the first ones shown.

        iepile stats my_corpus --out stats

        iepile stats my_corpus --tokenizer Qwen/Qwen3-0.6B --json
    """
    from iepile_dataset.statistics.fonts import families
    from iepile_dataset.statistics.pictures import write_statistics
    from iepile_dataset.statistics.stats import statistics

    with failing(corpus=corpus):
        fonts = families() if out else None  # before the work rather than after it
        with progress_bar("reading") as advance:
            options = Options(**vars(selection))
            counted = statistics(corpus, tasks=task or (), options=options, tokenizer=tokenizer, progress=advance)
        if out:
            write_statistics(counted, out, fonts)
    report = counted.report()
    if json:
        print_json(report)
        return
    _print(report)
    print_left_out(counted.problems, report["total"]["left_out"])
    if out:
        say(f"{out / 'stats.html'} shows all of it")


def _print(report: Mapping[str, Any]) -> None:
    sources = _table("Sources", report, "labels")
    for key, figures in report["sources"].items():
        used = sum(map(bool, figures["labels"].values()))
        _add(sources, key, figures, report, f"{used} of {len(figures['labels'])}")
    console.print(sources)
    groups = _table("Together", report)
    for name in ("tasks", "languages", "splits", "domains"):
        for group, figures in report[name].items():
            _add(groups, group, figures, report)
        groups.add_section()
    _add(groups, "all", report["total"], report)
    console.print(groups)
    tokens = f"tokens by {report['tokenizer']}" if report["tokenizer"] else "tokens: name a --tokenizer"
    say(
        f"a folder that serves several tasks counts for each: {report['records_once']:,} records in all; mentions: "
        "entities, relations or events, alike ones of a text once; empty: share of the instructions whose answer holds "
        f"nothing; labels: those that occur; lengths: median, 95th percentile, longest; {tokens}",
        style="dim",
    )


def _table(title: str, report: Mapping[str, Any], *more: str) -> Table:
    columns = [*(name.replace("_", " ") for name in _COUNTS), "empty", "characters"]
    columns += ["tokens", *more] if report["tokenizer"] else more
    return table(title, [""], columns, box=box.SIMPLE_HEAD, padding=(0, 1, 0, 0))


def _add(rows: Table, name: str, figures: Mapping[str, Any], report: Mapping[str, Any], *more: str) -> None:
    lengths = [figures["text_characters"], *([figures["text_tokens"]] if report["tokenizer"] else [])]
    words = [f"{facts['median']:,} / {facts['p95']:,} / {facts['max']:,}" if facts else "–" for facts in lengths]
    counts = [f"{figures[what]:,}" for what in _COUNTS]
    rows.add_row(Text(name), *counts, f"{figures['empty_share']:.1%}", *words, *more)
