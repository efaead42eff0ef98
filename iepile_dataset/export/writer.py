"""One shard's rows as a file: Parquet with conversational columns, or the original's JSON lines."""

import json
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from hashlib import sha256
from itertools import chain, islice
from pathlib import Path

import numpy as np
import orjson
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from ..corpus.file_form import BOM
from ..corpus.shards import Shard
from ..errors import Problem
from ..instructions.generate import Counts
from ..instructions.tables import ARROW_SCHEMA, tables
from ..options import Options

_MESSAGE = pa.struct([("role", pa.string()), ("content", pa.string())])
PUBLISHED_SCHEMA = pa.schema(
    [*ARROW_SCHEMA, pa.field("prompt", pa.list_(_MESSAGE)), pa.field("completion", pa.list_(_MESSAGE))]
)
RAW_SCHEMA = pa.schema([(name, pa.string()) for name in ("id", "source", "language", "record")])

# The rows and bytes that wait in memory for a row group to be full.
_ROW_GROUP = 16384
_GROUP_BYTES = 64 << 20
_RAW_BATCH = 512
_DIGEST = 1 << 256
# As `datasets` writes for the Hub: pages end where the content says, so that of a file that changed in a few places
# only these are uploaded again; and an index of the pages, so that a few rows are read without the rest.
_CHUNKS = {"min_chunk_size": 256 << 10, "max_chunk_size": 1 << 20, "norm_level": 0}


@dataclass(frozen=True)
class Part:
    """One file to be made: the rows of a shard, or its records as they are."""

    split: str
    shard: Shard
    path: Path
    raw: bool = False

    @property
    def size(self) -> int:
        """Bytes of what is read for it."""
        return sum(segment.end - segment.start for segment in self.shard)


@dataclass(frozen=True)
class Written:
    """What became of a part.

    Attributes:
        counts: (source key + "/" + split, what) → how many.
        problems: What was left out.
        digest: Sum of the SHA-256 of its rows; sums do not depend on order or on how rows are cut into parts.
        size: Bytes that were read for it.
        files: Name → SHA-256 of what was put elsewhere than into this machine's folder.
    """

    counts: Counts
    problems: list[Problem]
    digest: int
    size: int = 0
    files: Mapping[str, str] = field(default_factory=dict)


def write_part(part: Part, options: Options, form: str) -> Written:
    """Write one part as `parquet` or `jsonl`; no file where there is no row."""
    counts: Counts = Counter()
    problems: list[Problem] = []
    digest = 0

    def digested() -> Iterator[pa.Table]:
        nonlocal digest
        for table in tables(part.shard, options, counts, problems.append):
            digest = (digest + rows_digest(table)) % _DIGEST
            yield table

    if part.raw:
        _write_parquet(_raw_tables(part), part.path, RAW_SCHEMA)
    elif form == "jsonl":
        _write_lines(digested(), part)
    else:
        _write_parquet(map(with_messages, digested()), part.path, PUBLISHED_SCHEMA)
    by_split: Counts = Counter({(f"{key}/{part.split}", what): number for (key, what), number in counts.items()})
    return Written(by_split, problems, digest, part.size)


def rows_digest(table: pa.Table) -> int:
    """The sum of the rows' SHA-256, over id, instruction, output and label, modulo 2**256.

    >>> table = pa.table([["a", "b"]] * 7, schema=ARROW_SCHEMA)
    >>> rows_digest(table) == rows_digest(table.take([1, 0])) != rows_digest(table.take([0, 0]))
    True
    """
    columns = [table.column(name) for name in ("id", "instruction", "output", "label")]
    digests = bytearray()
    for rows in pc.binary_join_element_wise(*columns, "\0").cast(pa.large_binary()).chunks:
        _, ends, data = rows.buffers()
        cuts = np.frombuffer(ends, np.int64)[rows.offset : rows.offset + len(rows) + 1].tolist()
        content = memoryview(data or b"")
        for start, end in zip(cuts, cuts[1:]):
            digests += sha256(content[start:end]).digest()
    # 256 bits as eight columns of 32: their sums fit into 64.
    sums = np.frombuffer(digests, ">u4").reshape(-1, 8).sum(0, dtype=np.uint64)
    return sum(int(part) << (32 * place) for place, part in enumerate(reversed(sums))) % _DIGEST


def with_messages(table: pa.Table) -> pa.Table:
    """Add `prompt` (the user's turn) and `completion` (the assistant's), so that stock `trl sft` trains on the rows.

    >>> table = pa.table([["a"]] * 7, schema=ARROW_SCHEMA)
    >>> with_messages(table).column("completion").to_pylist()
    [[{'role': 'assistant', 'content': 'a'}]]
    """
    for name, role, column in (("prompt", "user", "instruction"), ("completion", "assistant", "output")):
        whole = table.column(column)
        content = whole.chunk(0) if whole.num_chunks == 1 else whole.combine_chunks()
        messages = pa.StructArray.from_arrays(
            [pa.repeat(pa.scalar(role), len(content)), content], fields=list(_MESSAGE)
        )
        offsets = pa.array(np.arange(len(content) + 1, dtype=np.int32))
        table = table.append_column(name, pa.ListArray.from_arrays(offsets, messages))
    return table


def _write_parquet(tables: Iterable[pa.Table], path: Path, schema: pa.Schema) -> None:
    left = iter(tables)
    first = next(left, None)
    if first is None:
        return
    settings = {"compression": "zstd", "use_content_defined_chunking": _CHUNKS, "write_page_index": True}
    with pq.ParquetWriter(path, schema, **settings) as writer:
        writer.add_key_value_metadata({"content_defined_chunking": json.dumps(_CHUNKS)})
        waiting: list[pa.Table] = []
        for table in chain([first], left):
            waiting.append(table)
            if sum(map(len, waiting)) >= _ROW_GROUP or sum(part.nbytes for part in waiting) >= _GROUP_BYTES:
                writer.write_table(pa.concat_tables(waiting))
                waiting = []
        if waiting:
            writer.write_table(pa.concat_tables(waiting))


def _write_lines(tables: Iterable[pa.Table], part: Part) -> None:
    """The original's layout: answers in train, the record's label in validation and test."""
    train = part.split == "train"
    names = ["task", "source", "instruction", "output"] if train else ["id", "task", "source", "instruction", "label"]
    with part.path.open("ab") as file:
        for table in tables:
            for row in table.select(names).to_pylist():
                file.write(orjson.dumps(row) + b"\n")


def _raw_tables(part: Part) -> Iterator[pa.Table]:
    """The lines that are not blank, as they are, without a byte order mark."""
    for segment in part.shard:
        source = segment.source
        lines = ((number, line if number > 1 else line.removeprefix(BOM)) for number, line in segment.lines())
        records = ((number, line.decode("utf-8", "replace").strip()) for number, line in lines if not line.isspace())
        while rows := list(islice(records, _RAW_BATCH)):
            ids = pa.array([f"{source.key}/{segment.split}:{number}" for number, _ in rows])
            constant = [pa.repeat(pa.scalar(value), len(rows)) for value in (source.name, source.language)]
            records_column = pa.array([line for _, line in rows], pa.string())
            yield pa.Table.from_arrays([ids, *constant, records_column], schema=RAW_SCHEMA)
