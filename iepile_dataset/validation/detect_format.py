"""Which format is a file? By its name where that says it, otherwise by what is in it."""

import posixpath
import re
import zlib
from collections.abc import Mapping
from contextlib import suppress
from typing import Any

import fsspec

from ..corpus.file_form import BOM
from ..corpus.layout import SPLITS, json_object
from ..schema import SCHEMA_FILES
from ..tasks import ANNOTATIONS, TASK_FOLDERS

NAMES = {
    "meta.json": "meta", "manifest.json": "manifest", "cleaned.json": "cleaned", "quarantine.jsonl": "quarantine",
    **dict.fromkeys(SCHEMA_FILES, "schema"),
}  # fmt: skip
UNREADABLE = (OSError, EOFError, zlib.error)
"""What reading a dead link or a damaged `.gz` raises."""
_MARKS = {
    frozenset(("rule", "raw")): "dropped", frozenset(("reason", "raw")): "quarantine",
    frozenset(("rows", "versions")): "manifest", frozenset(("rules", "sources")): "cleaned",
}  # fmt: skip
_HEAD = 1 << 16
_WHOLE = 64 << 20


def split_of(name: str) -> str | None:
    """The split that a file of a source holds, by its name.

    >>> split_of("dev.json"), split_of("notes.json")
    ('validation', None)
    """
    return next((split for split, names in SPLITS.items() if name in names), None)


def detect_format(file: str) -> str | None:
    """The format of a file, a name of `shapes.format_names()` or `schema`; None where nothing tells.

    Args:
        file: A path or address, `.gz` too.

    >>> detect_format("corpus/IE-en/NER/x/meta.json")
    'meta'
    """
    name = posixpath.basename(file).removesuffix(".gz")
    if name in NAMES:
        return NAMES[name]
    if name.endswith(".parquet"):
        return _of_columns(file)
    first = None
    for value in _beginning(file):
        first = first or _format_of(value, name)
        if first and (first not in ANNOTATIONS or any(key in value for key in ANNOTATIONS)):
            return first
    if first or split_of(name):
        return _by_folder(file) or first or ANNOTATIONS[0]
    return None


def _of_columns(file: str) -> str | None:
    """The format of a Parquet file; one that cannot be read is taken for rows, so that somebody says so."""
    import pyarrow.parquet as pq

    try:
        with fsspec.open(file, "rb") as data:
            names = set(pq.read_schema(data).names)
    except (ValueError, OSError):  # ValueError is pyarrow.ArrowInvalid
        return "row"
    return "raw" if "record" in names else "row" if names & {"instruction", "output"} else None


def _beginning(file: str) -> list[dict[str, Any]]:
    """Objects at the beginning of a file: one a line, or the whole file as one; none where it cannot be read."""
    with suppress(*UNREADABLE), fsspec.open(file, "rb", compression="infer") as data:
        head = data.read(_HEAD)
        lines = [line for line in head.removeprefix(BOM).splitlines() if line.strip()]
        values = [value for value in map(json_object, lines[:200]) if value is not None]
        if not values and lines and lines[0].lstrip()[:1] == b"{":
            whole = json_object(head + data.read(_WHOLE))
            return [whole] if whole else []
        if len(lines) == 3 and len(head) < _HEAD and re.fullmatch(rb"\s*\[.*\]\s*", lines[0]):
            return [{"types": []}]
        return values
    return []


def _format_of(value: Mapping[str, Any], name: str) -> str | None:
    keys = set(value)
    if "instruction" in keys or {"output", "label"} <= keys:
        if "predict" in name or "instruction" not in keys:
            return "prediction"
        return "row" if "language" in keys else "prediction" if {"output", "label"} <= keys else "original"
    if "text" in keys:
        return next((key for key in ANNOTATIONS if key in keys), ANNOTATIONS[0])
    for marks, form in _MARKS.items():
        if marks <= keys:
            return form
    if keys & {"types", "relations", "roles", "triples"}:
        return "schema"
    if keys and all(isinstance(part, list) for part in value.values()):
        return "negatives-flat"
    parts = [part.values() if isinstance(part, dict) else [None] for part in value.values()]
    if keys and all(isinstance(source, dict) for part in parts for source in part):
        return "negatives-nested"
    return "meta" if keys & {"lang", "licence", "license", "splits"} else None


def _by_folder(file: str) -> str | None:
    """The annotation's key of a source whose lines do not show it, by its task's folder."""
    parts = [part.upper() for part in posixpath.dirname(file).split("/")[:-1]]
    return next((TASK_FOLDERS[part] for part in reversed(parts) if part in TASK_FOLDERS), None)
