"""`iepile score`: model answers in a file → scores, and a page about them."""

import sys
from collections.abc import Iterable
from pathlib import Path
from typing import Annotated, Any, Literal

import typer

from iepile_metric.accumulator import PARSES
from iepile_metric.matching import COUNTS, MATCHES

from ..console import console, failing, say
from ..console import errors as stderr


def _choice(values: Iterable[str], words: str) -> Any:
    def parse(value: str) -> str:
        if value not in names:
            raise typer.BadParameter(f"{value!r} is not one of {', '.join(names)}")
        return value

    names = [*values]
    return typer.Option(help=words, parser=parse, metavar=f"[{'|'.join(names)}]")


Match = Annotated[str, _choice(MATCHES, "When two texts are the same.")]
# Systems are compared by whole units, so there are no credits.
MatchWhole = Annotated[str, _choice([name for name in MATCHES if name != "overlap"], "When two texts are the same.")]
Count = Annotated[str, _choice(COUNTS, "Repetitions count as annotated, or each unit once.")]
Parse = Annotated[str, _choice(PARSES, "Repair answers where the meaning is plain, or refuse.")]
Task = Annotated[str | None, typer.Option(help="Task of rows that do not name theirs: ner, re, ee, eet, eea, spo, kg.")]
Json = Annotated[bool, typer.Option("--json", help="Print one JSON object for machines.")]


def score(
    file: Annotated[
        Path, typer.Argument(help="JSON lines with output, label, and id, task, source where known; .gz too.")
    ],
    task: Task = None,
    match: Match = "exact",
    count: Count = "multiset",
    parse: Parse = "lenient",
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
    json: Json = False,
    strict: Annotated[bool, typer.Option("--strict", help="Fail if any line could not be scored.")] = False,
) -> None:
    """Score a file of answers: precision, recall, F1, overall, per source and per label.

    Rows are what `iepile predict` writes. If they carry confidences, a table shows how often units of a confidence
    are right. If records were asked in several orders or batch sizes, each is scored apart and mean ± sd of F1 shown;
    all other figures are then those of the first way in the file. Lines that cannot be scored are reported with file
    and line, and the rest is scored; the exit code is 1 if nothing could be scored, or with --strict if any line could
    not.
    """
    options: dict[str, Any] = {"match": match, "count": count, "parse": parse}
    with failing(ValueError):
        bad = (
            _original(file, task, count, json)
            if compat
            else _score(file, task, options, json, report, errors=errors, resamples=resamples)
        )
        if table and not compat:
            _write_table(file, task, table, options)
    report_bad(bad, "could not be scored")
    if bad and strict and not compat:
        raise typer.Exit(1)


def _score(
    file: Path, task: str | None, options: dict[str, Any], json: bool, report: Path | None, **wanted: Any
) -> list[Any]:
    from iepile_metric.report import examine
    from iepile_metric.tables import tables

    examined = examine(file, task, title=file.name if report else "", **wanted, **options)
    by_task = examined.figures["tasks"]
    for name, stated in examined.figures.get("calibration", {}).items():
        if stated["misaligned"]:
            say(f"{name}: {stated['misaligned']} rows have confidences that do not fit their answer, left out", stderr)
    if report:
        report.parent.mkdir(parents=True, exist_ok=True)
        report.write_text(examined.page, encoding="utf-8")
        say(f"report: {report}", stderr)
    if json:
        single = next(iter(by_task.values())) if len(by_task) == 1 else {}
        print_json({**single, **examined.figures, "bad_lines": [str(line) for line in examined.bad]})
    else:
        for table in tables(examined.figures):
            console.print(table)
    return examined.bad


def _original(file: Path, task: str | None, count: str, json: bool) -> list[Any]:
    """Print the figures of the original toolkit."""
    from iepile_metric.files import rows_of
    from iepile_metric.original_scorer import original_score

    rows, bad = rows_of(file)
    names = {str(row.get("task") or task or "").lower() for row in rows}
    if len(names) != 1 or names == {""}:
        raise ValueError(f"{file}: the original scores one task at a time: give --task")
    scores = original_score(rows, names.pop(), count)
    if json:
        print_json(scores)
    else:
        for name, value in scores.items():
            say(f"{name.replace('_', ' '):24}{value:>10}")
    return bad


def _write_table(file: Path, task: str | None, table: Path, options: dict[str, Any]) -> None:
    import pyarrow.csv
    import pyarrow.parquet

    from iepile_metric.files import rows_of
    from iepile_metric.record_table import per_record

    records = per_record(rows_of(file, task)[0], task, **options)
    write = pyarrow.csv.write_csv if table.suffix == ".csv" else pyarrow.parquet.write_table
    write(records, table)
    say(f"table: {table} ({records.num_rows} records)", stderr)


def print_json(value: Any) -> None:
    """One JSON object on stdout."""
    import orjson

    sys.stdout.write(orjson.dumps(value, option=orjson.OPT_INDENT_2).decode() + "\n")


def report_bad(bad: list[Any], words: str, shown: int = 20) -> None:
    """The lines of a file that went wrong, on stderr."""
    for line in [f"{len(bad)} lines {words}:", *(f"  {line}" for line in bad[:shown])] if bad else ():
        say(line, stderr)
    if len(bad) > shown:
        say(f"  … and {len(bad) - shown} more", stderr)
