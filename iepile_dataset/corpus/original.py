"""A folder of the original toolkit: `sample.json` holds the records of the instructions in the files beside it."""

from collections.abc import Collection, Mapping, Sequence

import fsspec
import orjson

from ..schema import SCHEMA_FILES
from .lines import LINE_BYTES, UNPACKABLE, limited

__all__ = ["RAW"]

RAW = "sample.json"
"""Its records."""


def is_original(names: Collection[str]) -> bool:
    """Whether a folder with these files is one.

    >>> is_original(["sample.json", "schema.json", "train.json"]), is_original(["train.json", "schema.json"])
    (True, False)
    """
    return RAW in names and any(name in names for name in SCHEMA_FILES)


def record_files(path: str, splits: Mapping[str, Sequence[str]]) -> dict[str, str]:
    """Split → the file with its records.

    Args:
        path: The folder's address.
        splits: Split → its files there, of which the first counts.
    """
    records = {split: names[0] for split, names in splits.items() if not _holds_rows(f"{path}/{names[0]}")}
    return {"train": RAW, **records}


def _holds_rows(file: str) -> bool:
    """Whether a file holds instructions, by its first line; one that cannot be read is left to who reads it."""
    try:
        with fsspec.open(file, "rb", compression="infer") as lines:
            first = orjson.loads(limited(lines).readline(LINE_BYTES).removeprefix(b"\xef\xbb\xbf"))
    except (OSError, *UNPACKABLE):
        return False
    return isinstance(first, dict) and "instruction" in first
