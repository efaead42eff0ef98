"""What is in a prepared folder, counted from its rows."""

import os
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import orjson
import pyarrow.parquet as pq

from ..corpus.sources import Source
from ..errors import DataError
from ..export.manifest import MANIFEST, read_manifest
from ..schema import Schema
from .figures import Figures, total
from .stats import NOT_STATED, Cell, Progress, Statistics, domain_of

_COLUMNS = ["id", "instruction", "output", "label"]
_BATCH = 4096


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
    told = read_manifest(folder / MANIFEST)
    if told["format"] != "parquet":
        raise DataError(f"{folder}: statistics are made of Parquet, this is {told['format']} (prepare it as parquet)")
    counted: dict[str, Figures] = {}
    last = ""
    for number, row in enumerate(_rows(folder, told), 1):
        place = row["id"].rpartition(":")[0]
        asked = orjson.loads(row["instruction"])["input"]
        text = f"{row['id']} {asked}"  # the rows of one text follow each other
        _count(counted.setdefault(place, Figures()), row, None if text == last else asked)
        last = text
        if progress and number % _BATCH == 0:
            progress(number, told["rows"])
    return _together(folder, told, counted)


def _rows(folder: Path, told: dict[str, Any]) -> Iterator[dict[str, str]]:
    for name in sorted(told["files"]):
        if name.endswith(".parquet") and not name.startswith("raw/"):
            with pq.ParquetFile(folder / name) as file:
                for batch in file.iter_batches(_BATCH, columns=_COLUMNS):
                    yield from batch.to_pylist()


def _count(figures: Figures, row: dict[str, str], text: str | None) -> None:
    """Add one row; `text` only with the first row that asks about it."""
    figures.instructions += 1
    figures.instruction_characters[len(row["instruction"])] += 1
    if text is not None:
        figures.text_characters[len(text)] += 1
        figures.without += row["label"] == "[]"
    if not row["output"]:
        figures.unanswered += 1
        return
    figures.answer_characters[len(row["output"])] += 1
    answer = orjson.loads(row["output"])
    for label, found in answer.items():
        figures.labels[label] += len(found)
    figures.empty_instructions += not any(answer.values())


def _together(folder: Path, told: dict[str, Any], counted: dict[str, Figures]) -> Statistics:
    """Rows by source and split, and the records that they were made of."""
    result = Statistics(folder.resolve().name)
    measured: set[str] = set()
    for entry in told["sources"]:
        language, task, name = entry["source"].split("/", 2)
        source = Source(name, task.lower(), language, Schema(), {}, {}, entry["licence"], entry["path"])
        domain = domain_of(source) if os.path.isdir(source.path) else NOT_STATED
        for split, counts in entry["counts"].items():
            figures = counted.get(f"{source.key}/{split}", Figures())
            figures.records, figures.unlabelled = counts["read"], counts["unlabelled"]
            figures.left_out = min(counts["quarantined"], counts["read"])  # an empty file is a problem, but no record
            if source.path not in measured:
                texts = result.texts.get(language, Figures())
                result.texts[language] = total([texts, figures.of_texts])
            result.cells.append(Cell(source, domain, split, figures))
        measured.add(source.path)
    return result
