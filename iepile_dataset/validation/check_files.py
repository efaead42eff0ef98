"""One file → its findings, by format; a line at a time, so that memory does not grow with it."""

import posixpath
import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from typing import Any

import fsspec
import orjson

from ..corpus.record_check import problems
from ..errors import DataError
from ..schema import Schema
from .check_objects import mapping, read_object, schema_beside
from .detect_format import ANNOTATIONS, UNREADABLE, split_of
from .fast_check import record_fit
from .ids import Ids
from .report import Finding, finding, unreadable
from .rows import ROW_FITS, RowCheck
from .shapes import Defect, defects, format_schema, without_values

_ONE_PER_LINE = "write one JSON object a line (jq -c '.[]')"
_MEND = "mend or remove the line"
_MEANING = re.compile(r" does not occur in the text$| is not in the schema$|^the text is empty$")
_STEP = 4 << 20


@dataclass
class Around:
    """What is known about the folder of the file that is being checked.

    Attributes:
        folder: Its address.
        schema: Its labels, once they were needed.
        meta: What its `meta.json` says, once it was read.
        counts: Split to the number of its records.
        values: Lines or rows of the file that was checked last.
        ids: Ids of the Parquet rows so far, since one split may lie in several files.
        parquet: Their files.
    """

    folder: str
    schema: Schema | None = None
    meta: dict[str, Any] | None = None
    counts: dict[str, int] = field(default_factory=dict)
    values: int = 0
    ids: Ids = field(default_factory=Ids)
    parquet: list[str] = field(default_factory=list)


def check_file(file: str, name: str, around: Around, advance: Callable[[int], None]) -> Iterator[Finding]:
    """Everything that is wrong with a file.

    Args:
        file: Its address.
        name: Its format.
        around: Is read and added to.
        advance: Is told of the bytes read so far.
    """
    around.values = 0
    if name in ANNOTATIONS:
        yield from _records(file, name, around, advance)
    elif file.endswith(".parquet"):
        yield from _parquet(file, name, around)
    elif name in ROW_FITS:
        yield from _rows(file, name, around, advance)
    elif name in ("quarantine", "dropped"):
        yield from _plain_lines(file, name, around, advance)
    else:
        around.values = 1
        try:
            value, found = read_object(file, name)
        except UNREADABLE as error:
            yield unreadable(file, error)
            return
        yield from found
        if name == "meta":
            around.meta = mapping(value)


def check_together(around: Around) -> Iterator[Finding]:
    """What only the files of a folder together show."""
    if around.counts:
        yield from _told(around)
    for what, pairs in (("asks the same again", around.ids.repeated()), ("is given twice", around.ids.conflicting())):
        for later, earlier in pairs:
            yield _repeated(*_unpacked(later, around), "row", *_unpacked(earlier, around), what)


def _told(around: Around) -> Iterator[Finding]:
    """Does `meta.json` say what it should, and as many records as there are?"""
    address = posixpath.join(around.folder, "meta.json")
    meta = around.meta
    if meta is None:
        filesystem, plain = fsspec.core.url_to_fs(address)
        meta = mapping(filesystem.cat_file(plain)) if filesystem.isfile(plain) else {}
    if not (meta.get("licence") or meta.get("license")):
        yield finding(address, 0, "no licence words", 'add "licence" to meta.json', severity="warning")
    passes = meta.get("cleaned")
    said = mapping(passes[-1]).get("records") if isinstance(passes, list) and passes else meta.get("splits")
    for split, told in mapping(said).items():
        number = told.get("records") if isinstance(told, dict) else told
        held = around.counts.get(split_of(f"{split}.json") or "")
        if held is not None and number != held:
            reason = f"says that {split} holds {number} records, it holds {held}"
            yield finding(address, 0, reason, "count again", "", "meta.json counts other records", "warning")


def _lines(file: str, around: Around, advance: Callable[[int], None]) -> Iterator[tuple[int, bytes, Any]]:
    """(number, line, parsed line or its error) of each line that is not blank."""
    position = told = 0
    try:
        for number, line in _numbered(file):
            position += len(line)
            if position - told > _STEP:
                told = position
                advance(position)
            if line.isspace():
                continue
            around.values += 1
            try:
                yield number, line, orjson.loads(line if number > 1 else line.removeprefix(b"\xef\xbb\xbf"))
            except orjson.JSONDecodeError as error:
                if number == 1 and line.lstrip()[:1] == b"[":
                    yield 0, b"", DataError("the file is one JSON array")
                    return
                yield number, line, error
    except UNREADABLE as error:
        yield 0, b"", error


def _numbered(file: str) -> Iterator[tuple[int, bytes]]:
    with fsspec.open(file, "rb", compression="infer") as data:
        yield from enumerate(data, 1)


