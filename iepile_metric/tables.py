"""Scores as tables for a terminal. Names from data are `Text`: rich would read "[bold]" as its markup."""

from collections.abc import Iterator
from typing import Any

from rich.table import Table
from rich.text import Text

from .variants import KEYS

__all__ = ["comparison", "tables"]

_COUNTS = ("records", "rows", "unparseable", "recovered", "cut", "unlabelled", "conflicting_labels")


def tables(figures: dict[str, Any]) -> Iterator[Table]:
    """Yield the tables of all tasks.

    Args:
        figures: {"tasks": {name: scores}}, and "errors", "intervals", "spread" and "calibration" if at hand.
    """
    for task, scores in figures["tasks"].items():
        yield from task_tables(task, scores)
        if task in figures.get("intervals", {}):
            yield _intervals(figures["intervals"][task])
        if task in figures.get("spread", {}):
            yield _spread(figures["spread"][task])
        for measure, line in figures.get("calibration", {}).get(task, {}).get("measures", {}).items():
            yield from _calibration(measure, line)
        if task in figures.get("semeval", {}):
            yield _schemes(figures["semeval"][task])
        for measure, errors in figures.get("errors", {}).get(task, {}).items():
            yield _errors(measure, errors)


def _schemes(schemes: dict[str, dict[str, Any]]) -> Table:
    """Entities that are right in part."""
    names = ("correct", "incorrect", "partial", "missed", "spurious")
    table = _table("SemEval-2013 schemes", "scheme", *names, "precision", "recall", "F1")
    for scheme, figures in schemes.items():
        table.add_row(
            scheme, *(str(figures[name]) for name in names), *_fractions(figures, "precision", "recall", "f1")
        )
    return table


def _table(title: str, first: str, *numbers: str | Text, **options: Any) -> Table:
    """A table whose first column names the line, the others right-aligned."""
    table = Table(first, title=title, title_justify="left", **options)
    for name in numbers:
        table.add_column(name, justify="right")
    return table


def _fractions(values: dict[str, Any], *names: str) -> list[str]:
    return [f"{values[name]:.4f}" for name in names]


def _intervals(certain: dict[str, Any]) -> Table:
    table = _table(f"F1, {certain['level']:.0%} interval over {certain['records']} records", "", "low", "high")
    rows = {"all": certain["f1"], **(certain["sources"] if len(certain["sources"]) > 1 else {})}
    for name, (low, high) in rows.items():
        table.add_row(Text(name), f"{low:.4f}", f"{high:.4f}")
    return table


def _spread(spread: dict[str, Any]) -> Table:
    """F1 of each way to ask, and their mean and deviation."""
    named = [name for name in KEYS if any(way[name] is not None for way in spread["ways"])]
    title = f"F1 over {len(spread['ways'])} ways to ask: {_moments(spread['f1'])}; above, the first"
    columns = [name.replace("_", " ") for name in named]
    table = (
        _table(title, *columns, "precision", "recall", "F1") if named else _table(title, "precision", "recall", "F1")
    )
    for way in spread["ways"]:
        keys = ["" if way[name] is None else str(way[name]) for name in named]
        table.add_row(*keys, *_fractions(way, "precision", "recall", "f1"))
    for source, moments in spread["sources"].items():
        if len(spread["sources"]) > 1:
            table.add_row(Text(source), *[""] * (len(named) + 1), _moments(moments), style="cyan")
    return table


def _moments(moments: dict[str, float | None]) -> str:
    return f"{moments['mean']:.4f}" + (f" ± {moments['sd']:.4f}" if moments["sd"] is not None else "")


