"""What went into a prepared folder, and the proof that it still holds it.

Its life: `manifest` describes the rows that `prepare` wrote, `seal` takes in what is written beside them later,
`published` is what goes out, and `verify` compares a folder with it at any time.
"""

import hashlib
import json
import os
import posixpath
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import asdict
from functools import cache
from importlib.metadata import version
from pathlib import Path
from typing import Any

import fsspec
import pyarrow as pa
import pyarrow.parquet as pq

from ..atomic import json_text, write_file
from ..bounded import parse_json, read_small
from ..corpus.sources import RUN_AGAIN, Source
from ..errors import DataError, shown
from ..instructions.generate import Counts, totals
from ..options import Options
from .writer import rows_digest

__all__ = ["MANIFEST", "check_rows", "published", "read_manifest", "seal", "verify"]

MANIFEST = "manifest.json"
QUARANTINE = "quarantine.jsonl"

_KINDS = {"format": str, "rows": int, "rows_sha256": str, "files": dict, "manifest_sha256": str}


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

    `rows_sha256` is the sum of the rows' SHA-256 (`writer.rows_digest`): two builds from the same data and options
    give the same, on any machine, with any number of processes and in any order. Addresses of sources are not part
    of it. `manifest_sha256` is that of all else in the manifest, so that an edit shows.
    """
    read = cache(_file_facts)  # no longer than for this manifest: the same address may hold something else tomorrow
    by_split: dict[str, dict[str, int]] = {}
    for (key, what), number in counts.items():
        by_split.setdefault(key, {})[what] = number
    return _sealed(
        {
            "format": form,
            "rows": totals(counts)["rows"],
            "rows_sha256": f"{digest:064x}",
            "left_out": left_out,
            "options": asdict(options),
            "versions": {name: version(name) for name in ("iepile", "datasets", "pyarrow")},
            "sources": [
                {
                    "source": source.key,
                    "path": source.path,
                    "licence": source.licence,
                    **source.stated,
                    "files": {split: read(file, source.sizes[split]) for split, file in source.files.items()},
                    "counts": {split: by_split.get(f"{source.key}/{split}", {}) for split in source.files},
                }
                for source in sources
            ],
            "files": dict(files),
        }
    )


def digests(folder: Path, pattern: str = "**/*") -> dict[str, str]:
    """SHA-256 of every file below a folder; the manifest and hidden files (`.git`, `.cache`) are none of it."""
    listed = {}
    for file in sorted(folder.glob(pattern)):
        name = file.relative_to(folder)
        if file.is_file() and name.as_posix() != MANIFEST and not any(part.startswith(".") for part in name.parts):
            with file.open("rb") as data:
                listed[name.as_posix()] = hashlib.file_digest(data, "sha256").hexdigest()
    return listed


def read_manifest(file: Path) -> dict[str, Any]:
    """A manifest with the keys that every one has.

    Raises:
        DataError: There is none, or it is something else.
    """
    try:
        facts = parse_json(read_small(str(file)), str(file), "prepare the folder again")
    except (FileNotFoundError, NotADirectoryError):
        raise DataError(f"{file.parent}: no {MANIFEST} in it (iepile prepare writes one)") from None
    of_object = isinstance(facts, dict)
    for name, kind in _KINDS.items():
        if not of_object or not isinstance(facts.get(name), kind):
            what = f": {name} is {shown(facts.get(name))}" if of_object else ""
            raise DataError(f"{file}: not a manifest of prepared rows{what} (prepare the folder again)")
    manifest: dict[str, Any] = facts
    return manifest


def row_tables(folder: Path, names: Iterable[str], columns: Sequence[str]) -> Iterator[pa.Table]:
    """The rows of a prepared folder's Parquet files, a row group at a time; its raw records are none."""
    for name in names:
        if name.endswith(".parquet") and not name.startswith("raw/"):
            with pq.ParquetFile(folder / name) as file:
                for number in range(file.num_row_groups):
                    yield file.read_row_group(number, columns=list(columns))


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
    facts, files = read_manifest(folder / MANIFEST), digests(folder)
    stated = facts["files"]
    wrong = [f"{name}: missing" for name in stated if name not in files]
    wrong += [f"{name}: not in the manifest" for name in files if name not in stated]
    changed = [name for name in files if name in stated and files[name] != stated[name]]
    if facts != _sealed(facts):
        changed.append(MANIFEST)
    wrong += [f"{name}: changed since it was written" for name in changed]
    if not wrong:
        rows, digest = 0, facts["rows_sha256"]
        if facts["format"] == "parquet":
            total = 0
            for table in row_tables(folder, files, ("id", "instruction", "output", "label")):
                rows += len(table)
                total += rows_digest(table)
            digest = f"{total % (1 << 256):064x}"
        else:
            rows = sum(_lines(folder / name) for name in files if name.endswith(".json"))
        if (rows, digest) != (facts["rows"], facts["rows_sha256"]):
            wrong = [f"{rows} rows with digest {digest}, the manifest says {facts['rows']}, {facts['rows_sha256']}"]
    return facts, wrong


