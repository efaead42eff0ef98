"""What is to be answered, from a file or standard input: rows, annotated records, texts.

- JSON lines with an `instruction`: rows, answered as they are.
- JSON lines with a `text` and an annotation (`entity`, `relation` or `event`): records, turned into rows whose
  `label` is the annotation, so that the answers can be scored.
- JSON lines with a `text`; each may have a `schema`, `language` and `triggers` of its own, and a `task` unless one is
  given for all.
- CSV and TSV with a column for the text; the other columns are kept.
- Plain text, one document a line, or the whole file as one.

Texts and rows in one file are an error. A line that cannot be used becomes an item with an error, which is written to
the output in its place.
"""

import csv
import io
import re
import sys
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import orjson

from iepile_dataset import DataError, Schema
from iepile_dataset.errors import shown
from iepile_dataset.schema import SCHEMA_FILES
from iepile_dataset.tasks import LANGUAGES, TASKS, task_named

from .. import TrainerError
from ..extraction.documents import Document
from ..extraction.schema_input import schema_of

FORMATS = ("auto", "jsonl", "text", "csv", "tsv")
STDIN = "-"

SUFFIXES = {".csv": "csv", ".tsv": "tsv", ".json": "jsonl", ".jsonl": "jsonl", ".ndjson": "jsonl", ".txt": "text"}
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


