"""Files and folders of any format → records, one after the other."""

import shlex
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from ..corpus.lines import is_packed
from ..corpus.original import RAW
from ..corpus.shards import Progress, advancing
from ..errors import DataError
from .document import Document, Loss
from .files import DataFile, data_files
from .format import Format, ReadOptions
from .formats.huggingface import read_dataset, saved_dataset
from .records import Record, record_of
from .registry import described, detect, format_named

__all__ = ["Entry", "Input", "import_hint", "open_input", "read"]


@dataclass(frozen=True)
class Entry:
    """A record, and where it was read.

    Attributes:
        record: Of our own format.
        file: The file's name, below the folder that was given.
        line: The line on which it begins.
        split: `train`, `validation` or `test`, "" where nothing says it.
    """

    record: Record
    file: str
    line: int
    split: str


@dataclass(frozen=True)
class Input:
    """What there is to read.

    Attributes:
        format: Its format.
        documents: Reads it.
        splits: The splits that its names state.
        unread: Files of another format, which are left alone.
    """

    format: Format
    documents: Callable[[], Iterator[Document | Loss]]
    splits: tuple[str, ...]
    unread: tuple[str, ...] = ()

    def entries(self) -> Iterator[Entry | Loss]:
        """Records in the order of the files, and what could not be kept as it stood."""
        for document in self.documents():
            if isinstance(document, Loss):
                yield document
                continue
            record = record_of(document)
            yield Entry(record, document.file, document.line, document.split)
            for kind, reason, remedy in document.losses:
                yield Loss(document.file, document.line, reason, remedy, kind=kind)


def open_input(
    source: Any, form: str = "auto", options: ReadOptions | None = None, progress: Progress | None = None
) -> Input:
    """Find out what a file, folder, dataset of the Hub, or dataset object holds.

    Args:
        source: A path, a name on the Hub, or a `datasets` object.
        form: A name of `FORMATS`, or `auto`.
        options: How to read it.
        progress: Told of (bytes read, bytes in all).

    Raises:
        DataError: There is nothing, it has no known format, or files of several formats.
    """
    options = options or ReadOptions()
    dataset, name = _dataset(source)
    if dataset is not None:
        splits = tuple(map(str, dataset)) if isinstance(dataset, Mapping) else ()
        return Input(format_named("huggingface"), lambda: read_dataset(dataset, options, name), splits)
    files = data_files(Path(source).expanduser())
    if not any(file.start.strip() for file in files):
        raise DataError(f"{source}: there is nothing in it (give a file or folder of annotations)")
    if form == "auto":
        by_format: dict[Format, list[DataFile]] = {}
        unknown = []
        for file in files:
            chosen = detect(file)
            if chosen is None:
                unknown.append(file)
            else:
                by_format.setdefault(chosen, []).append(file)
        if not by_format:
            one = f"{source}" if len(files) == 1 else f"{source}: {unknown[0].name}"
            if is_packed(unknown[0].name):
                raise DataError(f"{one} is packed, which is not read here (unpack it)")
            raise DataError(f"{one} has no known format: {described(unknown[0])} (--format says it)")
        if {kind.name for kind in by_format} == {"rows", "iepile"} and any(file.path.name == RAW for file in files):
            # A folder of the original toolkit: instructions lie beside the records that they were made of.
            unknown += by_format.pop(format_named("rows"))
        if len(by_format) > 1:
            kinds = "; ".join(
                f"{kind.name}: {', '.join(one.name for one in some[:3])}" for kind, some in by_format.items()
            )
            raise DataError(f"{source}: files of several formats: {kinds} (import them one by one, or name a --format)")
        ((chosen, files),) = by_format.items()
    else:
        chosen = format_named(form)
        unknown = [file for file in files if not chosen.fits(file)] if len(files) > 1 else []
        files = [file for file in files if file not in unknown]
    total = sum(file.path.stat().st_size for file in files)
    advance = advancing(progress, total)
    for file in files:
        file.advance = advance

    def documents() -> Iterator[Document | Loss]:
        for file in files:
            if file.encoding not in ("utf-8", "utf-8-sig"):
                yield Loss(file.name, 0, f"it is {file.encoding.upper()}, read as such", "", kind="another encoding")
            yield from chosen.read(file, options)

    return Input(chosen, documents, tuple(file.split for file in files), tuple(file.name for file in unknown))


def _dataset(source: Any) -> tuple[Any, str]:
    """A dataset object, one that was saved to a folder, or one of the Hub; None for other paths."""
    if not isinstance(source, str | Path):
        return source, "dataset"
    path = Path(source).expanduser()
    if path.is_dir():
        return saved_dataset(path), path.name
    if path.exists() or not isinstance(source, str) or source.count("/") != 1 or source.startswith((".", "/", "~")):
        return None, ""
    from datasets import load_dataset

    try:
        return load_dataset(source), source
    except Exception as error:  # of the Hub, the connection, the files: what is wrong is the other side's to tell
        reason = " ".join(str(error).split())[:200]
        raise DataError(f"{source}: neither a file here nor a dataset of the Hub that can be read: {reason}") from error


def read(
    source: Any, format: str = "auto", *, columns: Mapping[str, str] | None = None,
    on_loss: Callable[[Loss], None] | None = None,
) -> Iterator[Record]:  # fmt: skip
    """The records of a file, a folder, a dataset of the Hub, or a dataset object.

    Args:
        source: A path, a name on the Hub, or a `datasets.Dataset` or `DatasetDict` with tokens and tags.
        format: A name of `FORMATS`; `auto` tells it by the content.
        columns: What a column is for → its name or number, as `{"tag": "2"}`.
        on_loss: Told of everything that could not be kept as it stood.

    Yields:
        Records with `text` and `entity`, `relation` or `event`, whose mentions bear `start` and `end` in characters
        where the format has places: `text[start:end]` is the mention.

    Raises:
        DataError: It cannot be read, or its format is unknown.

    >>> from datasets import Dataset
    >>> rows = Dataset.from_dict({"tokens": [["In", "Ulm"]], "ner_tags": [["O", "B-city"]]})
    >>> [record["entity"][0]["entity"] for record in read(rows)]
    ['Ulm']
    """
    for entry in open_input(source, format, ReadOptions(columns or {})).entries():
        if isinstance(entry, Entry):
            yield entry.record
        elif on_loss:
            on_loss(entry)


def import_hint(path: str | Path) -> str:
    """The command that imports a file or folder of another format, "" where it is none.

    >>> import_hint("nowhere")
    ''
    """
    place = Path(path).expanduser()
    try:
        files = data_files(place) if place.exists() else []
        named = next((form for file in files[:5] if (form := detect(file))), None)
    except (ValueError, OSError):  # what cannot be read is no other format
        return ""
    if named is None or named.name in ("iepile", "rows"):
        return ""
    quoted = shlex.quote(str(path))
    return f"{path} looks like {named.title}: iepile import {quoted} --out my/IE-xx/NER/{place.resolve().stem}"