def _unreadable(file: str, number: int, line: bytes, error: Exception) -> Finding:
    if isinstance(error, UNREADABLE):
        return unreadable(file, error)
    if not number:
        return finding(file, 0, str(error), _ONE_PER_LINE)
    return finding(file, number, f"not JSON: {error}", _MEND, _raw(line), "not JSON")


def _records(file: str, key: str, around: Around, advance: Callable[[int], None]) -> Iterator[Finding]:
    split = split_of(posixpath.basename(file).removesuffix(".gz"))
    if around.schema is None:
        around.schema, found = schema_beside(file, key)
        yield from found
    schema, train, ids = around.schema, split == "train", Ids()
    fits = record_fit(key, schema)
    for number, line, record in _lines(file, around, advance):
        if isinstance(record, Exception):
            yield _unreadable(file, number, line, record)
            continue
        if not fits(record):
            for kind, reason, remedy in _record_defects(record, key, schema):
                yield finding(file, number, reason, remedy, _raw(line), kind)
        if isinstance(record, dict):
            if train and key not in record:
                remedy = "annotate it (an empty list where nothing occurs); training records must be annotated"
                yield finding(file, number, f'no "{key}"', remedy, _raw(line))
            if "id" in record and record["id"] is not None:
                ids.add(str(record["id"]), None, None, number)
    if not around.values:
        yield finding(file, 0, "the file is empty", "give it one JSON object a line, or remove it")
    if split:
        around.counts[split] = around.values
    for later, earlier in ids.repeated():
        yield _repeated(file, later, "record", file, earlier, "is given twice")


def _record_defects(record: Any, key: str, schema: Schema) -> Iterator[Defect]:
    """Both checks, each finding once: what both see, the JSON Schema tells."""
    shape = list(defects(record, key))
    yield from shape
    for reason, remedy in problems(record, key, schema):
        if not shape or _MEANING.search(reason):
            yield without_values(reason), reason, remedy


def _rows(file: str, name: str, around: Around, advance: Callable[[int], None]) -> Iterator[Finding]:
    check, ids = RowCheck(name), Ids()
    for number, line, row in _lines(file, around, advance):
        if isinstance(row, Exception):
            yield _unreadable(file, number, line, row)
            continue
        for kind, reason, remedy in check.defects(row):
            yield finding(file, number, reason, remedy, _raw(line), kind)
        if check.about and isinstance(row.get("id"), str):
            ids.add(row["id"], check.about[0], check.about[1], number)
    for what, pairs in (("asks the same again", ids.repeated()), ("is given twice", ids.conflicting())):
        for later, earlier in pairs:
            yield _repeated(file, later, "row", file, earlier, what)


def _parquet(file: str, name: str, around: Around) -> Iterator[Finding]:
    import pyarrow.parquet as pq

    check, wanted = RowCheck(name), format_schema(name)["required"]
    try:
        fsspec.open(file, "rb").open().close()
    except UNREADABLE as error:
        yield unreadable(file, error)
        return
    around.parquet.append(file)
    place = (len(around.parquet) - 1) << 40
    with fsspec.open(file, "rb") as data:
        try:
            table = pq.ParquetFile(data)
        except ValueError as error:  # pyarrow.ArrowInvalid
            yield finding(file, 0, f"not Parquet: {error}", "write the file again", kind="not Parquet")
            return
        missing = [column for column in wanted if column not in table.schema_arrow.names]
        if missing:
            yield finding(file, 0, f"no column {', '.join(missing)}", "prepare the folder again", kind="no column")
            return
        number = 0
        for batch in table.iter_batches(4096, columns=wanted):
            for row in batch.to_pylist():
                number += 1
                for kind, reason, remedy in check.defects(row):
                    yield finding(file, number, reason, remedy, kind=kind)
                if check.about and isinstance(row["id"], str):
                    around.ids.add(row["id"], check.about[0], check.about[1], place + number)
        around.values = number


def _plain_lines(file: str, name: str, around: Around, advance: Callable[[int], None]) -> Iterator[Finding]:
    for number, line, value in _lines(file, around, advance):
        if isinstance(value, Exception):
            yield _unreadable(file, number, line, value)
            continue
        for kind, reason, remedy in defects(value, name):
            yield finding(file, number, reason, remedy, _raw(line), kind)


def _repeated(file: str, line: int, noun: str, first: str, first_line: int, what: str) -> Finding:
    where = f"line {first_line}" if first == file else f"{first}:{first_line}"
    kind = f"the id of a {noun} {what}"
    remedy = "an id names one record" if what == "is given twice" else "remove one of the rows"
    return finding(file, line, f"{kind}, first at {where}", remedy, kind=kind)


def _unpacked(place: int, around: Around) -> tuple[str, int]:
    return around.parquet[place >> 40], place & ((1 << 40) - 1)


def _raw(line: bytes) -> str:
    return line.decode("utf-8", "replace").rstrip("\r\n")
