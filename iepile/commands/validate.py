"""`iepile validate`."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Literal

import typer

if TYPE_CHECKING:
    from rich.console import Console

    from iepile_dataset.validation.report import Group, Report


def validate(
    paths: Annotated[
        list[str],
        typer.Argument(
            help="Corpus trees, sources, prepared folders, predictions, or single files of any format.",
            show_default=False,
        ),
    ],
    as_format: Annotated[
        str | None,
        typer.Option("--as", help="Take every file for this format instead of recognising it.", show_default=False),
    ] = None,
    format: Annotated[Literal["table", "json", "html"], typer.Option(help="How to report.")] = "table",
    out: Annotated[
        Path | None, typer.Option(help="Write the report to this file instead of the screen.", show_default=False)
    ] = None,
    examples: Annotated[int, typer.Option(min=-1, help="Places shown of each kind of finding; -1 for all.")] = 5,
) -> None:
    """Does the data fit its format, and does it mean what it says?

    Each file is checked against its JSON Schema, then for its meaning: mentions occur in the text, labels stand in the
    schema, roles belong to their event type, ids are not repeated. Exit code 1 where there are errors; warnings do not
    count.

        iepile validate my_corpus

        iepile validate predictions.jsonl --format html --out report.html
    """
    from rich.console import Console

    from iepile_dataset.validation.validate import validate as check

    from ..console import console, failing, progress_bar

    with failing():
        with progress_bar("checking", unit="bytes") as advance:
            report = check(paths, as_format=as_format, examples=examples, progress=advance)
        if format != "table":
            text = report.as_json() if format == "json" else report.as_html()
            if out is None:
                typer.echo(text, nl=False)
            else:
                out.write_text(text, "utf-8")
        elif out is None:
            _print(report, console)
        else:
            with out.open("w", encoding="utf-8") as file:
                _print(report, Console(file=file, width=160))
    if out is not None:
        console.print(f"{_summary(report)}; report in {out}", markup=False)
    if report.errors:
        raise typer.Exit(1)


def _print(report: "Report", console: "Console") -> None:
    from rich.table import Table
    from rich.text import Text

    for group in report.sorted_groups():
        table = Table(title=Text(_title(group)), title_justify="left", title_style="bold")
        for name in ("file:line", "reason", "remedy"):
            table.add_column(name, overflow="fold")
        for place in group.places:
            where = f"{place.file}:{place.line}" if place.line else place.file
            table.add_row(Text(where), Text(place.reason), Text(place.remedy))
        console.print(table)
        if group.count > len(group.places):
            console.print(f"… and {group.count - len(group.places):,} more\n")
    if report.skipped:
        console.print(f"not checked, no known format: {', '.join(report.skipped)}", style="dim", markup=False)
    console.print(_summary(report), style="bold red" if report.errors else "bold green")


def _title(group: "Group") -> str:
    files = f" in {len(group.files)} files" if len(group.files) > 1 else ""
    return f"{group.severity}: {group.kind} ({group.count:,}{files})"


def _summary(report: "Report") -> str:
    values = sum(checked.values for checked in report.files)
    found = f"{report.errors:,} errors, {report.warnings:,} warnings"
    return f"{found} in {len(report.files):,} files ({values:,} lines or rows)"
