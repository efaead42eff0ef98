"""`iepile validate`."""

import posixpath
import sys
from collections import Counter, defaultdict
from io import StringIO
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Literal

import typer
from rich.console import Console

from iepile_dataset.atomic import write_file

from ..console import console, errors, failing, import_hint, problem_table, progress_bar, say

if TYPE_CHECKING:
    from iepile_dataset.validation.report import Report


def validate(
    paths: Annotated[
        list[str],
        typer.Argument(help="Corpus trees, sources, prepared folders, predictions, or single files of any format."),
    ],
    as_format: Annotated[
        str | None, typer.Option("--as", help="Take every file for this format instead of recognising it.")
    ] = None,
    format: Annotated[Literal["table", "json", "html"], typer.Option(help="How to report.")] = "table",
    out: Annotated[Path | None, typer.Option(help="Write the report to this file instead of the screen.")] = None,
    examples: Annotated[int, typer.Option(min=-1, help="Places shown of each kind of finding; -1 for all.")] = 5,
) -> None:
    """Does the data fit its format, and does it mean what it says?

    Each file is checked against its JSON Schema, then for its meaning: mentions occur in the text, labels stand in the
    schema, roles belong to their event type, ids are not repeated. Exit code 1 where there are errors; warnings do not
    count.

        iepile validate my_corpus

        iepile validate predictions.jsonl --format html --out report.html
    """
    from iepile_dataset.validation.validate import validate as check

    with failing(corpus=paths[0]):
        with progress_bar("checking") as advance:
            report = check(paths, as_format=as_format, examples=examples, progress=advance)
        written = StringIO()
        if format == "table":
            _print(report, Console(file=written, width=160) if out else console)
        else:
            written.write(report.as_json() if format == "json" else report.as_html())
        if out:
            write_file(out, written.getvalue())
        else:
            sys.stdout.write(written.getvalue())
    if out:
        say(f"{_summary(report)}; report in {out}")
    if report.errors:
        for hint in filter(None, map(import_hint, paths)):
            say(hint, to=errors)
        raise typer.Exit(1)


def _print(report: "Report", console: Console) -> None:
    for group in report.sorted_groups():
        files = f" in {len(group.files)} files" if len(group.files) > 1 else ""
        console.print(problem_table(f"{group.severity}: {group.kind} ({group.count:,}{files})", group.places))
        if group.count > len(group.places):
            console.print(f"… and {group.count - len(group.places):,} more\n")
    taken = defaultdict[str, Counter[str]](Counter)
    for checked in report.files:
        taken[checked.format][posixpath.basename(checked.file)] += 1
    for form, names in sorted(taken.items()):
        files = ", ".join(name if number == 1 else f"{name} ({number:,})" for name, number in names.items())
        say(f"taken for {form}: {files}", to=console, style="dim")
    console.print(_summary(report), style="bold red" if report.errors else "bold green")


def _summary(report: "Report") -> str:
    values = sum(checked.values for checked in report.files)
    counts = f"{report.errors:,} errors, {report.warnings:,} warnings"
    return f"{counts} in {len(report.files):,} files ({values:,} lines or rows)"
