"""The rows that are predicted again and again while training: few, fixed, whole records, balanced.

The gold of a record is its whole annotation, so a record is drawn with all its rows or not at all.
"""

from collections import Counter, defaultdict
from dataclasses import dataclass
from hashlib import blake2b
from typing import Any

from .. import TrainerError

_READ = ("id", "task", "source", "language", "instruction")


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
    chosen: list[int] = []
    records = 0
    while waiting:
        task = min(waiting, key=lambda task: (taken[task], task))
        source = min(waiting[task], key=lambda source: (taken[task, source], source))
        places = waiting[task][source].pop()
        if chosen and len(chosen) + len(places) > most:
            break
        chosen += places
        records += 1
        taken.update({task: len(places), (task, source): len(places)})
        if not waiting[task][source]:
            del waiting[task][source]
        if not waiting[task]:
            del waiting[task]
    if not chosen:
        raise TrainerError(f"no row of the split {split!r} has a gold answer to score (give --predict_rows 0)")
    drawn = tuple(_scorable(row) for row in rows.select(sorted(chosen)).to_list())
    _check(drawn)
    return Sample(drawn, records, split, seed)


def _records(rows: Any, seed: int) -> dict[str, dict[tuple[str, str], list[list[int]]]]:
    """The places of each record's rows, by task and source, in reverse of the order in which they are drawn."""
    found: dict[Any, list[int]] = {}
    digest: dict[Any, str] = {}
    names = [name for name in (*_READ, "output", "label") if name in rows.column_names]
    seen = 0
    for batch in rows.select_columns(names).iter(10_000):
        columns = {name: batch.get(name) or [""] * len(batch[names[0]]) for name in (*_READ, "output", "label")}
        for at, values in enumerate(zip(*columns.values()), seen):
            id, task, source, language, instruction, output, label = (value or "" for value in values)
            if label or output:
                key = (task, source, language, id if id and label else at)
                found.setdefault(key, []).append(at)
                drawn = blake2b(f"{seed}\0{instruction}".encode(), digest_size=8).hexdigest()
                digest[key] = min(drawn, digest.get(key, drawn))
        seen += len(columns["id"])
    waiting: dict[str, dict[tuple[str, str], list[list[int]]]] = {}
    for key in sorted(found, key=lambda key: (digest[key], found[key]), reverse=True):
        task, source, language, _ = key
        waiting.setdefault(task, {}).setdefault((source, language), []).append(found[key])
    return waiting


def _scorable(row: dict[str, Any]) -> dict[str, Any]:
    """A row whose label is its gold; where there is only an answer, the row is a record of its own."""
    if row.get("label"):
        return row
    return {**row, "label": row["output"], "id": None}


def _check(rows: tuple[dict[str, Any], ...]) -> None:
    from iepile_metric import Accumulator

    for row in rows:
        try:
            Accumulator().add({**row, "output": "{}"})
        except ValueError as problem:
            name = row.get("id") or "a row of the sample"
            raise TrainerError(f"{name} cannot be scored: {problem} (mend it, or give --predict_rows 0)") from None
