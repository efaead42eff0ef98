"""`iepile score`: model answers in a file → scores, and a page about them."""

import sys
from pathlib import Path
from typing import Annotated, Any, Literal

import typer

Match = Literal["exact", "normalised", "overlap"]
Count = Literal["multiset", "set"]
Parse = Literal["lenient", "strict"]


def score(
    file: Annotated[
        Path, typer.Argument(help="JSON lines with output, label, and id, task, source where known; .gz too.")
    ],
    task: Annotated[
        str | None,
        typer.Option(help="Task of rows that do not name theirs: ner, re, ee, eet, eea, spo, kg."),
    ] = None,
    match: Annotated[Match, typer.Option(help="When two texts are the same.")] = "exact",
    count: Annotated[Count, typer.Option(help="Repetitions count as annotated, or each unit once.")] = "multiset",
    parse: Annotated[Parse, typer.Option(help="Repair answers where the meaning is plain, or refuse.")] = "lenient",
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
    json: Annotated[bool, typer.Option("--json", help="Print one JSON object for machines.")] = False,
    strict: Annotated[bool, typer.Option("--strict", help="Fail if any line could not be scored.")] = False,
) -> None:
    """Score a file of answers: precision, recall, F1, overall, per source and per label.

    Rows are what `iepile predict` writes. If they carry confidences, a table shows how often units of a confidence
    are right. If records were asked in several orders or batch sizes, each is scored apart and mean ± sd of F1 shown;
    all other figures are then those of the first way in the file. Lines that cannot be scored are reported with file
    and line, and the rest is scored; the exit code is 1 if nothing could be scored, or with --strict if any line could
    not.
    """
    from iepile_metric.files import score_file
    from iepile_metric.robustness import KEYS, fields_in, score_ways

    if compat:
        _original(file, task, count, json)
        return
    options: dict[str, Any] = {"match": match, "count": count, "parse": parse}
    page: Any = None
    calibration: Any = None
    spread: dict[str, Any] = {}
    try:
        fields = fields_in(file)
        if report or errors or resamples:
            from iepile_metric.report import Report

            page = Report(match)
        if "confidence" in fields:
            from iepile_metric.calibration import Calibration

            calibration = Calibration(match, parse)
        watch = _both(page, calibration)
        if fields & set(KEYS):
            scores, spread, bad = score_ways(file, task, watch, **options)
        else:
            scores, bad = score_file(file, task, watch=watch, **options)
    except ValueError as error:
        raise _failed(str(error)) from error
    found = {"tasks": scores.get("tasks") or {scores["task"]: scores}}
    if spread:
        found["spread"] = spread
    if calibration and (sure := calibration.summary()):
        found["calibration"] = sure
        for name, one in sure.items():
            if one["misaligned"]:
                told = f"{name}: {one['misaligned']} rows have confidences that do not fit their answer, left out"
                print(told, file=sys.stderr)
    if errors:
        found["errors"] = page.analysis.summary(scores)
    if resamples:
        from iepile_metric.bootstrap import intervals

        found["intervals"] = intervals(page.counted, resamples)
    if report:
        report.parent.mkdir(parents=True, exist_ok=True)
        report.write_text(page.html(scores, file.name, resamples or 1_000), encoding="utf-8")
        print(f"report: {report}", file=sys.stderr)
    if table:
        _write_table(file, task, table, {"match": match, "count": count, "parse": parse})
    if json:
        import orjson

        single = next(iter(found["tasks"].values())) if len(found["tasks"]) == 1 else {}
        reported = {**single, **found, "bad_lines": [str(line) for line in bad]}
        sys.stdout.write(orjson.dumps(reported, option=orjson.OPT_INDENT_2).decode() + "\n")
    else:
        from iepile.console import console
        from iepile_metric.tables import tables

        for each in tables(found):
            console.print(each)
    _report_bad(bad)
    if bad and strict:
        raise typer.Exit(1)


def _both(*watchers: Any) -> Any:
    """One watcher for those that there are, None for none."""
    watching = [watcher for watcher in watchers if watcher]
    if len(watching) < 2:
        return watching[0] if watching else None
    return lambda record, outcomes: [watcher(record, outcomes) for watcher in watching]


def _failed(reason: str) -> typer.Exit:
    print(f"error: {reason}", file=sys.stderr)
    return typer.Exit(1)


def _report_bad(bad: list[Any], shown: int = 20) -> None:
    if not bad:
        return
    print(f"{len(bad)} lines could not be scored:", file=sys.stderr)
    for line in bad[:shown]:
        print(f"  {line}", file=sys.stderr)
    if len(bad) > shown:
        print(f"  … and {len(bad) - shown} more", file=sys.stderr)


def _original(file: Path, task: str | None, count: str, json: bool) -> None:
    """Print the figures of the original toolkit."""
    import orjson

    from iepile_metric.files import rows_of
    from iepile_metric.original_scorer import original_score

    try:
        rows, bad = rows_of(file)
        names = {str(row.get("task") or task or "").lower() for row in rows}
        if len(names) != 1 or names == {""}:
            raise ValueError(f"{file}: the original scores one task at a time: give --task")
        scores = original_score(rows, names.pop(), count)
    except ValueError as error:
        raise _failed(str(error)) from error
    if json:
        sys.stdout.write(orjson.dumps(scores, option=orjson.OPT_INDENT_2).decode() + "\n")
    else:
        for name, value in scores.items():
            print(f"{name.replace('_', ' '):24}{value:>10}")
    _report_bad(bad)


def _write_table(file: Path, task: str | None, table: Path, options: dict[str, Any]) -> None:
    import pyarrow.csv
    import pyarrow.parquet

    from iepile_metric.files import rows_of
    from iepile_metric.record_table import per_record

    rows, _ = rows_of(file, task)
    found = per_record(rows, task, **options)
    if table.suffix == ".csv":
        pyarrow.csv.write_csv(found, table)
    else:
        pyarrow.parquet.write_table(found, table)
    print(f"table: {table} ({found.num_rows} records)", file=sys.stderr)
