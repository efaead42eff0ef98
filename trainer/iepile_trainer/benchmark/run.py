"""Ask all systems, score their answers, compare them, and write the tables."""

import time
from collections.abc import Callable, Iterable, Iterator
from dataclasses import replace
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from iepile_dataset.atomic import json_text, write_file
from iepile_metric.files import rows_of

from ..data.holdout import text_of
from ..engines.examples import write_examples
from ..errors import TrainerError
from ..evaluate_run import scored, write_lines
from ..prediction.load_inputs import TRAIN
from ..prediction.run import run_prediction
from ..run_folder import read_object
from .arguments import BenchmarkArguments
from .baselines import BASELINES
from .rows import Rows, Source, asked, examples_for, source_of, texts_of, trained_on, write_rows
from .systems import EXAMPLES, ROWS, System, systems_of
from .tables import write_tables

__all__ = ["benchmark"]

RESULTS = "results.json"
_SAMPLE = 8  # rows that tell how long the rest will take


def benchmark(corpus: str, options: BenchmarkArguments, tell: Callable[[str], None] = print) -> dict[str, Any]:
    """Score systems on all sources of a corpus.

    The same call after an interruption goes on after the last answer; a system that fails is told and left out.

    Args:
        corpus: A corpus tree, or "iepile" for the embedded sample.
        options: Systems, rows and the folder for all files.
        tell: Called with a line before each stage.

    Returns:
        What `results.json` holds: `sources` ({task, language, source, records}), for each of `systems` its options,
        `zero_shot` sources, `scores` ({task: scores, those of sources among them}), `spread` over orders and batch
        sizes and `unseen` (scores without texts of its training), `compared` (paired tests with the first
        model) and `left_out`. Empty for a dry run.

    Raises:
        TrainerError: No rows, no such option, or the folder has scores of a system that cannot be asked now.
    """
    systems, out = systems_of(options), Path(options.out)
    rows, left_out = asked(corpus, options)
    sources = _counted(rows)
    for line in left_out:
        tell(f"left out: {line}")
    tell(f"{len(rows):,} rows of {sum(sources.values()):,} records, {len(sources)} sources, {len(systems)} systems")
    if options.dry_run:
        with TemporaryDirectory() as folder:
            for line in _estimates(_with_examples(systems, sources, corpus, Path(folder)), rows):
                tell(line)
        return {}
    out.mkdir(parents=True, exist_ok=True)
    write_rows(out / ROWS, rows)
    systems = _with_examples(systems, sources, corpus, out)
    results: dict[str, Any] = {}
    files: dict[str, Path] = {}
    failed: dict[str, str] = {}
    for system in systems:
        tell(f"{system.name} …")
        start = time.perf_counter()
        try:
            file = _answered(system, rows, corpus, out)
            if file is None:  # another of several processes was the last
                continue
            results[system.name] = {**_judged(system, file, corpus), "seconds": round(time.perf_counter() - start, 1)}
            files[system.name] = file
            for line in _unanswered(system, file):
                left_out.append(line)
                tell(f"left out: {line}")
            if not any(row["output"].strip() for row in rows_of(file)[0]):
                tell(f"{system.name} has answered nothing: all its answers are empty (has it the right prompt format?)")
        except (TrainerError, ValueError, OSError) as problem:
            failed[system.name] = str(problem)
            left_out.append(f"{system.name}: {problem}")
            tell(f"left out: {left_out[-1]}")
    _refuse_loss(out / RESULTS, failed)
    found = {
        "corpus": Path(corpus).resolve().name,
        "split": options.split,
        "limit": options.limit,
        "sources": [dict(zip(("task", "language", "source"), key), records=count) for key, count in sources.items()],
        "systems": results,
        "compared": list(_compared(files)),
        "left_out": left_out,
    }
    for line in _faults(results.get("gold", {})):
        tell(line)
    write_file(out / RESULTS, json_text(found))
    write_tables(out, found)
    return found


def _refuse_loss(file: Path, failed: dict[str, str]) -> None:
    """Scores that are there of a system that cannot be asked now, with other options say, are not written over."""
    before = read_object(file, "", "remove it").get("systems", {}) if file.is_file() else {}
    for name in failed.keys() & before.keys():
        raise TrainerError(f"{file} has scores of {name} and stays as it is (another --out): {failed[name]}")


def _with_examples(systems: list[System], sources: Iterable[Source], corpus: str, folder: Path) -> list[System]:
    """The systems with a file of training rows in place of the word for them."""
    if not any(system.shows(TRAIN) for system in systems):
        return systems
    examples = write_examples(folder / EXAMPLES, examples_for(sources, corpus))
    return [system.with_examples(TRAIN, examples) for system in systems]


