"""What a visitor types as labels → a schema, and back. Never a file's name: a visitor's text opens nothing."""

import json
import re
from collections.abc import Mapping
from functools import cache
from importlib import resources
from typing import Any

import yaml

from iepile_dataset import DataError, Schema, parse_schema
from iepile_dataset.answers import graph_attributes
from iepile_dataset.tasks import Task
from iepile_trainer.extraction.schema_input import schema_of

LABELS = 100
"""The most labels that one visitor may ask for at once."""

_SCHEMA = 500_000  # bytes of a schema file

_BETWEEN = re.compile(r"[,，、\n]")
_COLON = re.compile(r"[:：]")


@cache
def said() -> Mapping[str, Mapping[str, str]]:
    """What the page says of each task: `name`, `form`, `hint`."""
    told: dict[str, dict[str, str]] = yaml.safe_load((resources.files(__package__) / "tasks.yaml").read_text("utf-8"))
    return told


def schema_from(text: str, task: Task) -> Schema:
    r"""Read typed labels.

    Args:
        text: In the form of the task, see tasks.yaml; or a schema as JSON.
        task: What they are for.

    Raises:
        DataError: There are none, or too many, or a line has not the task's form.

    >>> from iepile_dataset.tasks import TASKS
    >>> schema_from("person, city\n country", TASKS["ner"]).types
    ('person', 'city', 'country')
    >>> schema_from("lawsuit: plaintiff, place", TASKS["ee"]).roles
    {'lawsuit': ('plaintiff', 'place')}
    >>> schema_from("located in: city, country", TASKS["spo"]).triples
    {'city_located in_country': ('city', 'located in', 'country')}
    """
    told = said()[task.name.lower()]
    if not text.strip():
        raise DataError(f"no labels yet ({told['hint']})")
    given: Any = text
    if not text.lstrip().startswith(("[", "{")):
        given = _parts(text) if told["form"] == "list" else lists_in(text)
        if told["form"] == "pairs":
            given = _pairs(text, told["hint"])
    schema = schema_of(given, task, files=False)
    if len(task.labels(schema)) > LABELS:
        raise DataError(f"{len(task.labels(schema)):,} labels are too many for this page (at most {LABELS} at once)")
    return schema


def lists_in(text: str) -> dict[str, list[str]]:
    r"""A list a line, named before its colon.

    >>> lists_in("sue: plaintiff, place\n结婚：人物、地点\nmeet")
    {'sue': ['plaintiff', 'place'], '结婚': ['人物', '地点'], 'meet': []}
    """
    found: dict[str, list[str]] = {}
    for line in filter(str.strip, text.split("\n")):
        name, *rest = _COLON.split(line, maxsplit=1)
        found.setdefault(name.strip(), []).extend(_parts("".join(rest)))
    return found


def from_file(content: bytes, name: str, task: Task) -> Schema:
    """Read a schema file that a visitor gives: three lines, JSON or YAML.

    Raises:
        DataError: It has none of these forms, or no labels for the task.
    """
    if len(content) > _SCHEMA:
        raise DataError(f"{name}: {len(content):,} bytes are too many for a schema (at most {_SCHEMA:,})")
    try:
        text = content.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        raise DataError(f"{name}: not UTF-8 text: {error.reason} at byte {error.start} (save it as UTF-8)") from None
    if text.lstrip().startswith(("[", "{")):
        return schema_of(text, task, files=False)
    try:
        if any(isinstance(token, yaml.AliasToken) for token in yaml.scan(text)):
            raise DataError(f"{name}: YAML with aliases, a few of which can fill the memory (write them out)")
    except yaml.YAMLError:
        pass  # parse_schema says what is wrong
    return schema_of(parse_schema(text, name), task)


def written(schema: Schema, task: Task) -> str:
    """A schema as it is typed; as JSON where a label holds what stands between labels.

    >>> from iepile_dataset.tasks import TASKS
    >>> written(Schema(types=("person", "city")), TASKS["ner"])
    'person, city'
    >>> written(Schema(types=("Washington, D.C.",)), TASKS["ner"])
    '["Washington, D.C."]'
    >>> written(Schema(types=("sue",), roles={"sue": ("plaintiff", "place")}), TASKS["ee"])
    'sue: plaintiff, place'
    """
    form = said()[task.name.lower()]["form"]
    if form == "list":
        plain: Any = list(task.labels(schema))
        text = ", ".join(plain)
    elif form == "roles":
        roles = graph_attributes(schema) if task.name == "KG" else schema.roles
        plain = {label: list(roles.get(label, ())) for label in task.labels(schema)}
        text = "\n".join(f"{label}: {', '.join(names)}" if names else label for label, names in plain.items())
    else:
        plain = {}
        for head, relation, tail in schema.triples.values():
            plain.setdefault(relation, []).append([head, tail])
        text = "\n".join(f"{relation}: {', '.join(pair)}" for relation, pairs in plain.items() for pair in pairs)
    try:
        same = task.labels(schema_from(text, task)) == task.labels(schema)
    except DataError:
        same = False
    return text if same else json.dumps(plain, ensure_ascii=False)


def _parts(text: str) -> list[str]:
    return [part.strip() for part in _BETWEEN.split(text) if part.strip()]


def _pairs(text: str, hint: str) -> dict[str, list[list[str]]]:
    found: dict[str, list[list[str]]] = {}
    for number, line in enumerate(text.split("\n"), 1):
        if not line.strip():
            continue
        name, *rest = _COLON.split(line, maxsplit=1)
        types = _parts("".join(rest))
        if len(types) != 2:
            raise DataError(f"labels, line {number}: {len(types)} types instead of two ({hint})")
        found.setdefault(name.strip(), []).append(types)
    return found
