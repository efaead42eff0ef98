"""`iepile stats`: what is in a corpus."""

import sys
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from ..choices import Corpus, Language, Sources, Tasks

if TYPE_CHECKING:
    from rich.table import Table


def stats(
    corpus: Corpus = None,
    out: Annotated[
        Path | None,
        typer.Option(
            help="Folder for stats.json, sunburst.png, lengths.png and stats.html, a page that needs no other file.",
            show_default=False,
        ),
    ] = None,
    task: Tasks = None,
    language: Language = None,
    source: Sources = None,
    tokenizer: Annotated[
        str | None,
        typer.Option(help="Name on the Hub or folder; without it tokens are not counted.", show_default=False),
    ] = None,
    json: Annotated[bool, typer.Option("--json", help="Print one JSON object for machines.")] = False,
) -> None:
    """Count what is in a corpus: records, instructions, labels, mentions, lengths, empty answers.

    By task, language, source and split, and by domain where a source's meta.json states one. Instructions are those
    that `prepare` makes at default options. Lines that cannot be used are counted, and the first ones shown.

        iepile stats my_corpus --out stats

        iepile stats my_corpus --tokenizer Qwen/Qwen3-0.6B --json
    """
    from iepile_dataset.options import Options
    from iepile_dataset.statistics.pictures import installed_fonts, write_statistics
    from iepile_dataset.statistics.stats import statistics

    from ..console import failing, progress_bar

    with failing():
        fonts = installed_fonts() if out else None  # before the work rather than after it
        with progress_bar("reading", unit="bytes") as advance:
            counted = statistics(
                corpus, tasks=task or (), options=Options(language, tuple(source) if source else None),
                tokenizer=tokenizer, progress=advance,
            )  # fmt: skip
        if out:
            write_statistics(counted, out, fonts)
    report = counted.report()
    if json:
        import orjson

        sys.stdout.write(orjson.dumps(report, option=orjson.OPT_INDENT_2).decode() + "\n")
    else:
        from ..left_out import print_left_out

        _print(report)
        print_left_out(counted.problems, report["total"]["left_out"])
        if out:
            from ..console import console

            console.print(f"{out / 'stats.html'} shows all of it", markup=False, highlight=False, soft_wrap=True)


def _print(report: Mapping[str, Any]) -> None:
    from ..console import console

    sources = _table("Sources", report)
    sources.add_column("labels", justify="right", no_wrap=True)
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
    console.print(
        f"a folder that serves several tasks counts for each: {report['records_once']:,} records in all; mentions: "
        "entities, relations or events, alike ones of a text once; empty: share of the instructions whose answer holds "
        f"nothing; labels: those that occur; lengths: median, 95th percentile, longest; {tokens}",
        style="dim",
        markup=False,
        highlight=False,
    )


def _table(title: str, report: Mapping[str, Any]) -> "Table":
    from rich import box
    from rich.table import Table

    table = Table(title=title, title_justify="left", box=box.SIMPLE_HEAD, padding=(0, 1, 0, 0))
    table.add_column("", overflow="fold")
    for name in ("records", "left out", "annotated", "mentions", "instructions", "empty", "characters"):
        table.add_column(name, justify="right", no_wrap=True)
    if report["tokenizer"]:
        table.add_column("tokens", justify="right", no_wrap=True)
    return table


def _add(table: "Table", name: str, figures: Mapping[str, Any], report: Mapping[str, Any], *more: str) -> None:
    from rich.text import Text

    counts = [f"{figures[what]:,}" for what in ("records", "left_out", "annotated", "mentions", "instructions")]
    lengths = [_lengths(figures["text_characters"])]
    lengths += [_lengths(figures["text_tokens"])] if report["tokenizer"] else []
    table.add_row(Text(name), *counts, f"{figures['empty_share']:.1%}", *lengths, *more)


def _lengths(facts: Mapping[str, Any] | None) -> str:
    return f"{facts['median']:,} / {facts['p95']:,} / {facts['max']:,}" if facts else "–"
