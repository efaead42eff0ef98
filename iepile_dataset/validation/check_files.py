"""One file → its findings, by format; a line at a time, so that memory does not grow with it."""

import posixpath
import re
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field
from typing import Any

import fsspec

from ..corpus.file_form import FormError
from ..corpus.layout import json_object, read_file
from ..corpus.lines import lines_in
from ..corpus.record_check import problems
from ..corpus.records import read_records
from ..schema import Schema
from ..tasks import ANNOTATIONS
from .check_objects import check_object, schema_beside
from .detect_format import UNREADABLE, split_of
from .report import Finding
from .rows import ROW_FORMATS, Ids, RowCheck
from .shapes import Defect, defects, format_schema, validator, without_values

_MEANING = re.compile(r" does not occur in the text$| is not in the schema$|^the text is empty$")

Check = Callable[[int, Any], Iterator[Defect]]
"""The number of a line or row and its value → what is wrong with it."""


@dataclass
class Folder:
    """What is known about the folder of the file that is being checked.

    Attributes:
        path: Its address.
        schema: Its labels; None before they were looked for, and where none can be read.
        schema_read: They were looked for.
        counts: Split to the number of its records.
        values: Lines or rows of the file that was checked last.
        ids: Ids of the Parquet rows so far, since one split may lie in several files.
        parquet: Their files.
    """

    path: str
    schema: Schema | None = None
    schema_read: bool = False
    counts: dict[str, int] = field(default_factory=dict)
    values: int = 0
    ids: Ids = field(default_factory=Ids)
    parquet: list[str] = field(default_factory=list)


def check_file(file: str, name: str, folder: Folder) -> Iterator[Finding]:
    """Everything that is wrong with a file.

    Args:
        file: Its address.
        name: Its format.
        folder: Is read and added to.
    """
    folder.values, ids = 0, Ids()
    try:
        if name in ANNOTATIONS:
            yield from _records(file, name, folder)
        elif file.endswith(".parquet"):
            yield from _parquet(file, name, folder)
        elif name in ROW_FORMATS:
            yield from _lines(file, RowCheck(name, ids).defects, folder)
            yield from _repeated(ids, "row", lambda number: (file, number))
        elif name in ("quarantine", "dropped"):
            yield from _lines(file, lambda number, value: defects(value, name), folder)
        else:
            folder.values = 1
            yield from check_object(file, name)
    except UNREADABLE as error:
        reason = " ".join(str(error).split()) or type(error).__name__
        yield Finding(file, 0, f"cannot be read: {reason}", "mend, replace or remove it", kind="cannot be read")


def check_together(folder: Folder) -> Iterator[Finding]:
    """What only the files of a folder together show."""
    if folder.counts:
        yield from _meta(folder)
    yield from _repeated(folder.ids, "row", lambda number: (folder.parquet[number >> 40], number & ((1 << 40) - 1)))


def _meta(folder: Folder) -> Iterator[Finding]:
    """Does `meta.json` say what it should, and as many records as there are?"""
    address = posixpath.join(folder.path, "meta.json")
    meta = json_object(read_file(address) or b"") or {}
    if not (meta.get("licence") or meta.get("license")):
        yield Finding(address, 0, "no licence words", 'add "licence" to meta.json', severity="warning")
    passes = meta.get("cleaned")
    last = passes[-1] if isinstance(passes, list) and passes else {"records": meta.get("splits")}
    stated = last.get("records") if isinstance(last, dict) else None
    for split, value in stated.items() if isinstance(stated, dict) else ():
        number = value.get("records") if isinstance(value, dict) else value
        held = folder.counts.get(split_of(f"{split}.json") or "")
        if held is not None and number != held:
            reason = f"says that {split} holds {number} records, it holds {held}"
            yield Finding(address, 0, reason, "count again", "", "meta.json counts other records", "warning")


