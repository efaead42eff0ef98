"""What a visitor types as labels → a schema, and back. Never a file's name: a visitor's text opens nothing."""

import json
import re
from collections.abc import Iterator, Mapping
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
def task_words() -> Mapping[str, Mapping[str, str]]:
    """What the page says of each task: `name`, `form`, `hint`."""
    words: dict[str, dict[str, str]] = yaml.safe_load((resources.files(__package__) / "tasks.yaml").read_text("utf-8"))
    return words


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
    words = task_words()[task.name.lower()]
    if not text.strip():
        raise DataError(f"no labels yet ({words['hint']})")
    given: Any = text
    if not text.lstrip().startswith(("[", "{")):
        read = {"list": _parts, "pairs": lambda text: _pairs(text, words["hint"])}.get(words["form"], lists_in)
        given = read(text)
    schema = schema_of(given, task, files=False)
    if len(task.labels(schema)) > LABELS:
        raise DataError(f"{len(task.labels(schema)):,} labels are too many for this page (at most {LABELS} at once)")
    return schema


def lists_in(text: str) -> dict[str, list[str]]:
    r"""A list a line, named before its colon.

    >>> lists_in("sue: plaintiff, place\n结婚：人物、地点\nmeet")
    {'sue': ['plaintiff', 'place'], '结婚': ['人物', '地点'], 'meet': []}
    """
    lists: dict[str, list[str]] = {}
    for _, name, parts in _lines(text):
        lists.setdefault(name, []).extend(parts)
    return lists


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
    form = task_words()[task.name.lower()]["form"]
    labels = task.labels(schema)
    if form == "list":
        plain: Any = list(labels)
        text = ", ".join(plain)
    elif form == "pairs":
        plain = {}
        for head, relation, tail in schema.triples.values():
            plain.setdefault(relation, []).append([head, tail])
        text = "\n".join(f"{relation}: {', '.join(pair)}" for relation, pairs in plain.items() for pair in pairs)
    else:
        parts = graph_attributes(schema) if form == "attributes" else schema.roles
        plain = {label: list(parts.get(label, ())) for label in labels}
        text = "\n".join(f"{label}: {', '.join(names)}" if names else label for label, names in plain.items())
    try:
        same = task.labels(schema_from(text, task)) == labels
    except DataError:
        same = False
    return text if same else json.dumps(plain, ensure_ascii=False)


def _parts(text: str) -> list[str]:
    return [part.strip() for part in _BETWEEN.split(text) if part.strip()]


def _lines(text: str) -> Iterator[tuple[int, str, list[str]]]:
    """The number of each line that holds something, what stands before its colon, and the parts behind it."""
    for number, line in enumerate(text.split("\n"), 1):
        if line.strip():
            name, *rest = _COLON.split(line, maxsplit=1)
            yield number, name.strip(), _parts("".join(rest))


def _pairs(text: str, hint: str) -> dict[str, list[list[str]]]:
    pairs: dict[str, list[list[str]]] = {}
    for number, name, types in _lines(text):
        if len(types) != 2:
            raise DataError(f"labels, line {number}: {len(types)} types instead of two ({hint})")
        pairs.setdefault(name, []).append(types)
    return pairs
