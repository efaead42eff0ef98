"""The rows of a prepared folder as its files tell them: how many, of which columns, and one to look at."""

import json
from collections.abc import Iterable, Iterator
from pathlib import Path

from .template import read_lines

SPLITS = {"train": "train", "validation": "dev", "test": "test"}  # → the name of a JSON-lines file
_LOOKED_AT = 200  # rows among which the example is chosen


def rows_in(folder: Path, tasks: Iterable[str], form: str) -> dict[str, dict[str, int]]:
    """Rows by configuration and split, counted in the footers of Parquet files or as lines.

    Args:
        folder: A prepared folder.
        tasks: Its tasks, in the order of its configurations: those of rows come first, then those of raw records.
        form: `parquet` or `jsonl`.
    """
    import pyarrow.parquet as pq

    rows: dict[str, dict[str, int]] = {}
    for config, place in _places(folder, tasks):
        for split, name in SPLITS.items():
            if form == "parquet":
                numbers = [pq.read_metadata(file).num_rows for file in sorted(place.glob(f"{split}-*.parquet"))]
            else:
                numbers = [sum(1 for _ in file.open("rb")) for file in place.glob(f"{name}.json")]
            if numbers:
                rows.setdefault(config, {})[split] = sum(numbers)
    return rows


def columns_in(folder: Path, tasks: Iterable[str]) -> dict[str, dict[str, str]]:
    """Column → type, of the rows (`rows`) and of the raw records (`raw`), where they are Parquet."""
    import pyarrow.parquet as pq

    columns: dict[str, dict[str, str]] = {}
    for config, place in _places(folder, tasks):
        kind = "raw" if is_raw(config) else "rows"
        for file in sorted(place.glob("*.parquet"))[:1] if kind not in columns else ():
            schema = pq.read_schema(file)
            columns[kind] = {name: _type(str(arrow)) for name, arrow in zip(schema.names, schema.types)}
    return columns


def example_row(folder: Path, tasks: Iterable[str], form: str) -> dict[str, str] | None:
    """The shortest of the first rows with an answer that holds something, of the first configuration."""
    rows = [
        row for row in _first_rows(folder, tasks, form) if row["output"] and any(json.loads(row["output"]).values())
    ]
    # A page in English shows an English example if there is one.
    row = min(rows, key=lambda row: (row.get("language") != "en", len(row["instruction"])), default=None)
    return row and {name: row[name] for name in ("instruction", "output")}


def is_raw(config: str) -> bool:
    """Whether a configuration holds records as they were, not instructions."""
    return config.startswith("raw_")


def _places(folder: Path, tasks: Iterable[str]) -> Iterator[tuple[str, Path]]:
    """Each configuration and its folder."""
    tasks = list(tasks)
    for config, place in [*((task, task) for task in tasks), *((f"raw_{task}", f"raw/{task}") for task in tasks)]:
        if (folder / place).is_dir():
            yield config, folder / place


def _first_rows(folder: Path, tasks: Iterable[str], form: str) -> list[dict[str, str]]:
    import pyarrow.parquet as pq

    place = next((place for _, place in _places(folder, tasks)), folder)
    for file in sorted(place.glob("train-*.parquet" if form == "parquet" else "train.json"))[:1]:
        if form == "parquet":
            with pq.ParquetFile(file) as table:
                batches = table.iter_batches(_LOOKED_AT, columns=["language", "instruction", "output"])
                return next((batch.to_pylist() for batch in batches), [])
        return [row for _, row in read_lines(file, _LOOKED_AT)]
    return []


def _type(arrow: str) -> str:
    return "list of {role, content}" if arrow.startswith("list") else arrow
