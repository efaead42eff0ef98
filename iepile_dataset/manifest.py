"""What went into a prepared folder, and the proof that it still holds it."""

import hashlib
import json
from collections.abc import Iterator, Sequence
from dataclasses import asdict
from functools import lru_cache
from importlib.metadata import version
from pathlib import Path
from typing import Any

import fsspec
import pyarrow.parquet as pq

from .corpus import Source
from .generate import Counts
from .options import Options
from .parts import rows_digest
from .problems import DataError

MANIFEST = "manifest.json"


def manifest(
    folder: Path, sources: Sequence[Source], options: Options, counts: Counts, digest: int, left_out: int, form: str
) -> dict[str, Any]:
    """The manifest of the files that lie in `folder`.

    `rows_sha256` is the sum of the rows' SHA-256 (`parts.rows_digest`): two builds from the same data and options
    give the same, on any machine, with any number of processes and in any order. Addresses of sources are not part
    of it.
    """
    return {
        "format": form,
        "rows": sum(number for (_, what), number in counts.items() if what == "rows"),
        "rows_sha256": f"{digest:064x}",
        "left_out": left_out,
        "options": asdict(options),
        "versions": {name: version(name) for name in ("iepile", "datasets", "pyarrow")},
        "sources": [
            {
                "source": source.key,
                "path": source.path,
                "licence": source.licence,
                "files": {split: file_facts(file) for split, file in source.files.items()},
                "counts": {
                    split: {what: number for (key, what), number in counts.items() if key == f"{source.key}/{split}"}
                    for split in source.files
                },
            }
            for source in sources
        ],
        "files": {name: _digest_of(folder / name) for name in _data_files(folder)},
    }


def verify(folder: str | Path) -> tuple[dict[str, Any], list[str]]:
    """Compare a prepared folder with its manifest.

    Returns:
        The manifest, and what does not agree with it, one line each; none where the folder is proved.

    Raises:
        DataError: The folder has no manifest.
    """
    folder = Path(folder)
    try:
        told = json.loads((folder / MANIFEST).read_text("utf-8"))
    except FileNotFoundError:
        raise DataError(f"{folder}: no {MANIFEST} in it (iepile prepare writes one)") from None
    except ValueError as error:
        raise DataError(f"{folder / MANIFEST}: not JSON: {error} (prepare the folder again)") from None
    if not isinstance(told, dict) or not {"files", "rows", "rows_sha256", "format"} <= set(told):
        raise DataError(f"{folder / MANIFEST}: not a manifest of prepared rows (prepare the folder again)")
    present = set(_data_files(folder))
    wrong = [f"{name}: missing" for name in told["files"] if name not in present]
    wrong += [f"{name}: not in the manifest" for name in sorted(present - set(told["files"]))]
    wrong += [
        f"{name}: changed since it was written"
        for name in sorted(present & set(told["files"]))
        if _digest_of(folder / name) != told["files"][name]
    ]
    if told["format"] == "parquet" and not wrong:
        rows, digest = _rows(folder)
        if (rows, f"{digest:064x}") != (told["rows"], told["rows_sha256"]):
            wrong.append(
                f"{rows} rows with digest {digest:064x}, the manifest says {told['rows']}, {told['rows_sha256']}"
            )
    return told, wrong


def _rows(folder: Path) -> tuple[int, int]:
    count = digest = 0
    for name in _data_files(folder):
        if name.endswith(".parquet") and not name.startswith("raw/"):
            with pq.ParquetFile(folder / name) as file:
                for number in range(file.num_row_groups):
                    table = file.read_row_group(number, columns=["id", "instruction", "output", "label"])
                    count += len(table)
                    digest = (digest + rows_digest(table)) % (1 << 256)
    return count, digest


def _data_files(folder: Path) -> Iterator[str]:
    for file in sorted(folder.rglob("*")):
        if file.suffix in (".parquet", ".json") and file.is_file() and file.name != MANIFEST:
            yield file.relative_to(folder).as_posix()


def _digest_of(file: Path) -> str:
    with file.open("rb") as data:
        return hashlib.file_digest(data, "sha256").hexdigest()


@lru_cache(maxsize=1024)
def file_facts(file: str) -> dict[str, Any]:
    """Address, size and SHA-256 of a source's file."""
    with fsspec.open(file, "rb") as data:
        digest = hashlib.file_digest(data, "sha256").hexdigest()
        return {"file": file, "bytes": data.tell(), "sha256": digest}
