"""Rows to train on and to validate on, loaded, mixed and split as the options say."""

from collections import Counter
from collections.abc import Iterator
from copy import copy
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from ..errors import TrainerError
from ..run_folder import read_object
from ..tokenization.encode import draws_of, is_stream
from ..tokenization.length_report import Tally
from .arguments import ROW_OPTIONS, DataArguments
from .holdout import drawn, held_out_size, hold_out
from .mixture import Mix, mixed, mixed_stream
from .sources import COLUMNS, COMMITS, NoSplit, parts

__all__ = ["COLUMNS", "Loaded", "NoSplit", "first_rows", "load_both", "load_rows", "manifest"]

_FIRST = 20_000


@dataclass(frozen=True)
class Loaded:
    """Rows to train on and to validate on.

    Attributes:
        rows: A `datasets.Dataset`, or an `IterableDataset` with `data.streaming`. Where labels are drawn anew
            for each epoch, a list of them, one for each draw.
        eval_rows: A `datasets.Dataset`; None where no evaluation is wanted.
        notes: What the user should know, a line each.
    """

    rows: Any
    eval_rows: Any
    notes: tuple[str, ...] = ()


def load_both(data: DataArguments, evaluate: bool, num_proc: int | None = None) -> Loaded:
    """Load the train split and, if there is to be an evaluation, rows for it.

    These are the split `data.eval_split`. Where there is none, they are taken out of the train split, see `holdout`;
    with `data.val_set_size` always, so that they can serve for something else after training.

    Raises:
        TrainerError: As `load_rows`; or what was asked for cannot be had of a stream.
    """
    _check_names(data)
    eval_rows: Any = None
    notes: list[str] = []
    take = data.val_set_size is not None
    if evaluate and not take:
        whole = copy(data)
        whole.streaming = False
        try:
            eval_rows = load_rows(whole, data.eval_split, data.max_eval_rows, num_proc)
        except NoSplit as problem:
            if data.streaming:
                remedy = "a stream has none to hold out (leave out --streaming, or --eval_strategy no)"
                raise TrainerError(f"{problem}; {remedy}") from None
            if data.eval_split != "validation":
                raise
            take = True
    if data.streaming:
        draws = [_stream(data, draw) for draw in range(data.redraw)]
        return Loaded(draws if data.redraw > 1 else draws[0], eval_rows)
    draws = [_joined(data, data.train_split, num_proc, draw) for draw in range(data.redraw)]
    if take:
        size = held_out_size(data.val_set_size, len(draws[0]))
        if data.val_set_size is None and data.max_eval_rows is not None:
            size = min(size, data.max_eval_rows)  # what is not evaluated can be learnt from
        held_out = drawn(draws[0], size, data.seed)
        draws, (aside, *_) = map(list, zip(*(hold_out(rows, held_out, data.seed) for rows in draws)))
        notes.append(f"{len(aside):,} rows are held out of the train split for validation: whole records, by --seed")
        eval_rows = aside if evaluate else None
    if data.redraw > 1:
        notes.append(f"the labels to ask are drawn anew {data.redraw} times: epoch 1 sees the first draw, and so on")
    draws = [_at_most(_mixed(rows, data), data.max_rows, data.seed) for rows in draws]
    return Loaded(draws if data.redraw > 1 else draws[0], eval_rows, tuple(notes))


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
        rows = _mixed(rows, data)
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
        reason = f"no row of split {split!r} is of {asked}" if asked else f"the split {split!r} is empty"
        raise TrainerError(f"{' '.join(data.dataset)}: {reason}")
    return rows


def _mixed(rows: Any, data: DataArguments) -> Any:
    return mixed(rows, Mix.of(data.mix), data.max_rows_per_source, data.seed)


def _at_most(rows: Any, count: int | None, seed: int) -> Any:
    return rows if count is None or count >= len(rows) else rows.shuffle(seed=seed).select(range(count))


