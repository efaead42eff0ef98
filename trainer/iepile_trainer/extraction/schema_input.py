"""What to ask for, as a person writes it → the dataset room's `Schema`."""

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from iepile_dataset import DataError, Schema, parse_schema
from iepile_dataset.bounded import read_small
from iepile_dataset.errors import shown
from iepile_dataset.schema import SCHEMA_FILES, three_lines
from iepile_dataset.tasks import Task

__all__ = ["schema_of"]

_OBJECT = {"types", "relations", "roles", "triples"}


def schema_of(given: Any, task: Task, files: bool = True) -> Schema:
    """Read a schema in any of its forms.

    Args:
        given: A `Schema`; a list of labels; `{type: [roles]}` for events, `{type: [attributes]}` for a knowledge
            graph, `{relation: [[head type, tail type]]}` for typed relations; `{label: description}`, or with
            `{"description", "aliases", "examples"}` for each label; the one-object form
            `{"types" | "relations" | "roles" | "triples": …}`; the path of a `schema.json` or YAML file, or of the
            folder it lies in; the same as JSON text; or labels with commas between them.
        task: What it is to be asked for.
        files: Whether a string may name a file, or be YAML; not where it comes from strangers.

    Returns:
        The schema; it has at least one label for the task.

    Raises:
        DataError: It has none of these forms, or nothing to ask for.

    >>> from iepile_dataset.tasks import TASKS
    >>> schema_of("person, location", TASKS["ner"]).types
    ('person', 'location')
    >>> schema_of({"sue": ["plaintiff"]}, TASKS["ee"]).roles
    {'sue': ('plaintiff',)}
    >>> schema_of({"in": [["city", "country"]]}, TASKS["spo"]).triples
    {'city_in_country': ('city', 'in', 'country')}
    """
    schema = given if isinstance(given, Schema) else _read(given, task, files)
    if not task.labels(schema):
        raise DataError(f"the schema has no labels for {task.name} (expected {_FORMS[task.name.lower()][0]})")
    return schema


def _read(given: Any, task: Task, files: bool) -> Schema:
    expected, place = _FORMS[task.name.lower()]
    if isinstance(given, Path) and files:
        return _from_file(given)
    if isinstance(given, str):
        if given.lstrip().startswith(("[", "{")):
            try:
                return _read(json.loads(given), task, files)
            except json.JSONDecodeError as error:
                # As YAML, a few aliases of a stranger could stand for more than fits into memory.
                if not files and three_lines(given) is None:
                    raise DataError(f"the schema is not JSON: {error} (expected {expected})") from None
                return parse_schema(given, "schema")  # three lines, or it says what is wrong
        if files and (given.endswith((".json", ".yaml", ".yml")) or _is_there(given)):
            return _from_file(Path(given))
        return _read([label.strip() for label in given.split(",") if label.strip()], task, files)
    if isinstance(given, Mapping):
        whole = given if given and _OBJECT.issuperset(given) else {place: dict(given)}
    elif isinstance(given, list | tuple | set | frozenset):
        # A set has no order of its own, and the order is part of the question.
        labels = sorted(given, key=str) if isinstance(given, set | frozenset) else list(given)
        whole = {"relations" if task.annotation == "relation" else "types": labels}
    else:
        raise DataError(f"schema={shown(given)} is no schema (expected {expected}, or a file)")
    try:
        text = json.dumps(whole, ensure_ascii=False)
    except (TypeError, ValueError, RecursionError) as error:
        raise DataError(f"the schema is not JSON: {error} (expected {expected})") from None
    return parse_schema(text, "schema")


def _from_file(path: Path) -> Schema:
    if path.is_dir():
        path = next((path / name for name in SCHEMA_FILES if (path / name).is_file()), path / SCHEMA_FILES[0])
    try:
        return parse_schema(read_small(str(path)).decode("utf-8"), str(path))
    except (FileNotFoundError, IsADirectoryError):
        raise DataError(f"{path}: no such schema file (a file, or labels with commas between them)") from None
    except UnicodeDecodeError as error:
        raise DataError(f"{path}: not UTF-8 text: {error.reason} at byte {error.start} (save it as UTF-8)") from None


def _is_there(given: str) -> bool:
    try:
        return Path(given).exists()
    except (OSError, ValueError):  # too long for a name, or a zero byte in it
        return False


# What is expected of a task, and where an object that is given for it stands in the one-object form.
_FORMS = {
    "ner": ("a list of labels", "types"),
    "re": ("a list of labels", "relations"),
    "eet": ("a list of labels", "types"),
    "ee": ("{event type: [roles]}", "types"),
    "eea": ("{event type: [roles]}", "types"),
    "spo": ("{relation: [[head type, tail type]]}", "triples"),
    "kg": ("{type: [attributes]}", "roles"),
}
