"""A mark of the rows of a training, so that it is not gone on with when they have changed."""

from collections.abc import Iterator
from hashlib import blake2b
from pathlib import Path
from typing import Any

import pyarrow as pa

from ..run_folder import RECORD, STARTED
from ..tokenization.encode import draws_of, is_stream
from .arguments import DataArguments

_TOGETHER = 10_000


def mark_of(rows: Any, data: DataArguments) -> str:
    """A digest of what is learnt: of a dataset its instructions and answers, of a stream the state of its local files.

    A stream from elsewhere has the mark of nothing: its address should name a revision.

    >>> import datasets
    >>> one, two = (datasets.Dataset.from_dict({"instruction": ["a"], "output": [text]}) for text in "bc")
    >>> mark_of(one, DataArguments()) == mark_of(one, DataArguments()) != mark_of(two, DataArguments())
    True
    """
    digest = blake2b(digest_size=8)
    for content in _state_of_files(data) if is_stream(rows) else _contents(draws_of(rows)):
        digest.update(content)
    return digest.hexdigest()


def _contents(draws: list[Any]) -> Iterator[Any]:
    for rows in draws:
        names = [name for name in ("instruction", "output") if name in rows.column_names]
        for table in rows.select_columns(names).with_format("arrow").iter(_TOGETHER):
            for batch in pa.Table.from_arrays(table.columns, table.column_names).combine_chunks().to_batches():
                yield batch.serialize()


def _state_of_files(data: DataArguments) -> Iterator[bytes]:
    def in_run(file: Path) -> bool:
        return any((folder / name).is_file() for folder in file.parents for name in (STARTED, RECORD))

    given = [data.data_dir, *(data.dataset or ()), *(file.rpartition("=")[2] for file in data.data_files or ())]
    for place in [Path(name) for name in given if name and "://" not in name]:
        for file in sorted(place.rglob("*")) if place.is_dir() else [place]:
            if file.is_file() and not in_run(file):  # a run may lie beside its rows
                facts = file.stat()
                yield f"{file.relative_to(place)}:{facts.st_size}:{facts.st_mtime_ns}\n".encode()