def check_rows(folder: str | os.PathLike[str]) -> list[str]:
    """Make sure that all but what may be written later is as the manifest says, see `verify`.

    Returns:
        What was written later and is not as the manifest says, one line each.

    Raises:
        DataError: It is not, or there is no manifest.
    """
    _, wrong = verify(folder)
    later = [line for line in wrong if written_later(line.partition(":")[0])]
    if bad := [line for line in wrong if line not in later]:
        more = f" and {len(bad) - 1} more" if len(bad) > 1 else ""
        raise DataError(f"{folder}: not as its manifest says: {bad[0]}{more} (prepare it again)")
    return later


def written_later(name: str) -> bool:
    """Whether a file of a prepared folder may change after `prepare`: it holds no rows.

    >>> written_later("README.md"), written_later("statistics/stats.json"), written_later("ner/train.json")
    (True, True, False)
    """
    return name == "README.md" or name.startswith("statistics/")


def seal(folder: str | os.PathLike[str], names: Iterable[str] = ("README.md", "statistics/*")) -> None:
    """Put files that were written later (the page, statistics) into the manifest, so that `verify` holds again.

    Args:
        folder: A prepared folder.
        names: Patterns of the files; those that are gone leave the manifest.

    >>> import tempfile
    >>> from iepile_dataset.export.prepare import prepare
    >>> folder = prepare(tempfile.mkdtemp() + "/rows", tasks=["re"]).folder
    >>> _ = (folder / "README.md").write_text("mine")
    >>> seal(folder)
    >>> verify(folder)[1]
    []
    """
    path = Path(folder) / MANIFEST
    facts = read_manifest(path)
    files = {name: digest for name, digest in facts["files"].items() if not written_later(name)}
    for pattern in names:
        files |= digests(Path(folder), pattern)
    write_file(path, json_text(_sealed({**facts, "files": dict(sorted(files.items()))})))


def published(facts: Mapping[str, Any], texts: Mapping[str, str]) -> str:
    """A manifest to publish: places from the corpus's root, no quarantine file; it proves the same rows.

    Whoever downloads the folder can `verify` it. Addresses such as `hf://…` stay: they are the same for everybody.

    Args:
        facts: The manifest of a prepared folder.
        texts: Path → text of files that go out otherwise than they lie there.
    """
    options = dict(facts["options"])
    for name in ("hard_negatives", "tokenizer"):
        if _of_this_machine(options.get(name)):
            options[name] = posixpath.basename(options[name])
    files = {name: digest for name, digest in facts["files"].items() if name != QUARANTINE}
    files |= {name: hashlib.sha256(text.encode()).hexdigest() for name, text in texts.items()}
    sources = [_placeless(source) for source in facts["sources"]]
    return json_text(_sealed({**facts, "sources": sources, "options": options, "files": files}))


def _placeless(source: Mapping[str, Any]) -> dict[str, Any]:
    if "://" in source["path"]:
        return dict(source)
    language, task, name = source["source"].split("/")
    place = f"IE-{language}/{task}/{name}"
    files = {
        split: {**file, "file": f"{place}/{posixpath.basename(file['file'])}"}
        for split, file in source["files"].items()
    }
    return {**source, "path": place, "files": files}


def _of_this_machine(name: Any) -> bool:
    """Whether an option names a file here; `Qwen/Qwen3-0.6B` does not."""
    return isinstance(name, str) and (os.path.isabs(name) or name.startswith((".", "~")) or os.path.exists(name))


def _sealed(facts: Mapping[str, Any]) -> dict[str, Any]:
    """Facts with the digest of all of them."""
    rest = {name: value for name, value in facts.items() if name != "manifest_sha256"}
    return rest | {"manifest_sha256": hashlib.sha256(json.dumps(rest, sort_keys=True).encode()).hexdigest()}


def _lines(file: Path) -> int:
    with file.open("rb") as data:
        return sum(1 for _ in data)


def _file_facts(file: str, size: int) -> dict[str, Any]:
    """Address, size and SHA-256 of what was read of a source's file.

    Raises:
        DataError: There is less of it now.
    """
    digest, left = hashlib.sha256(), size
    with fsspec.open(file, "rb") as data:
        while left and (block := data.read(min(left, 1 << 20))):
            digest.update(block)
            left -= len(block)
    if left:
        raise DataError(f"{file}: changed while it was read: {left:,} of {size:,} bytes are gone ({RUN_AGAIN})")
    return {"file": file, "bytes": size, "sha256": digest.hexdigest()}