def _answered(system: System, rows: Rows, corpus: str, out: Path) -> Path | None:
    file = out / system.file
    if system.options is None:
        write_lines(file, BASELINES[system.name](rows, corpus))
        return file
    summary = run_prediction(system.arguments(out / ROWS, file))
    if summary and not summary.answered:
        raise TrainerError(f"no row was answered ({', '.join(summary.failed) or 'no reason given'})")
    return file if summary else None


def _judged(system: System, file: Path, corpus: str) -> dict[str, Any]:
    from iepile_metric.robustness import score_ways
    from iepile_metric.variants import first_way, is_marked

    answered, _ = rows_of(file)
    spread = score_ways(file)[1] if any(map(is_marked, answered)) else {}  # which reads and scores all of it again
    rows, options = list(_of_answered_tasks(first_way(answered))), system.options or {}
    trained = trained_on([options.get("model"), options.get("adapter")])
    seen = texts_of(corpus, trained & {(task, name) for task, _, name in map(source_of, rows)})
    unseen = [row for row in rows if text_of(row["instruction"]) not in seen] if seen else rows
    keys = dict.fromkeys(map(source_of, rows))
    return {
        "options": {name: _placeless(value) for name, value in options.items()},
        "zero_shot": [list(key) for key in keys if system.options and (key[0], key[2]) not in trained],
        "scores": scored(rows),
        "spread": spread,
        "unseen": scored(unseen) if 0 < len(unseen) < len(rows) else {},
        "seen_rows": len(rows) - len(unseen),
    }


def _placeless(value: Any) -> Any:
    """An option as others may read it: of a path of this machine its last name."""
    return Path(value).name if isinstance(value, str) and Path(value).is_absolute() else value


def _of_answered_tasks(rows: Iterable[dict[str, Any]]) -> Iterator[dict[str, Any]]:
    """The rows of the tasks of which a system has answered any: of the others it knows nothing."""
    rows = list(rows)
    tasks = {row["task"] for row in rows if "error" not in row}
    return (row for row in rows if row["task"] in tasks)


def _unanswered(system: System, file: Path) -> Iterator[str]:
    """The tasks of which a system has answered no row, with the reasons."""
    errors: dict[str, dict[str | None, None]] = {}
    for row in rows_of(file)[0]:
        errors.setdefault(row["task"], {})[row.get("error")] = None
    for task, reasons in errors.items():
        if None not in reasons:
            yield f"{system.name}: no {task} row was answered ({'; '.join(map(str, list(reasons)[:3]))})"


def _compared(files: dict[str, Path]) -> Iterator[dict[str, Any]]:
    """Paired tests of each further model with the first one, task by task."""
    from iepile_metric.bootstrap import compare
    from iepile_metric.variants import first_way

    first, *others = [name for name in files if name not in BASELINES] or [""]
    one = list(_of_answered_tasks(first_way(rows_of(files[first])[0]))) if others else []
    for other in others:
        two = list(_of_answered_tasks(first_way(rows_of(files[other])[0])))
        for task in dict.fromkeys(row["task"].lower() for row in one):
            mine, theirs = ([row for row in rows if row["task"].lower() == task] for rows in (one, two))
            if not theirs:
                continue
            result = compare(mine, theirs)
            kept = ("f1", "difference", "interval", "p_value", "records")
            yield {"task": task, "first": first, "second": other, **{name: result[name] for name in kept}}


def _counted(rows: Rows) -> dict[Source, int]:
    """Records of each source."""
    ids: dict[Source, set[str]] = {}
    for row in rows:
        ids.setdefault(source_of(row), set()).add(row["id"])
    return {source: len(its_ids) for source, its_ids in ids.items()}


def _estimates(systems: Iterable[System], rows: Rows) -> Iterator[str]:
    """How long each model will take, by what it takes for a few rows."""
    from ..engines import open_engine

    sample = [{**row, "output": ""} for row in rows[:: max(len(rows) // _SAMPLE, 1)][:_SAMPLE]]
    for system in systems:
        if system.options is None:
            continue
        args = replace(system.arguments(Path("-"), Path("-")), batch_size=str(_SAMPLE))
        try:
            engine, start = open_engine(args), time.perf_counter()
            for _ in engine.answer(sample):
                pass
        except (TrainerError, ValueError, OSError) as problem:
            yield f"{system.name}: {problem}"
            continue
        minutes = (time.perf_counter() - start) / len(sample) * len(rows) / 60
        yield f"{system.name}: about {minutes:,.0f} minutes, by {len(sample)} rows (larger batches take less)"


def _faults(gold: dict[str, Any]) -> Iterator[str]:
    """What of the annotation does not score 1 against itself."""
    for task, scores in gold.get("scores", {}).items():
        for source, one in scores["sources"].items():
            if one["f1"] < 1 and one["tp"] + one["fn"]:
                yield f"{task} {source}: the annotation scores {one['f1']:.4f} against itself (iepile validate)"