def _calibration(measure: str, stated: dict[str, Any]) -> Iterator[Table]:
    """How often units of a confidence are right, and what leaving out the unsure ones brings."""
    if not stated["known"]:
        return
    units = f"{stated['known']} of {stated['units']} {measure} units"
    errors = f"calibration error {stated['ece']:.4f}, Brier {stated['brier']:.4f}"
    bins = _table(f"confidence: {units}; {errors}", "confidence", "units", "mean", "right")
    for line in stated["bins"]:
        low_high = f"{line['low']:.1f} to {line['high']:.1f}"
        bins.add_row(low_high, str(line["units"]), *_fractions(line, "confidence", "precision"))
    bins.add_row("all", str(stated["known"]), *_fractions(stated, "confidence", "precision"), style="bold")
    yield bins
    cuts = _table("with --min-confidence", "at least", "units", "precision", "recall", "F1")
    best = max(stated["cuts"], key=lambda line: line["f1"])
    for line in stated["cuts"]:
        figures = _fractions(line, "precision", "recall", "f1")
        style = "bold" if line is best else None
        cuts.add_row(f"{line['min_confidence']:.2f}", str(line["kept"]), *figures, style=style)
    yield cuts


def _errors(measure: str, errors: dict[str, Any], most: int = 20) -> Table:
    """Kinds of error in columns, labels in rows, those with most errors first."""
    kinds = list(errors["kinds"])
    table = _table(f"errors: {measure}, {errors['lost_f1']:.4f} of F1 lost", "label", *kinds)
    table.add_row("all", *(_number(errors["kinds"][kind]["count"]) for kind in kinds), style="bold")
    table.add_row("share of F1", *(f"{errors['kinds'][kind]['share']:.4f}" for kind in kinds), style="cyan")
    ordered = sorted(errors["labels"].items(), key=lambda item: (-sum(item[1].values()), item[0]))
    for label, counts in ordered[:most]:
        table.add_row(Text(label), *(_number(counts.get(kind, 0)) for kind in kinds))
    if len(ordered) > most:
        table.add_row(f"… {len(ordered) - most} more")
    return table


def comparison(result: dict[str, Any], first: str, second: str) -> Table:
    """Lay out the result of `bootstrap.compare`."""
    left_out = result["only_first"] + result["only_second"]
    note = f", {left_out} records in one file only" if left_out else ""
    table = _table(
        f"{result['records']} records{note}\n{result['explanation']}",
        "", Text(first), Text(second), "difference", f"{result['level']:.0%} interval", "p",
    )  # fmt: skip
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
    match = scores["definitions"]["match"].partition(":")[0]
    columns = ("precision", "recall", "F1", "tp", "fp", "fn")
    figures = _table(f"{task.upper()} · {match} match", "measure", *columns)
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
        if scores[name] or name in _COUNTS[:4]:
            counted.add_row(name.replace("_", " "), str(scores[name]), _detail(scores, name))
    yield counted


def _figures(values: dict[str, Any], prefix: str) -> list[str]:
    counts = [_number(values.get(prefix + name, "")) for name in ("tp", "fp", "fn")]
    return _fractions(values, *(prefix + name for name in ("precision", "recall", "f1"))) + counts


def _number(value: Any) -> str:
    return f"{value:.1f}" if isinstance(value, float) else str(value)


def _labels(labels: dict[str, dict[str, Any]], shown: int) -> Table:
    table = _table("labels", "label", "precision", "recall", "F1", "support")
    ordered = sorted(labels.items(), key=lambda item: (-item[1]["support"], item[0]))
    for label, values in ordered[:shown]:
        table.add_row(Text(label), *_figures(values, "")[:3], _number(values["support"]))
    if len(ordered) > shown:
        table.add_row(f"… {len(ordered) - shown} more")
    return table


def _detail(scores: dict[str, Any], name: str) -> str:
    if name == "unparseable":
        kinds = ", ".join(f"{count} {kind}" for kind, count in scores["unparseable_kinds"].items())
        return f"{scores['unparseable_share']:.2%} of rows" + (f" ({kinds})" if kinds else "")
    if name == "recovered":
        kinds = ", ".join(f"{count} {kind}" for kind, count in scores["recovered_kinds"].items())
        return f"{scores['recovered_share']:.2%} of rows" + (f" ({kinds})" if kinds else "")
    if name == "cut":
        return "repaired or unparseable, and the answer reached the token limit: raise --max_new_tokens"
    return ""
