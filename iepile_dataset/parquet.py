"""Rows as published: Parquet with the conversational columns that stock trainers read."""

from collections.abc import Iterable
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

from .generate import ARROW_SCHEMA

_MESSAGE = pa.struct([("role", pa.string()), ("content", pa.string())])
PUBLISHED_SCHEMA = pa.schema(
    [*ARROW_SCHEMA, pa.field("prompt", pa.list_(_MESSAGE)), pa.field("completion", pa.list_(_MESSAGE))]
)

_ROW_GROUP = 16384


def with_messages(table: pa.Table) -> pa.Table:
    """Add `prompt` (the user's turn) and `completion` (the assistant's), so that stock `trl sft` trains on the rows.

    >>> table = pa.table([["a"]] * 7, schema=ARROW_SCHEMA)
    >>> with_messages(table).column("completion").to_pylist()
    [[{'role': 'assistant', 'content': 'a'}]]
    """
    for name, role, column in (("prompt", "user", "instruction"), ("completion", "assistant", "output")):
        content = table.column(column).combine_chunks()
        messages = pa.StructArray.from_arrays(
            [pa.repeat(pa.scalar(role), len(content)), content], fields=list(_MESSAGE)
        )
        offsets = pa.array(np.arange(len(content) + 1, dtype=np.int32))
        table = table.append_column(name, pa.ListArray.from_arrays(offsets, messages))
    return table


def write_parquet(tables: Iterable[pa.Table], path: Path) -> None:
    """Write tables of rows as one Parquet file; no file where there is no row."""
    writer = None
    waiting: list[pa.Table] = []
    try:
        for table in tables:
            writer = writer or pq.ParquetWriter(path, PUBLISHED_SCHEMA, compression="zstd")
            waiting.append(with_messages(table))
            if sum(map(len, waiting)) >= _ROW_GROUP:
                writer.write_table(pa.concat_tables(waiting))
                waiting = []
        if writer and waiting:
            writer.write_table(pa.concat_tables(waiting))
    finally:
        if writer:
            writer.close()
