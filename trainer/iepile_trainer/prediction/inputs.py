"""What is to be answered, from a file or standard input: rows, annotated records, texts.

- JSON lines with an `instruction`: rows, answered as they are.
- JSON lines with a `text` and an annotation (`entity`, `relation` or `event`): records, turned into rows whose
  `label` is the annotation, so that the answers can be scored.
- JSON lines with a `text`; each may have a `schema`, `language` and `triggers` of its own, and a `task` unless one is
  given for all.
- CSV (commas or semicolons) and TSV with a column for the text; the other columns are kept.
- Plain text, one document a line, or the whole file as one; a folder of `.txt` files, each a document.

Texts and rows in one file are an error. A line that cannot be used becomes an item with an error, which is written to
the output in its place.
"""

import csv
import io
import re
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any, BinaryIO

import fsspec
import orjson

from iepile_dataset import DataError, Schema
from iepile_dataset.corpus.lines import LINE_BYTES, UNPACKABLE, is_packed, unpacked
from iepile_dataset.errors import shown
from iepile_dataset.schema import SCHEMA_FILES
from iepile_dataset.tasks import LANGUAGES, Task, task_named

from ..errors import TrainerError, first_line
from ..extraction.documents import Document
from ..extraction.schema_input import schema_of
from .arguments import STDIN, PredictArguments

SUFFIXES = {".csv": "csv", ".tsv": "tsv", ".json": "jsonl", ".jsonl": "jsonl", ".ndjson": "jsonl", ".txt": "text"}
_MOST = 1 << 30  # bytes of an input, whose lines are all held in memory
_DELIMITERS = {"csv": ",", "tsv": "\t"}
_BINARY = {
    b"%PDF": ("a PDF file", "take its text out first: pdftotext"),
    b"PK\x03\x04": ("a Word, Excel or zip file", "save it as plain text or CSV, or unpack it"),
    b"\xd0\xcf\x11\xe0": ("an old Word or Excel file", "save it as plain text or CSV"),
    b"{\\rtf": ("an RTF file", "save it as plain text"),
    b"\xff\xd8\xff": ("a JPEG image", "read its text with OCR first"),
    b"\x89PNG": ("a PNG image", "read its text with OCR first"),
    b"GIF8": ("a GIF image", "read its text with OCR first"),
    b"II*\0": ("a TIFF image", "read its text with OCR first"),
    b"MM\0*": ("a TIFF image", "read its text with OCR first"),
    b"RIFF": ("a WebP image or a recording", "take its text out first"),
    b"\x1f\x8b": ("a gzip file", "let its name end in .gz, or unpack it: gunzip"),
    b"\x28\xb5\x2f\xfd": ("packed by Zstandard", "let its name end in .zst and pip install zstandard, or unpack it"),
    b"PAR1": ("a Parquet file", "give the folder that iepile prepare wrote, or save it as JSON lines"),
}
"""First bytes of files that hold no text → what they are, what to do"""
_BY_ANNOTATION = {"entity": "ner", "relation": "re", "event": "ee"}


@dataclass(frozen=True)
class Item:
    """One line of the input.

    Attributes:
        own: Its keys, which are written to the output again; of a line that could not be read `id` and `line`.
        document: Its text and what to look for; None for a row.
        items: Its annotation, None where it has none.
        place: `file:line`.
        error: Why it cannot be asked about; empty where it can.
    """

    own: dict[str, Any]
    document: Document | None = None
    items: list[Any] | None = None
    place: str = ""
    error: str = ""


