"""The JSON Schemas of all file formats, and what they say about a value that does not fit, in plain words."""

import json
import re
from collections.abc import Iterable, Iterator
from functools import cache
from importlib import resources
from typing import Any

from jsonschema import Draft202012Validator
from jsonschema.exceptions import ValidationError

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
    folder = resources.files(__package__) / "formats"
    return sorted(
        file.name.removesuffix(".schema.json") for file in folder.iterdir() if file.name.endswith(".schema.json")
    )


def defects(value: Any, name: str) -> Iterator[Defect]:
    """Every way in which a value does not fit the JSON Schema of a format, in the order of its parts.

    Args:
        value: Parsed JSON.
        name: The format, one of `format_names()`.

    >>> next(defects({"text": "In Ulm", "entity": [{"entity": 5, "entity_type": "city"}]}, "entity"))
    ('entity[].entity is not a string', 'entity[0].entity is 5, not a string', 'quote the text letter for letter')
    """
    for error in sorted(_validator(name).iter_errors(value), key=lambda error: _place(error.absolute_path)):
        kind, reason = _words(error, _place(error.absolute_path))
        yield kind, reason, _remedy(error)


def without_values(reason: str) -> str:
    """The kind of a reason: from its first quote to its last, since a value may hold quotes itself.

    >>> without_values('role of "sue" "place" is not in the schema')
    'role of … is not in the schema'
    """
    return re.sub(r'"(.*)"', "…", reason)


@cache
def _validator(name: str) -> Draft202012Validator:
    return Draft202012Validator(format_schema(name))


def _place(path: Iterable[Any]) -> str:
    return "".join(f"[{part}]" if isinstance(part, int) else f".{part}" for part in path).removeprefix(".")


def _words(error: ValidationError, place: str) -> tuple[str, str]:
    """(kind, reason) of one error; at the root the value itself is what is talked about."""
    value, rule = error.instance, error.validator
    wanted: Any = error.validator_value
    common = re.sub(r"\[\d+\]", "[]", place)
    if rule == "type":
        types = " or ".join(_WORDS[name] for name in ([wanted] if isinstance(wanted, str) else wanted))
        return f"{common or 'the value'} is not {types}", f"{place or 'the value'} is {shown(value)}, not {types}"
    if rule == "required":
        name = error.message.split("'")[1]
        return f'no "{_under(common, name)}"', f'no "{_under(place, name)}"'
    if rule == "anyOf":
        names = " or ".join(f'"{option["required"][0]}"' for option in wanted)
        return f"no {names}", f"no {names}"
    if rule in ("minLength", "minItems", "minProperties"):
        return f"{common or 'the value'} is too short", f"{place or 'the value'} is {shown(value)}, too short"
    if rule == "additionalProperties":
        return f"{common}: an unknown key", f"{place}: {error.message}"
    return f"{common} has another form", f"{place} is {shown(value)}"


def _under(place: str, name: str) -> str:
    return f"{place}.{name}" if place else name


def _remedy(error: ValidationError) -> str:
    part: Any = error.schema
    if error.validator == "required":
        part = part.get("properties", {}).get(error.message.split("'")[1], part)
    return str(part.get("description") or error.message)
