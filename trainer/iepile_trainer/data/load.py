"""Rows to train on and to validate on, loaded, mixed and split as the options say."""

import json
import math
import time
from collections import Counter
from collections.abc import Iterator
from copy import copy
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from .. import TrainerError
from ..tokenization.encode import is_stream
from ..tokenization.length_report import Tally
from .arguments import DataArguments
from .holdout import drawn, held_out_size, hold_out
from .mixture import Mix, mixed, mixed_stream
from .sources import COLUMNS, NoSplit, parts, read_jsonl

__all__ = [
    "COLUMNS", "Loaded", "NoSplit", "first_rows", "load_both", "load_rows", "manifest", "read_jsonl", "suggested_steps",
]  # fmt: skip


_FIRST = 20_000
_SECONDS = 5.0


@dataclass(frozen=True)
class Loaded:
    """Rows to train on and to validate on.

    Attributes:
        rows: A `datasets.Dataset`, or an `IterableDataset` with `data.streaming`. Where labels are drawn anew
            for each epoch, all draws one after the other, told apart by the column `draw`.
        eval_rows: A `datasets.Dataset`; None where no evaluation is wanted.
        notes: What the user should know, a line each.
    """

    rows: Any
    eval_rows: Any
    notes: tuple[str, ...] = ()


def load_both(data: DataArguments, evaluate: bool, num_proc: int | None = None) -> Loaded:
    """Load the train split and, if there is to be an evaluation, rows for it.

    These are the split `data.eval_split`. Where there is none, or `data.val_set_size` is given, they are taken out
    of the train split, see `holdout`.

    Raises:
        TrainerError: As `load_rows`; or what was asked for cannot be had of a stream.
    """
    _check_names(data)
    if data.streaming:
        return Loaded(_stream(data), _validation(data, num_proc) if evaluate else None)
    eval_rows = None
    take = evaluate and data.val_set_size is not None
    if evaluate and not take:
        try:
            eval_rows = load_rows(data, data.eval_split, data.max_eval_rows, num_proc)
        except NoSplit:
            if data.eval_split != "validation":
                raise
            take = True
    if not take and data.redraw == 1:
        return Loaded(load_rows(data, data.train_split, data.max_rows, num_proc), eval_rows)
    import datasets

    notes, draws = [], []
    records: set[bytes] = set()
    for number in range(data.redraw):
        rows = _joined(data, data.train_split, num_proc, number)
        if take:
            if not records:
                size = held_out_size(data.val_set_size, len(rows))
                if data.val_set_size is None and data.max_eval_rows is not None:
                    size = min(size, data.max_eval_rows)  # what is not evaluated can be learnt from
                records = drawn(rows, size, data.seed)
            rows, out = hold_out(rows, records, data.seed)
            if eval_rows is None:
                eval_rows = out
                notes.append(
                    f"{len(out):,} rows are held out of the train split for validation: whole records, by --seed"
                )
        rows = _at_most(mixed(rows, Mix.of(data.mix), data.max_rows_per_source, data.seed), data.max_rows, data.seed)
        draws.append(rows.add_column("draw", [number] * len(rows)) if data.redraw > 1 else rows)
    if data.redraw > 1:
        notes.append(f"the labels to ask are drawn anew {data.redraw} times: epoch 1 sees the first draw, and so on")
    return Loaded(datasets.concatenate_datasets(draws), eval_rows, tuple(notes))


def load_rows(data: DataArguments, split: str, max_rows: int | None = None, num_proc: int | None = None) -> Any:
    """Load the rows that `data` names; weights and the cap on sources count in the train split only.

    Args:
        data: What to load.
        split: Which split; slices such as `train[:100]` work.
        max_rows: At most so many rows, drawn by `data.seed`.
        num_proc: Processes to generate rows with.

    Returns:
        A `datasets.Dataset` with the string columns of a row.

    Raises:
        NoSplit: Nothing has that split.
        TrainerError: No such dataset or configuration, or nothing in it that was asked for.
    """
    rows = _joined(data, split, num_proc)
    if split.partition("[")[0] == data.train_split.partition("[")[0]:
        rows = mixed(rows, Mix.of(data.mix), data.max_rows_per_source, data.seed)
    return _at_most(rows, max_rows, data.seed)


def _joined(data: DataArguments, split: str, num_proc: int | None, draw: int = 0) -> Any:
    import datasets

    rows = datasets.concatenate_datasets(parts(data, split, num_proc, draw))
    if not len(rows):
        asked = ", ".join(
            f"{name} {' '.join([value] if isinstance(value, str) else value)}"
            for name in ("task", "source", "language")
            if (value := getattr(data, name))
        )
        found = f"no row of split {split!r} is of {asked}" if asked else f"the split {split!r} is empty"
        raise TrainerError(f"{' '.join(data.dataset)}: {found}")
    return rows


def _at_most(rows: Any, count: int | None, seed: int) -> Any:
    return rows if count is None or count >= len(rows) else rows.shuffle(seed=seed).select(range(count))


def _stream(data: DataArguments) -> Any:
    """A stream of the train split, all draws of its labels one after the other."""
    import datasets

    for name in ("max_rows", "max_rows_per_source", "val_set_size"):
        if getattr(data, name) is not None:
            raise TrainerError(f"--{name} needs to know how many rows there are: leave out --streaming")
    draws = []
    for number in range(data.redraw):
        rows = datasets.concatenate_datasets(parts(data, data.train_split, None, number))
        rows = mixed_stream(rows, Mix.of(data.mix), data.seed)
        draws.append(rows.shuffle(seed=data.seed, buffer_size=data.shuffle_buffer))
    return draws if data.redraw > 1 else draws[0]