@dataclass(frozen=True)
class Reader:
    """Reads one file, or standard input.

    Attributes:
        path: The file, `-` for standard input.
        form: One of `FORMATS`.
        task: What to look for; None tells it from the annotation, else entities.
        schema: What to look for, in any form of `schema_input.schema_of`; None takes the schema beside the file.
        language: Of the prompt; None tells it from each text.
        text_column: The column or key with the text.
        whole: The file is one document.
        stdin: Where `-` is read from.
    """

    path: str
    form: str = "auto"
    task: str | None = None
    schema: Any = None
    language: str | None = None
    text_column: str = "text"
    whole: bool = False
    stdin: Callable[[], bytes] = field(default=lambda: sys.stdin.buffer.read(), repr=False)
    _schemas: dict[str, Schema] = field(default_factory=dict, init=False, repr=False)

    def read(self) -> list[Item]:
        """All items of the file.

        Raises:
            TrainerError: There is nothing in it, or no schema for its texts.
            DataError: The schema, the task or the language is wrong.
            OSError: The file cannot be read.
        """
        if self.form not in FORMATS:
            raise TrainerError(f"input_format={self.form!r} is unknown (one of {', '.join(FORMATS)})")
        if self.task is not None:
            task_named(self.task)
        content = self.stdin() if self.path == STDIN else Path(self.path).read_bytes()
        content = content.removeprefix(b"\xef\xbb\xbf")
        items = list(self._items(content))
        if not items:
            raise TrainerError(f"{self._name} holds nothing to answer")
        return items

    @property
    def _name(self) -> str:
        return "standard input" if self.path == STDIN else self.path

    def _items(self, content: bytes) -> Iterator[Item]:
        form = self.form
        if form == "auto":
            looks_like_json = re.match(rb"\s*(\[\s*)?\{", content) and not self.whole
            form = SUFFIXES.get(Path(self.path).suffix.lower(), "jsonl" if looks_like_json else "text")
        if self.whole:
            yield self._document(1, {"id": self._name, "text": _decoded(content)}, "text", self._is_text(content))
        elif form == "text":
            for number, line in _lines(content):
                own = {"id": f"{self._name}:{number}", "text": _decoded(line)}
                yield self._document(number, own, "text", self._is_text(line))
        elif form == "jsonl":
            yield from self._objects(content)
        else:
            yield from self._table(content, "," if form == "csv" else "\t")

    def _objects(self, content: bytes) -> Iterator[Item]:
        for number, line in _lines(content):
            try:
                own = orjson.loads(line)
            except orjson.JSONDecodeError as problem:
                if number == 1 and line.startswith(b"["):
                    raise TrainerError(
                        f"{self._name} is one JSON array (write one object a line: jq -c '.[]')"
                    ) from None
                yield self._broken(number, line, f"not JSON, {problem} (one JSON object per line)")
                continue
            if not isinstance(own, dict):
                self._refuse_array(number, line)
                yield self._broken(number, line, f"{shown(own)} is no object (one JSON object per line)")
            elif "instruction" in own:
                yield Item(own, place=f"{self._name}:{number}")
            else:
                yield self._document(number, own, self.text_column)

    def _refuse_array(self, number: int, line: bytes) -> None:
        if number == 1 and line.lstrip().startswith(b"["):
            raise TrainerError(f"{self._name} is one JSON array (write one object a line: jq -c '.[]')")

    def _table(self, content: bytes, delimiter: str) -> Iterator[Item]:
        csv.field_size_limit(1 << 30)
        # Strict: a quotation mark that is never closed would make one text of all lines that follow.
        text = content.decode("utf-8", "surrogateescape")
        reader = csv.reader(io.StringIO(text, newline=""), delimiter=delimiter, strict=True)
        try:
            header = [_mended(cell) for cell in next(reader, [])]
            if self.text_column not in header:
                raise TrainerError(
                    f"{self._name}: no column {shown(self.text_column)}, only "
                    f"{', '.join(header) or 'an empty first line'} (name it with --text_column)"
                )
            for cells in reader:
                if not cells:
                    continue
                whole, raw = list(map(_mended, cells)), _raw(delimiter.join(cells))
                if len(cells) != len(header):
                    reason = f"{len(cells)} cells where the header has {len(header)} (quote cells that hold a comma)"
                    yield self._broken(reader.line_num, raw, reason)
                    continue
                own = dict(zip(header, whole))
                yield self._document(reader.line_num, own, self.text_column, self._is_text(raw))
        except csv.Error as problem:
            remedy = 'in a cell in quotation marks double each of its own, and close it; "" is one'
            raise TrainerError(f"{self._name}:{reader.line_num}: {problem} ({remedy})") from None

    def _document(self, line: int, own: dict[str, Any], key: str, error: str = "") -> Item:
        """A text as an item; what is wrong with the line itself is its error."""
        place = f"{self._name}:{line}"
        text = own.get(key)
        if not isinstance(text, str):
            error = f'"{key}" is {shown(text)}' if key in own else f'neither "{key}" nor "instruction"'
            return Item(own, place=place, error=f"{place}: {error} (give the text as a string)")
        annotation = next((name for name in _BY_ANNOTATION if isinstance(own.get(name), list)), None)
        try:
            task = self.task or own.get("task") or _BY_ANNOTATION[annotation or "entity"]
            task = task_named(str(task)).name.lower()
            language = own.get("language") if own.get("language") in LANGUAGES else self.language
            schema = self._schema_of(own, task)
        except DataError as problem:
            return Item(own, place=place, error=f"{place}: {problem}")
        triggers = own.get("triggers") or None
        if triggers is not None and not _are_triggers(triggers):
            reason = f'"triggers" is {shown(triggers)} (give {{event type: [triggers]}})'
            return Item(own, place=place, error=f"{place}: {reason}")
        items = own.get(TASKS[task].annotation)
        document = Document(text, schema, task, language, triggers, error and f"{place}: {error}")
        return Item(own, document, items if isinstance(items, list) else None, place, document.error)

    def _schema_of(self, own: dict[str, Any], task: str) -> Schema:
        if own.get("schema"):
            return schema_of(own["schema"], TASKS[task], files=False)
        return self._common(task)

    def _common(self, task: str) -> Schema:
        """The schema of all texts that have none of their own; a wrong one is an error of the whole input."""
        if task not in self._schemas:
            self._schemas[task] = self._read_schema(task)
        return self._schemas[task]

    def _read_schema(self, task: str) -> Schema:
        given = self.schema
        if given is None and self.path != STDIN:
            folder = Path(self.path).parent
            given = next((folder / name for name in SCHEMA_FILES if (folder / name).is_file()), None)
        if given is None:
            raise TrainerError(
                f"nothing to look for in {self._name}: no schema (give --schema person,location or --schema FILE, "
                'put a schema.json beside it, or "schema" into each line)'
            )
        try:
            return schema_of(given, TASKS[task])
        except DataError as problem:
            raise TrainerError(str(problem)) from None

    def _broken(self, line: int, raw: bytes, reason: str) -> Item:
        place = f"{self._name}:{line}"
        return Item({"id": place, "line": _decoded(raw)}, place=place, error=f"{place}: {reason}")

    def _is_text(self, raw: bytes) -> str:
        try:
            raw.decode()
        except UnicodeDecodeError as problem:
            return f"not UTF-8 text: {problem.reason} at byte {problem.start} (save the file as UTF-8)"
        return ""


def _lines(content: bytes) -> Iterator[tuple[int, bytes]]:
    """(number from 1, line) of the lines that hold something; only a line feed ends a line."""
    for number, line in enumerate(content.split(b"\n"), 1):
        if line.strip():
            yield number, line.rstrip(b"\r")


def _decoded(raw: bytes) -> str:
    return raw.decode("utf-8", "replace")


def _raw(text: str) -> bytes:
    return text.encode("utf-8", "surrogateescape")


def _mended(text: str) -> str:
    """The text with a mark where bytes were that are no text."""
    return text if text.isascii() else _decoded(_raw(text))


def _are_triggers(given: Any) -> bool:
    return isinstance(given, dict) and all(
        isinstance(words, list) and all(isinstance(word, str) for word in words) for words in given.values()
    )
