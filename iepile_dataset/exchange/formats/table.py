"""CSV, TSV or JSON with columns that the user names: a mention, relation or argument a line, or a token a line."""

import csv
import io
from collections.abc import Iterator, Mapping
from itertools import groupby
from typing import Any

from ...errors import DataError, shown
from ..document import UNTYPED, Document, Event, Loss, Relation, Span
from ..files import DataFile
from ..format import Format, ReadOptions
from ..tokens import is_tag, scheme_of, tagged

ROLES = (
    "text", "id", "entity", "entity_type", "start", "end", "head", "head_type", "relation", "tail", "tail_type",
    "trigger", "event_type", "argument", "role", "token", "tag",
)  # fmt: skip
_REMEDY = "--columns text=<column>,entity=<column>,entity_type=<column>"
Row = Mapping[str, Any]


def fits(file: DataFile) -> bool:
    """A `.csv` or `.tsv` file whose first line names columns that say what they hold."""
    if file.path.suffix not in (".csv", ".tsv"):
        return False
    names = set(_header(file))
    return ("text" in names and bool(names & {"entity", "relation", "trigger"})) or {"token", "tag"} <= names


def _header(file: DataFile) -> list[str]:
    try:
        return next(csv.reader(io.StringIO(file.start, newline=""), delimiter=_delimiter(file)), [])
    except csv.Error:  # a cell that is longer than any
        return []


def _delimiter(file: DataFile) -> str:
    first = file.start.partition("\n")[0]
    return max("\t;,", key=first.count) if file.path.suffix != ".tsv" else "\t"


def _rows(file: DataFile) -> Iterator[tuple[int, Row | ValueError]]:
    if file.path.suffix in (".csv", ".tsv", ".txt"):
        with file.path.open("r", encoding=file.encoding, errors="replace", newline="") as opened:
            reader = csv.DictReader(opened, delimiter=_delimiter(file))
            try:
                for row in reader:
                    yield reader.line_num, row
            except csv.Error as error:
                yield reader.line_num, ValueError(f"not CSV from here on: {error}")
        file.advance(file.path.stat().st_size)
        return
    for line, _, value in file.values():
        yield line, value if isinstance(value, dict | ValueError) else ValueError(f"no object, but {shown(value)}")


def read(file: DataFile, options: ReadOptions) -> Iterator[Document | Loss]:
    """Rows that follow one another with the same `id`, or without one the same text, make one text."""
    columns = {role: options.columns.get(role, role) for role in ROLES}
    first = next((row for _, row in _rows(DataFile(file.path, file.name)) if not isinstance(row, ValueError)), {})
    unknown = [name for name in options.columns.values() if name not in first]
    needed = "token" if columns["token"] in first and columns["tag"] in first else "text"
    if unknown or columns[needed] not in first:
        missing = unknown[0] if unknown else columns[needed]
        raise DataError(f"{file.name}: no column {shown(missing)} among {', '.join(map(str, first))} ({_REMEDY})")
    key = columns["id"] if columns["id"] in first else columns["text"]

    def same(item: tuple[int, Row | ValueError]) -> Any:
        line, row = item
        return (line,) if isinstance(row, ValueError) else row.get(key)

    for _, group in groupby(_filled(_rows(file), key), same):
        rows = list(group)
        line, row = rows[0]
        if isinstance(row, ValueError):
            yield Loss(file.name, line, str(row), _REMEDY, "", "a line in another form", True)
            continue
        parts: list[Row] = [
            {role: part.get(name) for role, name in columns.items()} for _, part in rows if isinstance(part, Mapping)
        ]
        document = _of_tokens(parts) if needed == "token" else _of_mentions(parts)
        if document is None:
            reason = f"no text in column {shown(columns[needed])}"
            yield Loss(file.name, line, reason, "give it", str(dict(row)), "a line without a text", True)
            continue
        document.file, document.line, document.split = file.name, line, file.split
        yield document


def _filled(rows: Iterator[tuple[int, Row | ValueError]], key: str) -> Iterator[tuple[int, Row | ValueError]]:
    """Rows whose empty key is that of the row before, as in tables that name a sentence once."""
    last = None
    for line, row in rows:
        if not isinstance(row, ValueError):
            last = row.get(key) or last
            row = {**row, key: last}
        yield line, row


def _of_tokens(parts: list[Row]) -> Document | None:
    tags = [str(part["tag"]) for part in parts]
    if not all(is_tag(tag) for tag in tags) or not all(part["token"] for part in parts):
        return None
    return tagged([str(part["token"]) for part in parts], tags, scheme_of([tags]))


def _of_mentions(parts: list[Row]) -> Document | None:
    text = parts[0]["text"]
    if not isinstance(text, str) or not text:
        return None
    kinds = [
        kind
        for kind, role in (("entity", "entity"), ("relation", "relation"), ("event", "event_type"))
        if any(role in part and part[role] is not None for part in parts)
    ]
    document = Document(text, kinds=tuple(kinds))
    events: dict[tuple[Any, Any], list[tuple[str, int]]] = {}
    for part in parts:
        if part["entity"]:
            _mention(document, part)
        if part["relation"]:
            ends = (
                document.quote(str(part[name]), str(part[f"{name}_type"] or UNTYPED), is_entity=False)
                for name in ("head", "tail")
            )
            document.relations.append(Relation(str(part["relation"]), *ends))
        if part["event_type"]:
            arguments = events.setdefault((part["event_type"], part["trigger"]), [])
            if part["argument"]:
                arguments.append((str(part["role"]), document.quote(str(part["argument"]), UNTYPED, is_entity=False)))
    for (kind, trigger), arguments in events.items():
        place = document.quote(str(trigger), str(kind), is_entity=False) if trigger else None
        document.events.append(Event(str(kind), place, tuple(arguments)))
    return document


def _mention(document: Document, part: Row) -> None:
    mention, label = str(part["entity"]), str(part["entity_type"] or "")
    try:
        pieces: tuple[tuple[int, int], ...] = ((int(part["start"]), int(part["end"])),)
    except (TypeError, ValueError):
        pieces = ()
    if not label:
        document.lose("a mention without a label", f"{shown(mention)} has no type", _REMEDY)
    else:
        document.spans.append(Span(pieces, label, mention))


FORMAT = Format("table", "a table with named columns (CSV, TSV or JSON)", fits, read, ("text", "entity", "entity_type"))
