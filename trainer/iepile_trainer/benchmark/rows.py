"""What a benchmark asks: the test rows of all sources of a corpus, so many records of each."""

import json
from collections.abc import Iterable
from contextlib import suppress
from hashlib import blake2b
from pathlib import Path
from typing import Any

from iepile_dataset import DataError
from iepile_dataset.corpus.sources import choose_sources
from iepile_dataset.options import Selection

from ..data.arguments import DataArguments
from ..data.holdout import text_of
from ..data.load import NoSplit, load_rows
from ..engines.examples import MOST
from ..errors import TrainerError
from ..prediction.arguments import PredictArguments
from ..prediction.load_inputs import load_inputs
from .arguments import TASKS, BenchmarkArguments

Rows = list[dict[str, Any]]
Source = tuple[str, str, str]
"""Task in small letters, language, source."""


def source_of(row: dict[str, Any]) -> Source:
    """Which source a row is of.

    >>> source_of({"task": "NER", "language": "en", "source": "wnut17"})
    ('ner', 'en', 'wnut17')
    """
    return str(row["task"]).lower(), str(row["language"]), str(row["source"])


def asked(corpus: str, options: BenchmarkArguments) -> tuple[Rows, list[str]]:
    """All rows, sources one after another, and what is left out, a line each.

    Args:
        corpus: A corpus tree.
        options: Tasks, sources, language, split, limit, orders and batch sizes.

    Raises:
        TrainerError: No source has such a split.
    """
    if corpus != "iepile" and not Path(corpus).is_dir():
        raise TrainerError(f"{corpus}: no such folder")
    place = place_of(corpus)
    try:
        sources, problems = choose_sources((), Selection(options.language, tuple(options.source or ())), place)
    except DataError as problem:
        raise TrainerError(f"nothing to ask: {problem}") from None
    tasks = options.task or TASKS
    expected = {(one.task.lower(), one.language, one.name): one.key for one in sources if one.task.lower() in tasks}
    left_out = [str(problem) for problem in problems]
    rows: Rows = []
    shared: dict[str, Any] = {name: getattr(options, name) for name in ("split", "language", "orders", "split_nums")}
    for task in tasks:
        names = [name for its_task, _, name in expected if its_task == task]
        if not names:
            left_out += [f"no {task.upper()} source"] if options.task else []
            continue
        try:
            shared["source"] = options.source and names
            args = PredictArguments(model="-", input="iepile", data_dir=place, task=[task], **shared)
            rows += limited(load_inputs(args), options.limit)
        except NoSplit:
            continue
        except (TrainerError, ValueError) as problem:
            left_out.append(f"{task}: {problem}")
    answered = set(map(source_of, rows))
    left_out += [f"{key}: no row of split {options.split!r}" for one, key in expected.items() if one not in answered]
    if not rows:
        raise TrainerError(f"{corpus}: nothing to ask ({'; '.join(left_out)})")
    return rows, left_out


def limited(rows: Iterable[dict[str, Any]], limit: int | None) -> Rows:
    """The rows of at most so many records of each source, drawn by a hash of their ids; sources stay in order.

    >>> rows = [{"task": "NER", "language": "en", "source": "a", "id": str(n // 2)} for n in range(20)]
    >>> [len(limited(rows, limit)) for limit in (None, 3, 50)]
    [20, 6, 20]
    """
    by_source: dict[Source, dict[str, Rows]] = {}
    for row in rows:
        by_source.setdefault(source_of(row), {}).setdefault(row["id"], []).append(row)
    kept: Rows = []
    for records in by_source.values():
        chosen = set(sorted(records, key=lambda id: blake2b(id.encode(), digest_size=8).digest())[:limit])
        kept += [row for id, its_rows in records.items() if id in chosen for row in its_rows]
    return kept


def trained_on(folders: Iterable[str | None]) -> set[tuple[str, str]]:
    """Task and source of all rows that the runs in some folders were trained on; none of what is no run.

    >>> trained_on(["no/such/run", None])
    set()
    """
    from ..run_folder import is_finished, read_run

    found = set()
    for folder in folders:
        if folder and is_finished(folder):
            for part in read_run(folder).get("data") or ():
                names = part.get("rows_by_source") or part.get("source") or ()
                found |= {(str(part.get("config")).lower(), name) for name in names}
    return found


def texts_of(corpus: str, sources: Iterable[tuple[str, str]]) -> set[str]:
    """The texts of the training rows of some sources, as far as the corpus holds them."""
    texts: set[str] = set()
    for task, source in sorted(sources):
        with suppress(TrainerError, ValueError):  # it has no such split
            rows = load_rows(DataArguments(task=[task], source=[source], data_dir=place_of(corpus)), "train")
            texts |= {text_of(instruction) for instruction in rows["instruction"]}
    return texts


def examples_for(sources: Iterable[Source], corpus: str) -> Rows:
    """Training rows of some sources, as many of each, as far as the corpus holds them."""
    sources = list(sources)
    rows: Rows = []
    for task, language, source in sources:
        data = DataArguments(task=[task], source=[source], language=language, data_dir=place_of(corpus))
        with suppress(TrainerError, ValueError):  # it has no such split
            rows += load_rows(data, "train", MOST // len(sources)).to_list()
    return rows


def place_of(corpus: str) -> str | None:
    """A corpus as `--data_dir` has it."""
    return None if corpus == "iepile" else corpus


def write_rows(path: Path, rows: Rows) -> None:
    """Write rows where the engine reads them, unless they are there already.

    Raises:
        TrainerError: Beside them lie answers to other rows.
    """
    from ..evaluate_run import write_lines

    lines = [json.dumps(row, ensure_ascii=False) for row in rows]
    if path.is_file() and path.read_text("utf-8") == "".join(f"{line}\n" for line in lines):
        return
    if answers := next(path.parent.glob("*.jsonl.run.json"), None):
        file = str(answers).removesuffix(".run.json")
        raise TrainerError(f"{file} answers other rows (another --out, or remove {path.parent})")
    write_lines(path, rows)
