"""Files of any of our formats → findings: first their JSON Schema, then their meaning."""

import posixpath
from collections.abc import Iterable, Iterator, Sequence
from operator import itemgetter
from pathlib import Path

import fsspec

from ..bounded import refuse_endless
from ..corpus.layout import SPLITS, files_below
from ..corpus.shards import Progress, advancing
from ..errors import DataError, shown
from ..schema import SCHEMA_FILES
from .check_files import Folder, check_file, check_together
from .detect_format import NAMES, detect_format
from .report import Checked, Finding, Report
from .shapes import format_names

__all__ = ["validate"]

_SUFFIXES = (".json", ".jsonl", ".parquet", ".json.gz", ".jsonl.gz")


def validate(
    paths: Sequence[str | Path],
    *,
    as_format: str | None = None,
    examples: int = 5,
    progress: Progress | None = None,
) -> Report:
    """Check corpus trees, sources, prepared folders, predictions, or single files of any format.

    Args:
        paths: Files and folders, local or behind any fsspec address. A file's format is recognised by its name and
            content, which `Checked.format` names; one of no known format is an error.
        as_format: Take every given file for this format, one of `shapes.format_names()` or `schema`.
        examples: How many findings of each kind are kept with their place; -1 keeps all.
        progress: Called with (bytes read so far, bytes in all).

    Returns:
        What was checked and found. Memory does not grow with the files but for 24 bytes a row that bears an id.

    Raises:
        DataError: A path does not exist, holds nothing to check, or the format is unknown.

    >>> from ..corpus.sources import sample_corpus
    >>> report = validate([sample_corpus()])
    >>> report.errors, len(report.files) > 20
    (0, True)
    """
    known = [*format_names(), "schema"]
    if as_format is not None and as_format not in known:
        raise DataError(f"unknown format {shown(as_format)} (one of {', '.join(known)})")
    report = Report(examples)
    targets = [target for path in paths for target in _targets(str(path), as_format, report)]
    if not targets and not report.groups:
        raise DataError(f"{', '.join(map(str, paths))}: nothing to check in it (.json, .jsonl or .parquet files)")
    advance = advancing(progress, sum(size for _, _, size in targets))
    for path, files in _by_folder(targets):
        folder = Folder(path)
        for file, name, size in files:
            findings = 0
            for wrong in check_file(file, name, folder):
                report.add(wrong)
                findings += 1
            report.files.append(Checked(file, name, folder.values, findings))
            advance(size)
        for wrong in check_together(folder):
            report.add(wrong)
    return report


def _targets(path: str, as_format: str | None, report: Report) -> Iterator[tuple[str, str, int]]:
    """(file, format, bytes) of a file, or of every file below a folder that has a known format."""
    filesystem, base = fsspec.core.url_to_fs(path)
    if filesystem.isfile(base):
        if name := _format(path, as_format, report):
            yield path, name, int(filesystem.size(base) or 0)
        return
    if not filesystem.isdir(base):
        refuse_endless(path)
        raise DataError(f"{path}: no such file or folder")
    base = base.rstrip("/")
    for file, info in sorted(files_below(filesystem, base), key=itemgetter(0)):
        below = file[len(base) :]
        ours = file.endswith(_SUFFIXES) or posixpath.basename(file) in SCHEMA_FILES
        if not ours or any(part.startswith(".") for part in below.split("/")):
            continue
        address = path.rstrip("/") + below
        if info.get("type") == "other" and "broken" in info and not info.get("islink"):
            report.add(Finding.of_error(address, DataError(info["broken"])))
            continue
        if name := _format(address, as_format, report):
            yield address, name, int(info.get("size") or 0)


def _format(file: str, as_format: str | None, report: Report) -> str | None:
    name = as_format or detect_format(file)
    if name is None:
        remedy = f"say what it is with --as, one of {', '.join(format_names())}, or take it away"
        report.add(Finding(file, 0, "its format is not recognised", remedy))
    return name


def _by_folder(targets: Iterable[tuple[str, str, int]]) -> Iterator[tuple[str, list[tuple[str, str, int]]]]:
    """Files of one folder together, its schema first, then the order of the splits."""
    order = [*NAMES, *(name for names in SPLITS.values() for name in names)]
    places = {name: place for place, name in enumerate(order)}
    folders: dict[str, list[tuple[str, str, int]]] = {}
    for target in dict.fromkeys(targets):
        folders.setdefault(posixpath.dirname(target[0]), []).append(target)
    for folder, files in folders.items():
        yield folder, sorted(files, key=lambda target: places.get(posixpath.basename(target[0]), len(places)))
