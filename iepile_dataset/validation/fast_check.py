"""Does a line fit its format? Yes or no, fast: hand-written twins of the JSON Schemas and of `record_check.problems`.

A yes is final. After a no, `shapes.defects` and `record_check.problems` say what is wrong; a test holds them equal.
"""

import re
from collections.abc import Callable, Container
from typing import Any

from ..answers import graph_attributes
from ..schema import Schema
from .shapes import format_schema

_NO_MENTION = ("", "NAN", None)
_ID_TYPES = frozenset((str, int, type(None)))
_UNFIT = (KeyError, TypeError, AttributeError)


class Anything(tuple[str, ...]):
    """Labels where none are known, or a text that is not at hand: everything is in it.

    >>> "city" in Anything()
    True
    """

    __slots__ = ()

    def __contains__(self, value: object) -> bool:
        return isinstance(value, str)


class AnyRoles(dict[str, tuple[str, ...]]):
    """Roles where no schema is known: each event type allows all.

    >>> "place" in AnyRoles()["sue"]
    True
    """

    def __missing__(self, kind: str) -> tuple[str, ...]:
        return Anything()

    def get(self, kind: str, default: Any = None) -> Any:
        """Like `dict.get`, with an answer for every type."""
        return Anything()


ANY_SCHEMA = Schema(types=Anything(), relations=Anything(), roles=AnyRoles())
"""Stands in for a schema that is not at hand, so that the rest of a record can still be checked."""


def record_fit(key: str, schema: Schema) -> Callable[[Any], bool]:
    """A function that says whether a record needs no second look.

    Args:
        key: The annotation's key: `entity`, `relation` or `event`; with another key every record gets a second look.
        schema: The source's labels.

    >>> fits = record_fit("entity", Schema(types=("city",)))
    >>> fits({"text": "In Ulm", "entity": [{"entity": "Ulm", "entity_type": "city"}]}), fits({"text": ""})
    (True, False)
    """
    if key not in _ITEMS:
        return lambda record: False
    items_fit = _ITEMS[key](schema)

    def fits(record: Any) -> bool:
        try:
            text = record["text"]
            if type(text) is not str or not text.strip() or type(record.get("id")) not in _ID_TYPES:
                return False
            if key not in record:
                return True
            items = record[key]
            return type(items) is list and items_fit(items, text)
        except _UNFIT:
            return False

    return fits


def label_fit(key: str) -> Callable[[Any], bool]:
    """A function that says whether an annotation list has the right shape, whatever text and labels it is for.

    >>> label_fit("entity")([{"entity": "Ulm", "entity_type": "city"}]), label_fit("entity")({})
    (True, False)
    """
    items_fit = _ITEMS[key](ANY_SCHEMA) if key in _ITEMS else lambda items, text: True

    def fits(items: Any) -> bool:
        try:
            return type(items) is list and items_fit(items, Anything())
        except _UNFIT:
            return False

    return fits


def row_fit(row: Any) -> bool:
    """Whether a generated row has the shape of the format `row`.

    >>> row_fit({"id": "en/NER/x/train:1"})
    False
    """
    try:
        return (
            type(row["instruction"]) is type(row["output"]) is type(row["label"]) is str
            and type(row["id"]) is type(row["source"]) is type(row["task"]) is str
            and row["language"] in ("en", "zh")
            and bool(row["source"] and row["instruction"])
            and _ROW_ID(row["id"]) is not None
            and _ROW_TASK(row["task"]) is not None
        )
    except _UNFIT:
        return False


def prediction_fit(row: Any) -> bool:
    """Whether a line has the shape of the format `prediction`: output and label, and what else it has in order.

    >>> prediction_fit({"output": "{}", "label": "[]"})
    True
    """
    try:
        return (
            type(row["output"]) is type(row["label"]) is str
            and all(type(row.get(name, "")) is str for name in ("task", "source", "language"))
            and all(type(row.get(name, "x")) is str and row.get(name, "x") != "" for name in ("id", "instruction"))
        )
    except _UNFIT:
        return False


def original_fit(row: Any) -> bool:
    """Whether a line has the shape of the format `original`.

    >>> original_fit({"source": "x", "instruction": "{}", "output": "{}"})
    True
    """
    try:
        return (
            type(row["source"]) is type(row["instruction"]) is str
            and row["instruction"] != ""
            and ("output" in row or "label" in row)
            and all(type(row.get(name, "")) is str for name in ("task", "output", "label"))
            and type(row.get("id", "x")) is str
            and row.get("id", "x") != ""
        )
    except _UNFIT:
        return False


def raw_fit(row: Any) -> bool:
    """Whether a row has the shape of the format `raw`.

    >>> raw_fit({"id": "en/NER/x/train:1", "source": "x", "language": "en", "record": "{}"})
    True
    """
    try:
        return (
            type(row["id"]) is type(row["source"]) is type(row["record"]) is str
            and row["language"] in ("en", "zh")
            and bool(row["source"] and row["record"])
            and _ROW_ID(row["id"]) is not None
        )
    except _UNFIT:
        return False


_ROW_ID = re.compile(format_schema("row")["properties"]["id"]["pattern"]).search
_ROW_TASK = re.compile(format_schema("row")["properties"]["task"]["pattern"]).search

Items = Callable[[list[Any], Container[str]], bool]


def _entities(schema: Schema) -> Items:
    types = _quick(schema.types)

    def fit(items: list[Any], text: Container[str]) -> bool:
        for item in items:
            mention = item["entity"]
            if type(mention) is not str or not mention or mention not in text or item["entity_type"] not in types:
                return False
        return True

    return fit


def _relations(schema: Schema) -> Items:
    plain, triples = _quick(schema.relations), frozenset(schema.triples.values())
    typed, attributes = {relation for _, relation, _ in triples}, graph_attributes(schema)

    def fit(items: list[Any], text: Container[str]) -> bool:
        for item in items:
            head, tail, relation = item["head"], item["tail"], item["relation"]
            if type(head) is not str or not head or head not in text:
                return False
            if type(tail) is not str or not tail or tail not in text:
                return False
            head_type, tail_type = item.get("head_type", ""), item.get("tail_type", "")
            if type(head_type) is not str or type(tail_type) is not str:
                return False
            if relation in typed and ((head_type and tail_type) or relation not in plain):
                if (head_type, relation, tail_type) not in triples:
                    return False
            elif relation not in plain and relation not in attributes.get(head_type, ()):
                return False
        return True

    return fit


def _events(schema: Schema) -> Items:
    types = _quick(schema.types)
    roles: Any = schema.roles
    if not isinstance(roles, AnyRoles):
        roles = {kind: frozenset(schema.roles.get(kind, ())) for kind in schema.types}

    def fit(items: list[Any], text: Container[str]) -> bool:
        for item in items:
            kind, trigger = item["event_type"], item.get("event_trigger")
            if kind not in types or (trigger not in _NO_MENTION and (type(trigger) is not str or trigger not in text)):
                return False
            arguments, allowed = item.get("arguments"), roles[kind]
            if type(arguments) is not list:
                if arguments is not None:
                    return False
                continue
            for argument in arguments:
                mention, role = argument["argument"], argument["role"]
                if mention in _NO_MENTION:
                    if type(role) is not str:
                        return False
                elif type(mention) is not str or mention not in text or role not in allowed:
                    return False
        return True

    return fit


def _quick(labels: tuple[str, ...]) -> Container[str]:
    return labels if isinstance(labels, Anything) else frozenset(labels)


_ITEMS: dict[str, Callable[[Schema], Items]] = {"entity": _entities, "relation": _relations, "event": _events}
