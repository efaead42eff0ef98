"""`iepile score`: model answers in a file → scores, and a page about them."""

from dataclasses import asdict, dataclass, field
from io import BytesIO
from pathlib import Path
from typing import Annotated, Any, Literal

import typer

from iepile_metric.accumulator import ScoringOptions

from ..console import console, failing, print_json, say
from ..console import errors as stderr


@dataclass(frozen=True)
class OutputOptions:
    """What commands that score files share."""

    task: str | None = field(
        default=None, metadata={"help": "Task of rows that do not name theirs: ner, re, ee, eet, eea, spo, kg."}
    )
    json: bool = field(default=False, metadata={"help": "Print one JSON object for machines."})


def score(
    file: Annotated[
        Path,
        typer.Argument(
            help="JSON lines (or one array) with output, label, and id, task, source where known; predict, generated, "
            "response … of other toolkits; .gz too."
        ),
    ],
    options: ScoringOptions,
    output: OutputOptions,
    compat: Annotated[
        Literal["original"] | None, typer.Option(help="Count as the original toolkit does, in per cent.")
    ] = None,
    errors: Annotated[bool, typer.Option("--errors", help="Name the errors, by kind and by label.")] = False,
    resamples: Annotated[
        int, typer.Option(help="Bootstrap samples for 95 % intervals of F1; 0 for none, 10000 to publish.")
    ] = 0,
    report: Annotated[Path | None, typer.Option(help="Write a page with every record to this file.")] = None,
    table: Annotated[
        Path | None, typer.Option(help="Write one row per record to this file (.parquet or .csv).")
    ] = None,
    strict: Annotated[bool, typer.Option("--strict", help="Fail if any line could not be scored.")] = False,
) -> None:
    """Score a file of answers: precision, recall, F1, overall, per source and per label.

    Rows are what `iepile predict` writes. If they carry confidences, a table shows how often units of a confidence
    are right. If records were asked in several orders or batch sizes, each is scored apart and mean ± sd of F1 shown;
    all other figures are then those of the first way in the file. Lines that cannot be scored are reported with file
    and line, and the rest is scored; the exit code is 1 if nothing could be scored, or with --strict if any line could
    not.
    """
    from iepile_metric.files import layout

    with failing():
        if words := layout(file):
            say(words, to=stderr)
        if compat:
            bad = _original(file, output, options.count)
        else:
            bad = _score(file, output, options, report, errors=errors, resamples=resamples)
        if table and not compat:
            _write_table(file, output.task, table, options)
    report_bad(bad, "could not be scored")
    if bad and strict and not compat:
        raise typer.Exit(1)


def _score(file: Path, output: OutputOptions, options: ScoringOptions, report: Path | None, **wanted: Any) -> list[Any]:
    from iepile_metric.report import examine

    examined = examine(file, output.task, title=file.name if report else "", **wanted, **asdict(options))
    by_task = examined.figures["tasks"]
    for name, stated in examined.figures.get("calibration", {}).items():
        if count := stated["misaligned"]:
            say(f"{name}: {count} rows have confidences that do not fit their answer, left out", to=stderr)
    if report:
        from iepile_dataset.atomic import write_file

        write_file(report, examined.page)
        say(f"report: {report}", to=stderr)
    if output.json:
        single = next(iter(by_task.values())) if len(by_task) == 1 else {}
        print_json({**single, **examined.figures, "bad_lines": [str(line) for line in examined.bad]})
    else:
        from iepile_metric.tables import tables

        for table in tables(examined.figures):
            console.print(table)
    return examined.bad


def _original(file: Path, output: OutputOptions, count: str) -> list[Any]:
    """Print the figures of the original toolkit."""
    from iepile_metric.files import rows_of
    from iepile_metric.original_scorer import original_score

    rows, bad = rows_of(file, output.task)
    names = {str(row.get("task") or output.task or "").lower() for row in rows}
    if len(names) != 1 or names == {""}:
        raise ValueError(f"{file}: the original scores one task at a time: give --task")
    scores = original_score(rows, names.pop(), count)
    if output.json:
        print_json(scores)
    else:
        for name, value in scores.items():
            say(f"{name.replace('_', ' '):24}{value:>10}")
    return bad


def _write_table(file: Path, task: str | None, table: Path, options: ScoringOptions) -> None:
    import pyarrow.csv
    import pyarrow.parquet

    from iepile_dataset.atomic import write_file
    from iepile_metric.files import rows_of
    from iepile_metric.record_table import per_record

    records = per_record(rows_of(file, task)[0], task, **asdict(options))
    write = pyarrow.csv.write_csv if table.suffix == ".csv" else pyarrow.parquet.write_table
    write(records, content := BytesIO())
    write_file(table, content.getvalue())
    say(f"table: {table} ({records.num_rows} records)", to=stderr)


def report_bad(bad: list[Any], words: str, shown: int = 20) -> None:
    """The lines of a file that went wrong, on stderr."""
    if bad:
        say(f"{len(bad)} lines {words}:", *(f"  {line}" for line in bad[:shown]), to=stderr)
    if len(bad) > shown:
        say(f"  … and {len(bad) - shown} more", to=stderr)
