"""The JSON Schemas of all file formats, and what they say about a value that does not fit, in plain words."""

import json
import re
from collections.abc import Iterator, Sequence
from functools import cache
from importlib import resources
from typing import Any

from jsonschema_rs import Draft202012Validator, ValidationError

from ..errors import shown

Defect = tuple[str, str, str]
"""(kind, reason, remedy): the kind is the reason without its values, so that like defects are counted together."""

_WORDS = {
    "string": "a string", "integer": "a whole number", "number": "a number", "boolean": "true or false",
    "object": "an object", "array": "a list", "null": "null",
}  # fmt: skip


@cache
def format_schema(name: str) -> dict[str, Any]:
    """The JSON Schema of a format, as it lies in `formats/`.

    >>> format_schema("row")["required"][:3]
    ['id', 'task', 'source']
    """
    file = resources.files(__package__) / "formats" / f"{name}.schema.json"
    loaded: dict[str, Any] = json.loads(file.read_text("utf-8"))
    return loaded


def format_names() -> list[str]:
    """The names of all formats.

    >>> "entity" in format_names()
    True
    """
    suffix = ".schema.json"
    files = (resources.files(__package__) / "formats").iterdir()
    return sorted(file.name.removesuffix(suffix) for file in files if file.name.endswith(suffix))


def defects(value: Any, name: str) -> Iterator[Defect]:
    """Every way in which a value does not fit the JSON Schema of a format, in the order of its parts.

    Args:
        value: Parsed JSON.
        name: The format, one of `format_names()`.

    >>> next(defects({"text": "In Ulm", "entity": [{"entity": 5, "entity_type": "city"}]}, "entity"))
    ('entity[].entity is not a string', 'entity[0].entity is 5, not a string', 'quote the text letter for letter')
    """
    if validator(name).is_valid(value):  # some twenty times as fast as to ask for errors
        return
    try:
        errors = sorted(validator(name).iter_errors(value), key=lambda error: _place(error.instance_path))
    except ValueError:  # it does not descend any deeper
        yield "brackets inside each other", "too many brackets inside each other", "mend or remove it"
        return
    for error in errors:
        schema: Any = format_schema(name)
        for step in error.schema_path[:-1]:
            schema = schema[step]
        kind, reason = _words(error, error.kind, schema)
        if error.kind.name == "required":
            schema = schema.get("properties", {}).get(str(error.kind.value), schema)
        yield kind, reason, str(schema.get("description") or error.message)


def without_values(reason: str) -> str:
    """The kind of a reason: from its first quote to its last, since a value may hold quotes itself.

    >>> without_values('role of "sue" "place" is not in the schema')
    'role of … is not in the schema'
    """
    return re.sub(r'"(.*)"', "…", reason)


@cache
def validator(name: str) -> Draft202012Validator:
    """The compiled JSON Schema of a format.

    >>> validator("negatives-flat").is_valid({"city": ["town"]})
    True
    """
    return Draft202012Validator(format_schema(name))


def _place(path: Sequence[str | int]) -> str:
    return "".join(f"[{part}]" if isinstance(part, int) else f".{part}" for part in path).removeprefix(".")


def _words(error: ValidationError, rule: Any, schema: dict[str, Any]) -> tuple[str, str]:
    """(kind, reason) of one error; at the root the value itself is what is talked about."""
    place = _place(error.instance_path)
    common = re.sub(r"\[\d+\]", "[]", place)
    value, thing, where = shown(error.instance), common or "the value", place or "the value"
    if rule.name == "type":
        types = " or ".join(_WORDS[name] for name in rule.types)
        return f"{thing} is not {types}", f"{where} is {value}, not {types}"
    if rule.name == "required":
        names = [f"{path}.{rule.property}".removeprefix(".") for path in (common, place)]
        return f'no "{names[0]}"', f'no "{names[1]}"'
    if rule.name == "anyOf":
        options = " or ".join(f'"{option["required"][0]}"' for option in schema["anyOf"])
        return f"no {options}", f"no {options}"
    if rule.name in ("minLength", "minItems", "minProperties"):
        return f"{thing} is too short", f"{where} is {value}, too short"
    if rule.name == "additionalProperties":
        return f"{common}: an unknown key", f"{place}: {error.message}"
    return f"{common} has another form", f"{place} is {value}"