def _validation(data: DataArguments, num_proc: int | None) -> Any:
    try:
        return load_rows(_without_streaming(data), data.eval_split, data.max_eval_rows, num_proc)
    except NoSplit as problem:
        raise TrainerError(
            f"{problem}; a stream has none to hold out (leave out --streaming, or --eval_strategy no)"
        ) from None


def _check_names(data: DataArguments) -> None:
    """Refuse names in the mix that a corpus does not have; of other streams the names are not known beforehand."""
    if data.dataset == ["iepile"] and not data.data_files:
        Mix.of(data.mix).check([(task, source.name) for task, source in _sources(data)])


def _sources(data: DataArguments) -> Iterator[tuple[str, Any]]:
    from iepile_dataset.corpus.sources import find_sources
    from iepile_dataset.options import Options
    from iepile_dataset.tasks import task_named

    for task in data.task or sorted(Mix.of(data.mix).tasks) or ["ner"]:
        yield from ((task, source) for source in find_sources(task_named(task), Options(), data.data_dir)[0])


def first_rows(rows: Any) -> Any:
    """The rows themselves, of a stream the first ones: enough to learn a tokenizer from."""
    import datasets

    if not is_stream(rows):
        return rows
    stream = rows[0] if isinstance(rows, list) else rows
    return datasets.Dataset.from_list(list(stream.take(_FIRST)))


def suggested_steps(data: DataArguments, config: Any) -> int | None:
    """Optimizer steps for the asked epochs over a stream, where its rows can be counted within a few seconds."""
    together = config.train_batch_size * config.gradient_accumulation_steps * config.world_size
    if data.dataset == ["rows"]:
        return None
    rows, until = 0, time.monotonic() + _SECONDS
    for part in parts(data, data.train_split, None):
        for batch in part.with_format("arrow").iter(1000):
            rows += len(batch)
            if time.monotonic() > until:
                return None
    return math.ceil(rows / together) * math.ceil(config.num_train_epochs) if rows else None


def _without_streaming(data: DataArguments) -> DataArguments:
    whole = copy(data)
    whole.streaming = False
    return whole


def manifest(rows: Any, data: DataArguments, split: str) -> list[dict[str, Any]]:
    """What is trained on in one epoch, one entry per task.

    Args:
        rows: The encoded rows of `encode.encode`, or their numbers as `length_report.Tally.sources` has them.
        data: Where they came from.
        split: The split they were.
    """
    counted = rows if isinstance(rows, dict) else {} if is_stream(rows) else _counted(rows)
    licences = _licences(data)
    made = []
    for task in dict.fromkeys(task for task, _, _ in counted):
        of_task = {key[1:]: numbers for key, numbers in counted.items() if key[0] == task}
        by_source: Counter[str] = Counter()
        for (source, _), (number, _) in of_task.items():
            by_source[source] += number
        keys = [f"{language}/{task}/{source}" for source, language in of_task]
        made.append(
            {
                "dataset": " + ".join(data.dataset),
                "config": task.lower(),
                "source": list(by_source),
                "language": sorted({language for _, language in of_task}),
                "split": split,
                "rows": by_source.total(),
                "rows_by_source": dict(by_source),
                "tokens": sum(tokens for _, tokens in of_task.values()),
                "licences": sorted({licences[key] for key in keys if licences.get(key)}),
                "options": _shaping(data),
            }
        )
    return made


def _counted(rows: Any) -> dict[tuple[str, str, str], list[int]]:
    """(task, source, language) → rows and tokens, of the first draw."""
    tally = Tally(None)
    given = [name for name in ("task", "source", "language", "draw") if name in rows.column_names]
    for batch in rows.select_columns([*given, "length"]).iter(10_000):
        size = len(batch["length"])
        columns = [batch.get(name, [""] * size) for name in ("task", "source", "language")]
        draws = batch.get("draw", [0] * size)
        for task, source, language, length, draw in zip(*columns, batch["length"], draws):
            if not draw:
                tally.count(task, source, language, 1, length)
    return tally.sources


def _shaping(data: DataArguments) -> dict[str, Any]:
    """The options that shape rows: those that the package has from the beginning, and others where given."""
    always = ("split_num", "negatives", "seed", "epoch", "data_dir", "data_files", "max_rows")
    fresh = DataArguments()
    others = (
        "licence", "remainder", "hard_negatives", "max_empty", "descriptions", "max_prompt_tokens", "redraw", "mix",
        "max_rows_per_source", "val_set_size", "streaming",
    )  # fmt: skip
    told = {name: getattr(data, name) for name in others if getattr(data, name) != getattr(fresh, name)}
    return {name: getattr(data, name) for name in always} | told


def _licences(data: DataArguments) -> dict[str, str]:
    """Source key → licence, where the data says: a prepared folder's manifest, a corpus tree's meta.json."""
    found = {}
    for name in data.dataset:
        prepared = Path(name) / "manifest.json"
        if prepared.is_file():
            sources = json.loads(prepared.read_text(encoding="utf-8")).get("sources", [])
            found.update({source["source"]: source["licence"] for source in sources if source.get("licence")})
        if name == "iepile" and not data.data_files:
            found.update({source.key: source.licence for _, source in _sources(data) if source.licence})
    return found
