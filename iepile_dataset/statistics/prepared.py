"""What is in a prepared folder, counted from its rows."""

import os
from collections import defaultdict
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import orjson

from ..corpus.shards import Progress
from ..corpus.sources import Source
from ..errors import DataError
from ..export.manifest import MANIFEST, read_manifest, row_tables
from ..schema import Schema
from .figures import Figures, total
from .stats import NOT_STATED, Cell, Statistics, domain_of

__all__ = ["prepared_statistics"]


def prepared_statistics(folder: str | os.PathLike[str], progress: Progress | None = None) -> Statistics:
    """Count what is in a folder that `prepare` made: rows as they are, records as its manifest has them.

    Args:
        folder: The folder; its rows are Parquet.
        progress: Called with (rows read so far, rows in all).

    Returns:
        Statistics as of a corpus, but of labels only those that occur are known.

    Raises:
        DataError: It has no manifest, or no Parquet.

    >>> import tempfile
    >>> from iepile_dataset.export.prepare import prepare
    >>> out = tempfile.mkdtemp() + "/rows"
    >>> done = prepare(out, tasks=["re"])
    >>> counted = prepared_statistics(out)
    >>> counted.total.instructions == done.total("rows"), counted.total.records == done.total("read")
    (True, True)
    """
    folder = Path(folder)
    facts = read_manifest(folder / MANIFEST)
    if facts["format"] != "parquet":
        raise DataError(f"{folder}: statistics are made of Parquet, this is {facts['format']} (prepare it as parquet)")
    counted: defaultdict[str, Figures] = defaultdict(Figures)
    done, last = 0, ("", "")
    for table in row_tables(folder, sorted(facts["files"]), ("id", "instruction", "output", "label")):
        for row in table.to_pylist():
            figures = counted[row["id"].rpartition(":")[0]]
            figures.add_row(row["instruction"], row["output"])
            for label, answer in orjson.loads(row["output"] or "{}").items():
                figures.labels[label] += len(answer)
            text = orjson.loads(row["instruction"])["input"]
            if (row["id"], text) != last:  # the rows of one text follow each other
                figures.text_characters[len(text)] += 1
                figures.without += row["label"] == "[]"
            last = (row["id"], text)
        done += len(table)
        if progress:
            progress(done, facts["rows"])
    return _together(folder, facts, counted)


def _together(folder: Path, facts: dict[str, Any], counted: Mapping[str, Figures]) -> Statistics:
    """Rows by source and split, and the records that they were made of."""
    result = Statistics(folder.resolve().name)
    measured: set[str] = set()
    for entry in facts["sources"]:
        language, task, name = entry["source"].split("/", 2)
        source = Source(name, task.lower(), language, Schema(), {}, {}, entry["licence"], entry["path"])
        domain = domain_of(source.path) if os.path.isdir(source.path) else NOT_STATED
        for split, counts in entry["counts"].items():
            figures = counted.get(f"{source.key}/{split}", Figures())
            figures.add_records(counts)
            if source.path not in measured:
                result.texts[language] = total([result.texts.get(language, Figures()), figures.of_texts])
            result.cells.append(Cell(source, domain, split, figures))
        measured.add(source.path)
    return result
