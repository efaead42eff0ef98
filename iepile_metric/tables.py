"""Scores as tables for a terminal. Names from data are `Text`: rich would read "[bold]" as its markup."""

from collections.abc import Iterator
from typing import Any

from rich.table import Table
from rich.text import Text

from .variants import KEYS

_COUNTS = ("records", "rows", "unparseable", "recovered", "unlabelled", "conflicting_labels")


def tables(found: dict[str, Any]) -> Iterator[Table]:
    """Yield the tables of all tasks.

    Args:
        found: {"tasks": {name: scores}}, and "errors", "intervals", "spread" and "calibration" if at hand.
    """
    for task, scores in found["tasks"].items():
        yield from task_tables(task, scores)
        if task in found.get("intervals", {}):
            yield _intervals(found["intervals"][task])
        if task in found.get("spread", {}):
            yield _spread(found["spread"][task])
        for measure, sure in found.get("calibration", {}).get(task, {}).get("measures", {}).items():
            yield from _calibration(measure, sure)
        for measure, errors in found.get("errors", {}).get(task, {}).items():
            yield _errors(measure, errors)


def _intervals(certain: dict[str, Any]) -> Table:
    table = Table(title=f"F1, {certain['level']:.0%} interval over {certain['records']} records", title_justify="left")
    for name in ("", "low", "high"):
        table.add_column(name, justify="right" if name else "left")
    rows = {"all": certain["f1"], **(certain["sources"] if len(certain["sources"]) > 1 else {})}
    for name, (low, high) in rows.items():
        table.add_row(Text(name), f"{low:.4f}", f"{high:.4f}")
    return table


def _spread(spread: dict[str, Any]) -> Table:
    """F1 of each way to ask, and their mean and deviation."""
    named = [name for name in KEYS if any(way[name] is not None for way in spread["ways"])]
    f1 = spread["f1"]
    title = f"F1 over {len(spread['ways'])} ways to ask: {_moments(f1)}; above, the first"
    table = Table(title=title, title_justify="left")
    for name in (*named, "precision", "recall", "F1"):
        table.add_column(name.replace("_", " "), justify="right")
    for way in spread["ways"]:
        keys = ["" if way[name] is None else str(way[name]) for name in named]
        table.add_row(*keys, *(f"{way[name]:.4f}" for name in ("precision", "recall", "f1")))
    for source, moments in spread["sources"].items():
        if len(spread["sources"]) > 1:
            table.add_row(Text(source), *[""] * (len(named) + 1), _moments(moments), style="cyan")
    return table


def _moments(moments: dict[str, float | None]) -> str:
    return f"{moments['mean']:.4f}" + (f" ± {moments['sd']:.4f}" if moments["sd"] is not None else "")


def _calibration(measure: str, sure: dict[str, Any]) -> Iterator[Table]:
    """How often units of a confidence are right, and what leaving out the unsure ones brings."""
    if not sure["known"]:
        return
    told = f"{sure['known']} of {sure['units']} {measure} units"
    errors = f"calibration error {sure['ece']:.4f}, Brier {sure['brier']:.4f}"
    bins = Table(title=f"confidence: {told}; {errors}", title_justify="left")
    for name in ("confidence", "units", "mean", "right"):
        bins.add_column(name, justify="right")
    for line in sure["bins"]:
        low_high = f"{line['low']:.1f} to {line['high']:.1f}"
        bins.add_row(low_high, str(line["units"]), f"{line['confidence']:.4f}", f"{line['precision']:.4f}")
    bins.add_row("all", str(sure["known"]), f"{sure['confidence']:.4f}", f"{sure['precision']:.4f}", style="bold")
    yield bins
    cuts = Table(title="with --min-confidence", title_justify="left")
    for name in ("at least", "units", "precision", "recall", "F1"):
        cuts.add_column(name, justify="right")
    best = max(sure["cuts"], key=lambda line: line["f1"])
    for line in sure["cuts"]:
        figures = (f"{line[name]:.4f}" for name in ("precision", "recall", "f1"))
        style = "bold" if line is best else None
        cuts.add_row(f"{line['min_confidence']:.2f}", str(line["kept"]), *figures, style=style)
    yield cuts


