"""`iepile score`: model answers in a file → scores, and a page about them."""

from dataclasses import asdict, dataclass, replace
from io import BytesIO
from pathlib import Path
from typing import Annotated, Any, Literal

import typer

from iepile_metric.accumulator import ScoringOptions
from iepile_trainer.command_line import option

from ..console import console, failing, print_json, say
from ..console import errors as stderr


@dataclass(frozen=True)
class OutputOptions:
    """What commands that score files share."""

    task: str | None = option(None, "Task of rows that do not name theirs: ner, re, ee, eet, eea, spo, kg.")
    json: bool = option(False, "Print one JSON object for machines.")


_THEIRS = "By the names of the original's scorer"


@dataclass(frozen=True)
class OriginalNames:
    """The options of the original toolkit's scorer, so that its command lines score here.

    Raises:
        ValueError: A match mode or a key to sort by that it does not have.
    """

    path1: Path | None = option(None, "The file of answers.", panel=_THEIRS)
    match_mode: str | None = option(None, "normal is --count multiset.", choices=("normal", "set"), panel=_THEIRS)
    sort_by: str | None = option(
        None,
        "With --compat original, figures for each of them too; otherwise the tables have them.",
        choices=("source", "task"),
        panel=_THEIRS,
    )
    metrics_list: str = option("f1", "Taken and not needed: all figures are given.", panel=_THEIRS)
    language: str | None = option(None, "Taken and not needed.", choices=("en", "zh"), panel=_THEIRS)
    out_path: Path | None = option(None, "Write what --json prints to this file, too.", panel=_THEIRS)


def score(
    file: Annotated[
        Path | None,
        typer.Argument(
            help="JSON lines (or one array) with output, label, and id, task, source where known; predict, generated, "
            "response … of other toolkits; .gz too."
        ),
    ] = None,
    options: ScoringOptions = ScoringOptions(),  # noqa: B008 - frozen
    output: OutputOptions = OutputOptions(),
    names: OriginalNames = OriginalNames(),
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
        file = _file(file, names.path1)
        if names.match_mode:
            options = replace(options, count="multiset" if names.match_mode == "normal" else "set")
        if words := layout(file):
            say(words, to=stderr)
        if compat:
            bad, scores = _original(file, output, options.count, names.sort_by)
        else:
            bad, scores = _score(file, output, options, report, errors=errors, resamples=resamples)
        if names.out_path:
            from iepile_dataset.atomic import json_text, write_file

            write_file(names.out_path, json_text(scores))
            say(f"figures: {names.out_path}", to=stderr)
        if table and not compat:
            _write_table(file, output.task, table, options)
    report_bad(bad, "could not be scored")
    if bad and strict and not compat:
        raise typer.Exit(1)


def _file(file: Path | None, path1: Path | None) -> Path:
    if file and path1 and file != path1:
        raise ValueError(f"{file} and --path1 {path1}: give one of them")
    if not (file := file or path1):
        raise ValueError("no file of answers (iepile score FILE; iepile predict writes one)")
    return file


def _score(
    file: Path, output: OutputOptions, options: ScoringOptions, report: Path | None, **wanted: Any
) -> tuple[list[Any], dict[str, Any]]:
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
    single = next(iter(by_task.values())) if len(by_task) == 1 else {}
    scores = {**single, **examined.figures, "bad_lines": [str(line) for line in examined.bad]}
    if output.json:
        print_json(scores)
    else:
        from iepile_metric.tables import tables

        for table in tables(examined.figures):
            console.print(table)
    return examined.bad, scores


def _original(file: Path, output: OutputOptions, count: str, sort_by: str | None) -> tuple[list[Any], dict[str, Any]]:
    """Print the figures of the original toolkit, also of each source or task."""
    from iepile_metric.files import rows_of
    from iepile_metric.original_scorer import original_score

    rows, bad = rows_of(file, output.task)
    names = {str(row.get("task") or output.task or "").lower() for row in rows}
    if len(names) != 1 or names == {""}:
        raise ValueError(f"{file}: the original scores one task at a time: give --task")
    task = names.pop()
    scores: dict[str, Any] = dict(original_score(rows, task, count))
    if sort_by:
        of = sorted({str(row.get(sort_by)) for row in rows})
        scores["groups"] = {
            name: original_score([row for row in rows if str(row.get(sort_by)) == name], task, count) for name in of
        }
    if output.json:
        print_json(scores)
        return bad, scores
    for heading, figures in {"": scores, **scores.get("groups", {})}.items():
        say(*([f"{sort_by} {heading}"] if heading else []))
        for name, value in figures.items():
            if name != "groups":
                say(f"{name.replace('_', ' '):24}{value:>10}")
    return bad, scores


def _write_table(file: Path, task: str | None, table: Path, options: ScoringOptions) -> None:
    import pyarrow.csv
    import pyarrow.parquet

    from iepile_dataset.atomic import write_file
    from iepile_metric.files import rows_of
    from iepile_metric.record_table import per_record

    records = per_record(rows_of(file, task)[0], task, **asdict(options))
    content = BytesIO()
    if table.suffix == ".csv":
        pyarrow.csv.write_csv(_uncomputed(records), content)
    else:
        pyarrow.parquet.write_table(records, content)
    write_file(table, content.getvalue())
    say(f"table: {table} ({records.num_rows} records)", to=stderr)


def _uncomputed(records: Any) -> Any:
    """A table whose texts no spreadsheet takes for a formula: an apostrophe stands before them."""
    import pyarrow.compute

    for place, name in enumerate(records.column_names):
        if records.schema.field(name).type == "string":
            quoted = pyarrow.compute.replace_substring_regex(records.column(name), r"^([=+\-@\t\r])", r"'\1")
            records = records.set_column(place, name, quoted)
    return records


def report_bad(bad: list[Any], words: str, shown: int = 20) -> None:
    """The lines of a file that went wrong, on stderr."""
    if bad:
        say(f"{len(bad)} lines {words}:", *(f"  {line}" for line in bad[:shown]), to=stderr)
    if len(bad) > shown:
        say(f"  … and {len(bad) - shown} more", to=stderr)
