"""Old rows among new ones: a model that goes on with other sources forgets less of those that it has learnt."""

import math
from collections.abc import Iterable
from dataclasses import fields, replace
from typing import Any

from ..errors import TrainerError
from ..run_folder import is_finished, read_run
from ..tokenization.encode import draws_of
from .arguments import DataArguments
from .load import Loaded, load_rows

_OF_THE_NEW = ("seed", "dataset", "task", "source", "train_split", "max_rows")


def with_old_rows(loaded: Loaded, data: DataArguments, model: Iterable[str | None]) -> Loaded:
    """The rows, and the share `data.keep_sources` of a run's own, of sources that are not asked now anyway.

    Args:
        loaded: The new rows.
        data: Their options; gets the old data sets into `kept`, for the record.
        model: The folders of the run that is gone on with: its weights, its adapter.

    Raises:
        TrainerError: None of them has a record of its data, or the data cannot be loaded any more.
    """
    import datasets

    share = data.keep_sources or 0.0
    if data.streaming:
        raise TrainerError("keep_sources goes with rows that are loaded whole (leave out --streaming)")
    folders = [folder for folder in model if folder]
    entries = [entry for folder in folders if is_finished(folder) for entry in read_run(folder).get("data") or ()]
    if not entries:
        raise TrainerError(
            f"keep_sources: {' + '.join(folders) or 'a new model'} has no record of what it was trained on (name the "
            "old data beside the new, --dataset OLD NEW, and weigh it: --mix ner/old=0.1)"
        )
    draws = draws_of(loaded.rows)
    asked = set(zip(draws[0]["task"], draws[0]["source"]))
    old, notes = [], []
    for entry in entries:
        task, sources = str(entry["config"]), entry["source"]
        if names := [name for name in sources if (task.upper(), name) not in asked]:
            rows = load_rows(_as_then(entry, names, data.seed), entry["split"], entry["options"].get("max_rows"))
            old.append(rows.shuffle(seed=data.seed).select(range(math.ceil(share * len(rows)))))
            data.kept.append(entry)
            notes.append(f"kept {len(old[-1]):,} rows of {task} {', '.join(filter(None, names))}")
    rows = [datasets.concatenate_datasets([draw, *old]) for draw in draws]
    return replace(loaded, rows=rows if len(rows) > 1 else rows[0], notes=(*loaded.notes, *notes))


def _as_then(entry: dict[str, Any], names: list[str], seed: int) -> DataArguments:
    """The options with which a run's rows were loaded, for some of its sources."""
    known = {option.name for option in fields(DataArguments) if option.init} - {*_OF_THE_NEW}
    options = {name: value for name, value in entry["options"].items() if name in known}
    sources = [name for name in names if name] or None
    dataset = str(entry["dataset"]).split(" + ")
    data = DataArguments(dataset=dataset, task=[entry["config"]], source=sources, train_split=entry["split"], **options)
    data.seed = entry["options"].get("seed", seed)
    return data
