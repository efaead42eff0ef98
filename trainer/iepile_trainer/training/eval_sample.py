"""The rows that are predicted again and again while training: few, fixed, whole records, balanced.

The gold of a record is its whole annotation, so a record is drawn with all its rows or not at all.
"""

from collections import Counter, defaultdict
from dataclasses import dataclass
from hashlib import blake2b
from typing import Any

from ..errors import TrainerError

_READ = ("id", "task", "source", "language", "instruction", "output", "label")


@dataclass(frozen=True)
class Sample:
    """Rows to predict while training.

    Attributes:
        rows: Rows with `instruction`, `output`, `label` and `task`, in the order of the split.
        records: How many records they are of.
        split: The split that they were drawn from.
        seed: What drew them.
    """

    rows: tuple[dict[str, Any], ...]
    records: int
    split: str
    seed: int

    def as_dict(self) -> dict[str, Any]:
        """What was drawn, ready for JSON: counts of rows by task and source, and the ids."""
        tasks: dict[str, Counter[str]] = defaultdict(Counter)
        for row in self.rows:
            tasks[row["task"].lower()][row.get("source") or ""] += 1
        return {
            "split": self.split,
            "rows": len(self.rows),
            "records": self.records,
            "seed": self.seed,
            "tasks": {task: dict(sources) for task, sources in tasks.items()},
            "ids": list(dict.fromkeys(row["id"] for row in self.rows if row.get("id"))),
        }


def draw_sample(rows: Any, most: int, seed: int, split: str = "validation") -> Sample:
    """Draw at most so many rows: always the next record of the task, and in it of the source, with fewest so far.

    The order within a source follows from the seed and the content of its records: same rows, same sample,
    however they are stored.

    Args:
        rows: A `datasets.Dataset` of rows; a row without `label` is judged by its `output`.
        most: Rows at most; the first record is taken whole even if it has more.
        seed: Same seed, same sample.
        split: Where the rows are from, for the record.

    Raises:
        TrainerError: No row can be scored, or one has a label that is no annotation of its task.

    >>> from datasets import Dataset
    >>> gold = [("a", "ner", 2), ("b", "ner", 2), ("c", "ner", 2), ("d", "re", 1)]
    >>> rows = [{"id": id, "task": task, "instruction": id, "label": "[]"} for id, task, n in gold for _ in range(n)]
    >>> draw_sample(Dataset.from_list(rows), most=4, seed=1).as_dict()["tasks"]
    {'ner': {'': 2}, 're': {'': 1}}
    """
    waiting = _records(rows, seed)
    taken: Counter[Any] = Counter()
    chosen: list[list[int]] = []
    while waiting:
        task, source = min(waiting, key=lambda key: (taken[key[0]], key[0], taken[key], key[1]))
        places = waiting[task, source].pop()
        if chosen and sum(map(len, chosen)) + len(places) > most:
            break
        chosen.append(places)
        taken.update({task: len(places), (task, source): len(places)})
        if not waiting[task, source]:
            del waiting[task, source]
    if not chosen:
        raise TrainerError(f"no row of the split {split!r} has a gold answer to score (give --predict_rows 0)")
    sample = tuple(map(_scorable, rows.select(sorted(sum(chosen, []))).to_list()))
    return Sample(sample, len(chosen), split, seed)


def _records(rows: Any, seed: int) -> dict[tuple[str, tuple[str, str]], list[list[int]]]:
    """The places of each record's rows, by task and source, in reverse of the order in which they are drawn."""
    places: dict[Any, list[int]] = {}
    digests: dict[Any, str] = {}
    names = [name for name in _READ if name in rows.column_names]
    for number, row in enumerate(rows.select_columns(names)):
        id, task, source, language, instruction, output, label = (row.get(name) or "" for name in _READ)
        if label or output:
            key = (task, source, language, id if id and label else number)
            places.setdefault(key, []).append(number)
            digest = blake2b(f"{seed}\0{instruction}".encode(), digest_size=8).hexdigest()
            digests[key] = min(digest, digests.get(key, digest))
    waiting: dict[tuple[str, tuple[str, str]], list[list[int]]] = {}
    for key in sorted(places, key=lambda key: (digests[key], places[key]), reverse=True):
        task, source, language, _ = key
        waiting.setdefault((task, (source, language)), []).append(places[key])
    return waiting


def _scorable(row: dict[str, Any]) -> dict[str, Any]:
    """A row whose label is its gold; where there is only an answer, the row is a record of its own.

    Raises:
        TrainerError: The gold is no annotation of its task.
    """
    from iepile_metric import Accumulator

    if not row.get("label"):
        row = {**row, "label": row["output"], "id": None}
    try:
        Accumulator().add({**row, "output": "{}"})
    except ValueError as problem:
        name = row.get("id") or "a row of the sample"
        raise TrainerError(f"{name} cannot be scored: {problem} (mend it, or give --predict_rows 0)") from None
    return row