def _lines(file: str, check: Check, folder: Folder) -> Iterator[Finding]:
    """Findings of JSON lines."""
    wrong: Iterable[Defect]
    with fsspec.open(file, "rb", compression="infer") as data:
        for number, line, value in read_records(enumerate(lines_in(data), 1)):
            folder.values += 1
            if isinstance(value, FormError):
                wrong = [(value.reason, value.reason, value.remedy)]
                if value.is_whole:
                    number, line = 0, b""
            elif isinstance(value, ValueError):
                wrong = [("not JSON", f"not JSON: {value}", "mend or remove the line")]
            else:
                wrong = check(number, value)
            for kind, reason, remedy in wrong:
                yield Finding.of_line(file, number, line, reason, remedy, kind=kind)


def _records(file: str, key: str, folder: Folder) -> Iterator[Finding]:
    split, ids = split_of(posixpath.basename(file).removesuffix(".gz")), Ids()
    if not folder.schema_read:
        folder.schema, findings = schema_beside(file, key)
        folder.schema_read = True
        yield from findings

    fits, schema, train = validator(key).is_valid, folder.schema, split == "train"

    def check(number: int, record: Any) -> Iterator[Defect]:
        """Both checks, each finding once: what both see, the JSON Schema tells."""
        shape = [] if fits(record) else list(defects(record, key))
        yield from shape
        for reason, remedy in problems(record, key, schema):
            if not shape or _MEANING.search(reason):
                yield without_values(reason), reason, remedy
        if isinstance(record, dict):
            if train and key not in record:
                remedy = "annotate it (an empty list where nothing occurs); training records must be annotated"
                yield f'no "{key}"', f'no "{key}"', remedy
            if record.get("id") is not None:
                ids.add(str(record["id"]), None, None, number)

    yield from _lines(file, check, folder)
    if not folder.values:
        yield Finding(file, 0, "the file is empty", "give it one JSON object a line, or remove it")
    if split:
        folder.counts[split] = folder.values
    yield from _repeated(ids, "record", lambda number: (file, number))


def _parquet(file: str, name: str, folder: Folder) -> Iterator[Finding]:
    import pyarrow.parquet as pq

    wanted = format_schema(name)["required"]
    with fsspec.open(file, "rb") as data:
        folder.parquet.append(file)
        first = (len(folder.parquet) - 1) << 40
        check = RowCheck(name, folder.ids)
        try:
            table = pq.ParquetFile(data)
        except ValueError as error:  # pyarrow.ArrowInvalid
            yield Finding(file, 0, f"not Parquet: {error}", "write the file again", kind="not Parquet")
            return
        missing = [column for column in wanted if column not in table.schema_arrow.names]
        if missing:
            yield Finding(file, 0, f"no column {', '.join(missing)}", "prepare the folder again", kind="no column")
            return
        # The records as they were, those that prepare set aside too: no row comes from a bad one.
        severity = "warning" if name == "raw" else "error"
        for batch in table.iter_batches(4096, columns=wanted):
            for row in batch.to_pylist():
                folder.values += 1
                for kind, reason, remedy in check.defects(first + folder.values, row):
                    yield Finding(file, folder.values, reason, remedy, kind=kind, severity=severity)


def _repeated(ids: Ids, noun: str, place: Callable[[int], tuple[str, int]]) -> Iterator[Finding]:
    """Ids that are borne twice, where they should not be."""
    again = "asks the same again" if noun == "row" else "is given twice"
    for what, pairs in ((again, ids.repeated()), ("is given twice", ids.conflicting())):
        remedy = "an id names one record" if what == "is given twice" else "remove one of the rows"
        for later, earlier in pairs:
            (file, line), (first, first_line) = place(later), place(earlier)
            where = f"line {first_line}" if first == file else f"{first}:{first_line}"
            kind = f"the id of a {noun} {what}"
            yield Finding(file, line, f"{kind}, first at {where}", remedy, kind=kind)