class Reader:
    """Reads one file, or standard input.

    Args:
        path: The file, packed or not, its address, or `-` for standard input.
        args: Of these, `input_format`, `task` (the first; None tells it from the annotation, else entities), `schema`
            (None takes the schema beside the file), `language`, `text_column` and `whole`.
        stdin: Where `-` is read from.
    """

    def __init__(self, path: str, args: PredictArguments, stdin: BinaryIO | None = None) -> None:
        self._path, self._args, self._stdin = path, args, stdin
        self._task = next(iter(args.task or ()), None)
        self._common_schema = cache(self._schema)

    def read(self) -> list[Item]:
        """All items of the file.

        Raises:
            TrainerError: There is nothing in it, or no schema for its texts.
            DataError: The schema, the task or the language is wrong.
            OSError: The file cannot be read.
        """
        if self._task is not None:
            task_named(self._task)
        content = self._content()
        if len(content) > _MOST:
            raise TrainerError(
                f"{self._name} is larger than {_MOST >> 30} GB, or never ends (cut it into several files)"
            )
        for beginning, (kind, remedy) in _BINARY.items():
            if content.startswith(beginning):
                raise TrainerError(f"{self._name} is {kind}, not text ({remedy})")
        items = list(self._items(content.removeprefix(b"\xef\xbb\xbf")))
        if not items:
            raise TrainerError(f"{self._name} holds nothing to answer")
        return items

    def _content(self) -> bytes:
        if self._path == STDIN:
            return (self._stdin or sys.stdin.buffer).read(_MOST + 1)
        is_plain = "://" not in self._path and not is_packed(self._path)  # which may be a pipe
        try:
            with open(self._path, "rb") if is_plain else fsspec.open(self._path, "rb", compression="infer") as file:
                content: bytes = file.read(_MOST + 1)
        except UNPACKABLE as problem:
            raise TrainerError(f"{self._path}: cannot be read: {first_line(problem)} (mend it, or unpack it)") from None
        return content

    @property
    def _name(self) -> str:
        return "standard input" if self._path == STDIN else self._path

    def _items(self, content: bytes) -> Iterator[Item]:
        form = self._args.input_format
        if form == "auto":
            looks_like_json = re.match(rb"\s*(\[\s*)?\{", content)
            form = SUFFIXES.get(Path(unpacked(self._path)).suffix.lower(), "jsonl" if looks_like_json else "text")
        if self._args.whole:
            text, error = _decoded(content)
            yield self._document(1, {"id": self._name, "text": text}, "text", error)
        elif form in _DELIMITERS:
            header = content.partition(b"\n")[0]
            # Spreadsheets write semicolons where a comma stands in numbers.
            semicolons = form == "csv" and header.count(b";") > header.count(b",")
            yield from self._table(content, ";" if semicolons else _DELIMITERS[form])
        else:
            read = self._object if form == "jsonl" else self._line
            for number, line in enumerate(content.split(b"\n"), 1):  # only a line feed ends a line
                if line.strip():
                    yield read(number, line.rstrip(b"\r"))

    def _line(self, number: int, line: bytes) -> Item:
        text, error = _decoded(line)
        return self._document(number, {"id": f"{self._name}:{number}", "text": text}, "text", error)

    def _object(self, number: int, line: bytes) -> Item:
        if number == 1 and line.lstrip().startswith(b"["):
            raise TrainerError(f"{self._name} is one JSON array (write one object a line: jq -c '.[]')")
        if len(line) > LINE_BYTES:
            return self._broken(number, line[:200], f"the line is longer than {LINE_BYTES >> 20} MB (cut its text)")
        try:
            own = orjson.loads(line)
        except orjson.JSONDecodeError as problem:
            return self._broken(number, line, f"not JSON, {problem} (one JSON object per line)")
        if not isinstance(own, dict):
            return self._broken(number, line, f"{shown(own)} is no object (one JSON object per line)")
        if "instruction" in own:
            return Item(own, place=f"{self._name}:{number}")
        return self._document(number, own, self._args.text_column)

    def _table(self, content: bytes, delimiter: str) -> Iterator[Item]:
        csv.field_size_limit(1 << 30)
        # Strict: a quotation mark that is never closed would make one text of all lines that follow.
        lines = io.StringIO(content.decode("utf-8", "surrogateescape"), newline="")
        reader = csv.reader(lines, delimiter=delimiter, strict=True)
        try:
            header = [_decoded(cell)[0] for cell in next(reader, [])]
            if self._args.text_column not in header:
                raise TrainerError(
                    f"{self._name}: no column {shown(self._args.text_column)}, only "
                    f"{', '.join(header) or 'an empty first line'} (name it with --text_column)"
                )
            for cells in filter(None, reader):
                if len(cells) != len(header):
                    reason = f"{len(cells)} cells where the header has {len(header)} (quote cells that hold a comma)"
                    yield self._broken(reader.line_num, delimiter.join(cells), reason)
                    continue
                own = {name: _decoded(cell)[0] for name, cell in zip(header, cells)}
                yield self._document(reader.line_num, own, self._args.text_column, _decoded(delimiter.join(cells))[1])
        except csv.Error as problem:
            remedy = 'in a cell in quotation marks double each of its own, and close it; "" is one'
            raise TrainerError(f"{self._name}:{reader.line_num}: {problem} ({remedy})") from None

    def _document(self, line: int, own: dict[str, Any], key: str, error: str = "") -> Item:
        """A text as an item; what is wrong with the line itself is its error."""
        place, text, triggers = f"{self._name}:{line}", own.get(key), own.get("triggers") or None
        annotation = next((name for name in _BY_ANNOTATION if isinstance(own.get(name), list)), "entity")
        try:
            if not isinstance(text, str):
                reason = f'"{key}" is {shown(text)}' if key in own else f'neither "{key}" nor "instruction"'
                raise DataError(f"{reason} (give the text as a string)")
            task = task_named(str(self._task or own.get("task") or _BY_ANNOTATION[annotation]))
            schema = self._common_schema(task) if not own.get("schema") else schema_of(own["schema"], task, files=False)
            if not _are_triggers(triggers or {}):
                raise DataError(f'"triggers" is {shown(triggers)} (give {{event type: [triggers]}})')
        except DataError as problem:
            return Item(own, place=place, error=f"{place}: {problem}")
        language = own.get("language") if own.get("language") in LANGUAGES else self._args.language
        document = Document(text, schema, task.name.lower(), language, triggers, error and f"{place}: {error}")
        items = own.get(task.annotation)
        return Item(own, document, items if isinstance(items, list) else None, place, document.error)

    def _schema(self, task: Task) -> Schema:
        """The schema of all texts that have none of their own; a wrong one is an error of the whole input."""
        given: Any = self._args.schema
        if given is None and self._path != STDIN:
            beside = (Path(self._path).parent / name for name in SCHEMA_FILES)
            given = next(filter(Path.is_file, beside), None)
        if given is None:
            raise TrainerError(
                f"nothing to look for in {self._name}: no schema (give --schema person,location or --schema FILE, "
                'put a schema.json beside it, or "schema" into each line)'
            )
        try:
            return schema_of(given, task)
        except DataError as problem:
            raise TrainerError(str(problem)) from None

    def _broken(self, line: int, raw: bytes | str, reason: str) -> Item:
        place = f"{self._name}:{line}"
        return Item({"id": place, "line": _decoded(raw)[0]}, place=place, error=f"{place}: {reason}")


def _decoded(raw: bytes | str) -> tuple[str, str]:
    """(the text, with marks where bytes are none, why it is not all text); of a table's cell, which kept its bytes."""
    raw = raw.encode("utf-8", "surrogateescape") if isinstance(raw, str) else raw
    try:
        return raw.decode(), ""
    except UnicodeDecodeError as problem:
        reason = f"not UTF-8 text: {problem.reason} at byte {problem.start} (save the file as UTF-8)"
        return raw.decode("utf-8", "replace"), reason


def _are_triggers(given: Any) -> bool:
    return isinstance(given, dict) and all(
        isinstance(words, list) and all(isinstance(word, str) for word in words) for words in given.values()
    )
