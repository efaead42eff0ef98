"""What a source can be asked for: its `schema.json`."""

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import yaml

from .problems import DataError, shown

SCHEMA_FILES = ("schema.json", "schema.yaml", "schema.yml")

_FORM = (
    "write three lines: a list of types, a list of relations or roles, an object {type: [roles]}; "
    'or one object {"types": [...], "relations": [...], "roles": {type: [...]}} in JSON or YAML'
)


@dataclass(frozen=True)
class Schema:
    """The labels of one source, in the order in which they are asked.

    Attributes:
        types: Entity types (NER) or event types (events).
        relations: Relation names (RE).
        roles: Event type to its argument roles.
    """

    types: tuple[str, ...] = ()
    relations: tuple[str, ...] = ()
    roles: Mapping[str, tuple[str, ...]] = field(default_factory=dict)


def parse_schema(text: str, file: str = "schema.json") -> Schema:
    """Read a schema in IEPile's three-line form or in the one-object form.

    Args:
        text: Content of the file.
        file: Its name, for messages.

    Returns:
        The schema; repeated labels are kept once.

    Raises:
        DataError: The text has neither form, or a label is not a non-empty string.

    The three lines are the original corpus's format; the object form may give `types` as a mapping
    `{type: [roles]}` too.

    >>> parse_schema('["person", "location"]\\n[]\\n{}').types
    ('person', 'location')
    >>> parse_schema("types: {sue: [plaintiff, place]}").roles
    {'sue': ('plaintiff', 'place')}
    """
    parts = _three_lines(text)
    if parts is None:
        parts = _one_object(text, file)
    types, relations, roles = parts
    if isinstance(types, Mapping) and isinstance(roles, Mapping):
        types, roles = list(types), {**dict(types), **dict(roles)}
    if not isinstance(roles, Mapping):
        raise DataError(f"{file}:3: roles are {shown(roles)}, not an object ({_FORM})")
    return Schema(
        types=_labels(types, file, 1),
        relations=_labels(relations, file, 2),
        roles={kind: _labels(names, file, 3) for kind, names in roles.items()},
    )


def _three_lines(text: str) -> tuple[Any, Any, Any] | None:
    lines = [line for line in text.removeprefix("\ufeff").splitlines() if line.strip()]
    if len(lines) != 3:
        return None
    try:
        types, relations, roles = (json.loads(line) for line in lines)
    except json.JSONDecodeError:
        return None
    return types, relations, roles


def _one_object(text: str, file: str) -> tuple[Any, Any, Any]:
    try:
        data = yaml.safe_load(text)  # JSON is YAML
    except yaml.YAMLError as error:
        raise DataError(f"{file}: not readable as a schema: {' '.join(str(error).split())} ({_FORM})") from None
    if not isinstance(data, Mapping) or not {"types", "relations", "roles"} & set(data):
        raise DataError(f"{file}: no schema in it ({_FORM})")
    roles = data.get("roles") or {}
    relations = data.get("relations") or (roles if isinstance(roles, list) else [])
    return data.get("types") or [], relations, roles if isinstance(roles, Mapping) else {}


def _labels(values: Any, file: str, line: int) -> tuple[str, ...]:
    if not isinstance(values, list):
        raise DataError(f"{file}:{line}: {shown(values)} is not a list of labels ({_FORM})")
    for value in values:
        if not isinstance(value, str) or not value:
            raise DataError(f"{file}:{line}: label {shown(value)} is not a non-empty string (quote or remove it)")
    return tuple(dict.fromkeys(values))