def _stream(data: DataArguments, draw: int) -> Any:
    """A stream of the train split."""
    import datasets

    for name in ("max_rows", "max_rows_per_source", "val_set_size"):
        if getattr(data, name) is not None:
            raise TrainerError(f"--{name} needs to know how many rows there are: leave out --streaming")
    rows = datasets.concatenate_datasets(parts(data, data.train_split, None, draw))
    rows = mixed_stream(rows, Mix.of(data.mix), data.seed)
    return rows.shuffle(seed=data.seed, buffer_size=data.shuffle_buffer)


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

    if is_stream(rows):
        return datasets.Dataset.from_list(list(draws_of(rows)[0].take(_FIRST)))
    return datasets.concatenate_datasets(draws_of(rows))


def manifest(rows: Any, data: DataArguments, split: str) -> list[dict[str, Any]]:
    """What is trained on in one epoch, one entry per task.

    Args:
        rows: The encoded rows of `encode.encode`, or their numbers as `length_report.Tally.sources` has them.
        data: Where they came from.
        split: The split they were.
    """
    counted = rows if isinstance(rows, dict) else {} if is_stream(rows) else _counted(draws_of(rows)[0])
    licences = _licences(data)
    kept = [entry["licences"] for entry in data.kept]
    commits = {name: COMMITS[name] for name in data.dataset if name in COMMITS}
    entries: list[dict[str, Any]] = []
    for task in dict.fromkeys(task for task, _, _ in counted):
        of_task = {key[1:]: numbers for key, numbers in counted.items() if key[0] == task}
        by_source: Counter[str] = Counter()
        for (source, _), (number, _) in of_task.items():
            by_source[source] += number
        keys = [f"{language}/{task}/{source}" for source, language in of_task]
        entries.append(
            {
                "dataset": " + ".join(dict.fromkeys([*data.dataset, *(entry["dataset"] for entry in data.kept)])),
                "config": task.lower(),
                "source": list(by_source),
                "language": sorted({language for _, language in of_task}),
                "split": split,
                "rows": by_source.total(),
                "rows_by_source": dict(by_source),
                "tokens": sum(tokens for _, tokens in of_task.values()),
                "licences": sorted({licences[key] for key in keys if licences.get(key)}.union(*kept)),
                "options": _shaping(data),
                **({"revision": commits} if commits else {}),
            }
        )
    return entries


def _counted(rows: Any) -> dict[tuple[str, str, str], list[int]]:
    """(task, source, language) → rows and tokens."""
    tally, names = Tally(None), ("task", "source", "language")
    present = [name for name in names if name in rows.column_names]
    for batch in rows.select_columns([*present, "length"]).iter(10_000):
        columns = [batch.get(name) or [""] * len(batch["length"]) for name in names]
        for task, source, language, length in zip(*columns, batch["length"]):
            tally.count(task, source, language, 1, length)
    return tally.sources


def _shaping(data: DataArguments) -> dict[str, Any]:
    """The options that shape rows: those that the package has from the beginning, and others where given."""
    always = ("split_num", "negatives", "seed", "epoch", "data_dir", "data_files", "max_rows")
    elsewhere = ("source", "language", "tokenizer", "strict")
    ours = ("redraw", "mix", "keep_sources", "max_rows_per_source", "val_set_size", "streaming")
    others = {*ROW_OPTIONS, *ours}.difference(elsewhere)
    values, defaults = asdict(data), asdict(DataArguments())
    return {name: values[name] for name in always} | {
        name: values[name] for name in values if name in others and values[name] != defaults[name]
    }


def _licences(data: DataArguments) -> dict[str, str]:
    """Source key → licence, where the data says: a prepared folder's manifest, a corpus tree's meta.json."""
    licences = {}
    for name in data.dataset:
        prepared = Path(name) / "manifest.json"
        if prepared.is_file():
            sources = read_object(prepared, "", "prepare the folder again").get("sources", [])
            licences.update({source["source"]: source["licence"] for source in sources if source.get("licence")})
        if name == "iepile" and not data.data_files:
            licences.update({source.key: source.licence for _, source in _sources(data) if source.licence})
    return licences