def _errors(measure: str, errors: dict[str, Any], labels: int = 20) -> Table:
    """Kinds of error in columns, labels in rows, those with most errors first."""
    kinds = list(errors["kinds"])
    table = Table(title=f"errors: {measure}, {errors['lost_f1']:.4f} of F1 lost", title_justify="left")
    table.add_column("label")
    for kind in kinds:
        table.add_column(kind, justify="right")
    table.add_row("all", *(_number(errors["kinds"][kind]["count"]) for kind in kinds), style="bold")
    table.add_row("share of F1", *(f"{errors['kinds'][kind]['share']:.4f}" for kind in kinds), style="cyan")
    ordered = sorted(errors["labels"].items(), key=lambda item: (-sum(item[1].values()), item[0]))
    for label, counts in ordered[:labels]:
        table.add_row(Text(label), *(_number(counts.get(kind, 0)) for kind in kinds))
    if len(ordered) > labels:
        table.add_row(f"… {len(ordered) - labels} more", *("" for _ in kinds))
    return table


def comparison(result: dict[str, Any], first: str, second: str) -> Table:
    """Lay out the result of `bootstrap.compare`."""
    left_out = result["only_first"] + result["only_second"]
    note = f", {left_out} records in one file only" if left_out else ""
    table = Table(title=f"{result['records']} records, {result['test']} test{note}", title_justify="left")
    table.add_column("")
    for name in (Text(first), Text(second), "difference", f"{result['level']:.0%} interval", "p"):
        table.add_column(name, justify="right")
    for label, figures in {"all": result, **result["labels"]}.items():
        table.add_row(
            Text(label),
            *(f"{value:.4f}" for value in figures["f1"]),
            f"{figures['difference']:+.4f}",
            "{:+.4f} … {:+.4f}".format(*figures["interval"]),
            f"{figures['p_value']:.4f}",
            style="bold" if figures is result else None,
        )
    return table


def task_tables(task: str, scores: dict[str, Any], labels: int = 40) -> Iterator[Table]:
    """Yield the tables of one task's result: figures and sources, labels, what was counted.

    Args:
        task: Its name.
        scores: What `iepile_metric.score` returned for it.
        labels: How many labels are shown, those with most support first.
    """
    headline = f"{scores['definitions']['headline']}_"
    prefixes = [key.removesuffix("f1") for key in scores if key.endswith("f1") and key != f"{headline}f1"]
    figures = Table(
        title=f"{task.upper()} · {scores['definitions']['match'].partition(':')[0]} match",
        title_justify="left",
    )
    figures.add_column("measure")
    for name in ("precision", "recall", "F1", "tp", "fp", "fn"):
        figures.add_column(name, justify="right")
    for prefix in prefixes:
        name = prefix.rstrip("_").replace("_", " ") or f"{scores['definitions']['headline']} (headline)"
        figures.add_row(name, *_figures(scores, prefix), style="bold" if not prefix else None)
    for source, values in scores.get("sources", {}).items():
        if len(scores["sources"]) > 1:
            figures.add_row(Text(f"  {source}"), *_figures(values, ""), style="cyan")
    yield figures
    if scores["labels"]:
        yield _labels(scores["labels"], labels)
    counted = Table(title="counted", title_justify="left", show_header=False)
    for name in _COUNTS:
        if scores[name] or name in _COUNTS[:3]:
            counted.add_row(name.replace("_", " "), str(scores[name]), _detail(scores, name))
    yield counted


def _figures(values: dict[str, Any], prefix: str) -> list[str]:
    rates = [f"{values[prefix + name]:.4f}" for name in ("precision", "recall", "f1")]
    counts = [_number(values.get(prefix + name, "")) for name in ("tp", "fp", "fn")]
    return rates + counts


def _number(value: Any) -> str:
    return f"{value:.1f}" if isinstance(value, float) else str(value)


def _labels(labels: dict[str, dict[str, Any]], shown: int) -> Table:
    table = Table(title="labels", title_justify="left")
    table.add_column("label")
    for name in ("precision", "recall", "F1", "support"):
        table.add_column(name, justify="right")
    ordered = sorted(labels.items(), key=lambda item: (-item[1]["support"], item[0]))
    for label, values in ordered[:shown]:
        table.add_row(Text(label), *_figures(values, "")[:3], _number(values["support"]))
    if len(ordered) > shown:
        table.add_row(f"… {len(ordered) - shown} more", "", "", "", "")
    return table


def _detail(scores: dict[str, Any], name: str) -> str:
    if name == "unparseable":
        kinds = ", ".join(f"{count} {kind}" for kind, count in scores["unparseable_kinds"].items())
        return f"{scores['unparseable_share']:.2%} of rows" + (f" ({kinds})" if kinds else "")
    if name == "recovered":
        return ", ".join(f"{count} {kind}" for kind, count in scores["recovered_kinds"].items())
    return ""
