"""A manifest that knows files which were written into a prepared folder later: its page, its statistics."""

import json
import os
from collections.abc import Iterable
from pathlib import Path

from ..atomic_file import write_whole
from ..errors import DataError
from .manifest import MANIFEST, digest_of_facts, digests, read_manifest, verify


def written_later(name: str) -> bool:
    """Whether a file of a prepared folder may change after `prepare`: it holds no rows.

    >>> written_later("README.md"), written_later("statistics/stats.json"), written_later("ner/train.json")
    (True, True, False)
    """
    return name == "README.md" or name.startswith("statistics/")


def check_rows(folder: str | os.PathLike[str]) -> list[str]:
    """Make sure that all but what may be written later is as the manifest says, see `manifest.verify`.

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


def seal(folder: str | os.PathLike[str], names: Iterable[str] = ("README.md", "statistics/*")) -> None:
    """Put files that were written later into the manifest, so that `verify` holds again.

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
    told = read_manifest(path)
    files = {name: digest for name, digest in told["files"].items() if not written_later(name)}
    for pattern in names:
        files |= digests(Path(folder), pattern)
    told = {**told, "files": dict(sorted(files.items()))}
    told["manifest_sha256"] = digest_of_facts(told)
    write_whole(path, (json.dumps(told, ensure_ascii=False, indent=2) + "\n").encode())
