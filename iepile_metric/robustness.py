"""How much scores depend on the way to ask: the same records in several orders, or several batch sizes."""

import mmap
from collections.abc import Iterable, Mapping
from pathlib import Path
from statistics import mean, stdev
from typing import Any

from .accumulator import Accumulator, Returned, Watcher
from .files import BadLine, collect, existing, first_of, lines_of, score_file
from .variants import KEYS, Way, way_of

__all__ = ["score_ways"]


def fields_in(path: str | Path, names: Iterable[str] = (*KEYS, "confidence")) -> set[str]:
    """Which of some fields occur in a file's rows, found without reading them.

    Raises:
        ValueError: there is no such file.
    """
    path = existing(path)
    wanted = {name: f'"{name}":'.encode() for name in names}
    if path.suffix == ".gz" or not path.stat().st_size:
        return {name for line in lines_of(path) for name, key in wanted.items() if key in line}
    with path.open("rb") as file, mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ) as content:
        return {name for name, key in wanted.items() if content.find(key) >= 0}


def score_ways(
    path: str | Path, task: str | None = None, watch: Watcher | None = None, **options: Any
) -> tuple[dict[str, Any], dict[str, Any], list[BadLine]]:
    """Score a file of answers; each way to ask by itself where its records were asked in several.

    Args:
        path: JSON lines as for `files.score_file`; with `order`, `split_num` or both where they were asked in several.
        task: The task of rows that do not name theirs.
        watch: Sees the records of the first way.
        options: `match`, `count` and `parse` of `Accumulator`.

    Returns:
        The scores of the first way in the file; for each task the `spread`, none where no row says how it was asked;
        the lines that could not be scored.

    Raises:
        ValueError: no such file, unknown option, or nothing in it can be scored.
    """
    path = existing(path)
    if not fields_in(path, KEYS):
        scores, bad = score_file(path, task, watch=watch, **options)
        return scores, {}, bad
    try:
        results, bad = _scored(path, task, watch, options, streamed=watch is None)
    except Returned:  # the batches of a record do not follow each other
        results, bad = _scored(path, task, watch, options, streamed=False)
    return next(iter(results.values())), spread(results), bad


def _scored(
    path: Path, task: str | None, watch: Watcher | None, options: dict[str, Any], streamed: bool
) -> tuple[dict[Way, dict[str, Any]], list[BadLine]]:
    ways: dict[Way, Accumulator] = {}

    def add(row: dict[str, Any]) -> None:
        way = way_of(row)
        if any(isinstance(value, list | dict) for value in way):
            raise ValueError(f"{' or '.join(KEYS)} is no number: {way}")
        if way not in ways:
            ways[way] = Accumulator(task, watch=None if ways else watch, streamed=streamed, **options)
        ways[way].add(row)

    bad = collect(path, add)
    if not ways:
        raise ValueError(f"{path}: no row to score{first_of(bad)}")
    results = {}
    for way, scores in ways.items():
        try:
            results[way] = scores.result()
        except Returned:
            raise
        except ValueError as error:
            named = ", ".join(f"{name} {value}" for name, value in zip(KEYS, way) if value is not None)
            raise ValueError(f"{path}: {named}: {error}") from error
    return results, bad


def spread(results: Mapping[Way, Mapping[str, Any]]) -> dict[str, Any]:
    """Mean and standard deviation of F1 over ways to ask.

    Args:
        results: Way → what `iepile_metric.score` gave.

    Returns:
        {task: {"ways": [{"order", "split_num", "precision", "recall", "f1", "records"}], "f1": {"mean", "sd", "min",
        "max"}, "macro_f1": the same, "sources": {source: the same as f1}}}. `sd` is that of a sample (n - 1), None for
        one way.

    >>> spread({(0, None): {"task": "ner", "f1": 0.5}, (1, None): {"task": "ner", "f1": 0.7}})["ner"]["f1"]["mean"]
    0.6
    """
    by_task: dict[str, dict[Way, Mapping[str, Any]]] = {}
    for way, result in results.items():
        for task, scores in (result.get("tasks") or {result["task"]: result}).items():
            by_task.setdefault(task, {})[way] = scores
    return {task: _spread(ways) for task, ways in by_task.items()}


def _spread(ways: dict[Way, Mapping[str, Any]]) -> dict[str, Any]:
    shown = ("precision", "recall", "f1", "records")
    by_source: dict[str, list[float]] = {}
    for scores in ways.values():
        for source, figures in scores.get("sources", {}).items():
            by_source.setdefault(source, []).append(figures["f1"])
    return {
        "ways": [
            {**dict(zip(KEYS, way)), **{name: scores[name] for name in shown if name in scores}}
            for way, scores in ways.items()
        ],
        **{
            name: _moments([scores[name] for scores in ways.values()])
            for name in ("f1", "macro_f1")
            if all(name in scores for scores in ways.values())
        },
        "sources": {source: _moments(values) for source, values in sorted(by_source.items())},
    }


def _moments(values: list[float]) -> dict[str, float | None]:
    sd = stdev(values) if len(values) > 1 else None
    return {"mean": mean(values), "sd": sd, "min": min(values), "max": max(values)}
