"""What went into a prepared folder, and the proof that it still holds it."""

import hashlib
import json
import os
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict
from functools import cache
from importlib.metadata import version
from pathlib import Path
from typing import Any

import fsspec
import pyarrow.parquet as pq

from ..corpus.sources import Source
from ..errors import DataError, shown
from ..instructions.tables import Counts
from ..options import Options
from .writer import rows_digest

MANIFEST = "manifest.json"


def manifest(
    files: Mapping[str, str],
    sources: Sequence[Source],
    options: Options,
    counts: Counts,
    digest: int,
    left_out: int,
    form: str,
) -> dict[str, Any]:
    """The manifest of a prepared folder; `files` are its files' digests, as `digests` gives them.

    `rows_sha256` is the sum of the rows' SHA-256 (`parts.rows_digest`): two builds from the same data and options
    give the same, on any machine, with any number of processes and in any order. Addresses of sources are not part
    of it. `manifest_sha256` is that of all else in the manifest, so that an edit shows.
    """
    read = cache(_file_facts)  # no longer than for this manifest: the same address may hold something else tomorrow
    facts = {
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
                "files": {split: read(file) for split, file in source.files.items()},
                "counts": {
                    split: {what: number for (key, what), number in counts.items() if key == f"{source.key}/{split}"}
                    for split in source.files
                },
            }
            for source in sources
        ],
        "files": dict(files),
    }
    return facts | {"manifest_sha256": digest_of_facts(facts)}


def digests(folder: Path, pattern: str = "**/*") -> dict[str, str]:
    """SHA-256 of every file below a folder; the manifest and hidden files (`.git`, `.cache`) are none of it."""
    found = {}
    for file in sorted(folder.glob(pattern)):
        name = file.relative_to(folder)
        if file.is_file() and name.as_posix() != MANIFEST and not any(part.startswith(".") for part in name.parts):
            with file.open("rb") as data:
                found[name.as_posix()] = hashlib.file_digest(data, "sha256").hexdigest()
    return found


def verify(folder: str | os.PathLike[str]) -> tuple[dict[str, Any], list[str]]:
    """Compare a prepared folder with its manifest: every file, the rows, and the manifest with itself.

    The digest of the rows is made anew where they are Parquet. JSON lines do not hold all that it covers: there the
    lines are counted, and each file's own digest must do. It shows what has changed, not who changed it: a forger
    can make a new manifest.

    Returns:
        The manifest, and what does not agree with it, one line each; none where the folder is proved.

    Raises:
        DataError: The folder has no manifest.
    """
    folder = Path(folder)
    told = read_manifest(folder / MANIFEST)
    found = digests(folder)
    wrong = [f"{name}: missing" for name in told["files"] if name not in found]
    wrong += [f"{name}: not in the manifest" for name in found if name not in told["files"]]
    wrong += [
        f"{name}: changed since it was written"
        for name in found
        if name in told["files"] and found[name] != told["files"][name]
    ]
    if told["manifest_sha256"] != digest_of_facts(told):
        wrong.append(f"{MANIFEST}: changed since it was written")
    if wrong:
        return told, wrong
    if told["format"] == "parquet":
        rows, digest = _rows(folder, found)
        if (rows, f"{digest:064x}") != (told["rows"], told["rows_sha256"]):
            wrong.append(
                f"{rows} rows with digest {digest:064x}, the manifest says {told['rows']}, {told['rows_sha256']}"
            )
    else:
        lines = sum(_lines(folder / name) for name in found if name.endswith(".json"))
        if lines != told["rows"]:
            wrong.append(f"{lines} rows, the manifest says {told['rows']}")
    return told, wrong


_KINDS = {"format": str, "rows": int, "rows_sha256": str, "files": dict, "manifest_sha256": str}


def read_manifest(file: Path) -> dict[str, Any]:
    """A manifest with the keys that every one has.

    Raises:
        DataError: There is none, or it is something else.
    """
    try:
        told = json.loads(file.read_text("utf-8"))
    except FileNotFoundError:
        raise DataError(f"{file.parent}: no {MANIFEST} in it (iepile prepare writes one)") from None
    except ValueError as error:
        raise DataError(f"{file}: not JSON: {error} (prepare the folder again)") from None
    if not isinstance(told, dict):
        raise DataError(f"{file}: not a manifest of prepared rows (prepare the folder again)")
    for name, kind in _KINDS.items():
        if not isinstance(told.get(name), kind):
            raise DataError(
                f"{file}: not a manifest of prepared rows: {name} is {shown(told.get(name))} (prepare the folder again)"
            )
    return told


def digest_of_facts(facts: Mapping[str, Any]) -> str:
    """The `manifest_sha256` of a manifest."""
    rest = {name: value for name, value in facts.items() if name != "manifest_sha256"}
    return hashlib.sha256(json.dumps(rest, sort_keys=True).encode()).hexdigest()


def _rows(folder: Path, files: Iterable[str]) -> tuple[int, int]:
    count = digest = 0
    for name in files:
        if name.endswith(".parquet") and not name.startswith("raw/"):
            with pq.ParquetFile(folder / name) as file:
                for number in range(file.num_row_groups):
                    table = file.read_row_group(number, columns=["id", "instruction", "output", "label"])
                    count += len(table)
                    digest = (digest + rows_digest(table)) % (1 << 256)
    return count, digest


def _lines(file: Path) -> int:
    with file.open("rb") as data:
        return sum(1 for _ in data)


def _file_facts(file: str) -> dict[str, Any]:
    """Address, size and SHA-256 of a source's file."""
    with fsspec.open(file, "rb") as data:
        digest = hashlib.file_digest(data, "sha256").hexdigest()
        return {"file": file, "bytes": data.tell(), "sha256": digest}
