"""One small file → its findings: schemas, meta.json, manifests, dictionaries."""

import posixpath
import re
from collections.abc import Iterator
from contextlib import suppress
from typing import Any

import fsspec

from ..bounded import MOST_BYTES, parse_json
from ..corpus.layout import read_file
from ..errors import DataError
from ..schema import SCHEMA_FILES, Schema, one_value, parse_schema, three_lines
from ..tasks import TASKS
from .report import Finding
from .shapes import defects


def check_object(file: str, name: str) -> Iterator[Finding]:
    """What is wrong with a file of one JSON value.

    Args:
        file: Its address.
        name: Its format; `schema` stands for both forms of a schema.
    """
    with fsspec.open(file, "rb", compression="infer") as data:
        text = data.read(MOST_BYTES + 1).decode("utf-8", "replace").removeprefix("\ufeff")
    if name == "schema":
        yield from _schema(file, text)
        return
    try:
        value = parse_json(text, "", "mend the file")
    except DataError as error:
        yield Finding.of_error(file, DataError(str(error).removeprefix(": ")), kind="not JSON")
        return
    for kind, reason, remedy in defects(value, name):
        yield Finding(file, 0, reason, remedy, kind=kind)


def _schema(file: str, text: str) -> Iterator[Finding]:
    values: Any = three_lines(text)
    name, wrong = "schema-lines", []
    if values is None:
        name = "schema-object"
        with suppress(DataError):  # parse_schema says what is wrong with it
            values = one_value(text)
    for kind, reason, remedy in defects(values, name) if name == "schema-lines" or isinstance(values, dict) else ():
        line = re.match(r"\[(\d)\]", reason)
        reason, kind = re.sub(r"^\[\d\]", "the line", reason), re.sub(r"^\[\]", "the line", kind)
        wrong.append(Finding(file, int(line[1]) + 1 if line else 0, reason, remedy, kind=kind))
    yield from wrong
    try:
        schema = parse_schema(text, posixpath.basename(file))
    except DataError as error:
        if not wrong:
            yield Finding.of_error(file, error, kind="not readable as a schema")
        return
    lists = [values.get("types"), values.get("relations")] if isinstance(values, dict) else values
    for number, labels in enumerate(lists, 1):
        for label in sorted(_twice(labels)):
            kind = "label … is given twice"
            yield Finding(file, number, f'label "{label}" is given twice', "remove one", "", kind, "warning")
    if not any(task.labels(schema) for task in TASKS.values()):
        yield Finding(file, 0, "the schema has no labels", "line 1 holds the types, line 2 the relations or roles")


def _twice(labels: Any) -> set[str]:
    names = [label for label in labels if isinstance(label, str)] if isinstance(labels, list) else []
    return {label for label in names if names.count(label) > 1}


def schema_beside(file: str, key: str) -> tuple[Schema | None, list[Finding]]:
    """The schema in a file's folder, None where none can be read, and what is wrong with it."""
    folder = posixpath.dirname(file) or "."
    for name in SCHEMA_FILES:
        address = posixpath.join(folder, name)
        content = read_file(address)
        if content is not None:  # not so for a dead link, which is told of where it is checked itself
            text = content.decode("utf-8", "replace")
            try:
                schema = parse_schema(text, name)
            except DataError:
                # Told where the schema itself is checked; a file given alone is told of it here.
                return None, list(_schema(address, text))
            serving = [task for task in TASKS.values() if task.annotation == key]
            if serving and not any(task.labels(schema) for task in serving):
                remedy = f"they stand in {serving[0].where}"
                return schema, [Finding(address, 0, f"no labels for {serving[0].name}", remedy)]
            return schema, []
    remedy = "write three lines: types; relations or roles; {type: [roles]}"
    return None, [Finding(folder, 0, "no schema.json beside the split files", remedy)]
