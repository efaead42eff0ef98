"""What a source can be asked for: its `schema.json`."""

import json
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from functools import cached_property
from json.encoder import encode_basestring as quote
from typing import Any

from .bounded import parse_json, parse_yaml
from .errors import DataError, shown

__all__ = ["SCHEMA_FILES", "alphabetical", "three_lines"]

SCHEMA_FILES = ("schema.json", "schema.yaml", "schema.yml")

_MOST = 100_000  # labels
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
        roles: Event type to its argument roles (events), entity type to its attributes (KG).
        triples: Typed relations (SPO), `{name: (head type, relation, tail type)}`; the name is the three joined
            by `_`, as in the original.
        descriptions: Label to what it means, where the source says; outside IEPile's own format.
    """

    types: tuple[str, ...] = ()
    relations: tuple[str, ...] = ()
    roles: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    triples: Mapping[str, tuple[str, str, str]] = field(default_factory=dict)
    descriptions: Mapping[str, str] = field(default_factory=dict)

    @cached_property
    def slots(self) -> dict[str, dict[str, tuple[int, str]]]:
        """Event type → role → (its place, `"role": ` as JSON); escaped once for all records."""
        return {
            kind: {role: (place, f"{quote(role)}: ") for place, role in enumerate(roles)}
            for kind, roles in self.roles.items()
        }

    @cached_property
    def role_lists(self) -> dict[str, str]:
        """Event type → its roles as a JSON list."""
        return {kind: "[" + ", ".join(map(quote, roles)) + "]" for kind, roles in self.roles.items()}

    @cached_property
    def absent(self) -> dict[str, list[str]]:
        """Event type → `"role": "NAN"` for each of its roles."""
        return {kind: [f'{name}"NAN"' for _, name in slots.values()] for kind, slots in self.slots.items()}

    @cached_property
    def no_arguments(self) -> dict[str, str]:
        """Event type → the arguments of an event that has none."""
        return {kind: "{" + ", ".join(parts) + "}" for kind, parts in self.absent.items()}


def parse_schema(text: str, file: str = "schema.json") -> Schema:
    r"""Read a schema in IEPile's three-line form or in the one-object form.

    Args:
        text: Content of the file.
        file: Its name, for messages.

    Returns:
        The schema; repeated labels are kept once.

    Raises:
        DataError: The text has neither form, or a label is not a non-empty string.

    The three lines are the original corpus's format. In the object form `types` may be a mapping `{type: [roles]}`,
    and any list of labels a mapping `{label: {"description": …, "aliases": […], "examples": […]}}`. Typed relations
    are `{relation: [[head type, tail type]]}`, as the third line or as `triples`; a first line on which all are
    `"head type_relation_tail type"`, as in the original's SPO and KG folders, states them too.

    >>> parse_schema('["person", "location"]\n[]\n{}').types
    ('person', 'location')
    >>> parse_schema("types: {sue: [plaintiff, place]}").roles
    {'sue': ('plaintiff', 'place')}
    >>> parse_schema('[]\n["in"]\n{"in": [["city", "country"]]}').triples
    {'city_in_country': ('city', 'in', 'country')}
    >>> parse_schema('["city_in_country"]\n["in"]\n{}').triples
    {'city_in_country': ('city', 'in', 'country')}
    >>> parse_schema("types: {city: {description: a town, examples: [Ulm]}}").descriptions
    {'city': 'a town. Examples: Ulm'}
    """
    types, relations, third, triples = _parts(text, file)
    _refuse_half([types, relations, third, triples], file)
    described: dict[str, str] = {}
    if (count := sum(len(part) for part in (types, relations, third) if isinstance(part, list | Mapping))) > _MOST:
        raise DataError(f"{file}: {count:,} labels, more than {_MOST:,} (leave out those that are never annotated)")
    if isinstance(types, Mapping) and all(isinstance(value, list) for value in types.values()) and types:
        third = {**types, **third} if isinstance(third, Mapping) else third or types
        types = list(types)
    if not isinstance(third, Mapping):
        raise DataError(f"{file}:3: roles are {shown(third)}, not an object ({_FORM})")
    typed = {name: pairs for name, pairs in third.items() if _pairs(pairs)}
    schema = Schema(
        types=_labels(types, file, 1, described),
        relations=_labels(relations, file, 2, described),
        roles={kind: _labels(names, file, 3, described) for kind, names in third.items() if kind not in typed},
        triples=_triples({**typed, **triples}, file),
        descriptions=described,
    )
    return schema if schema.triples or schema.roles else replace(schema, triples=_joined(schema))


def _joined(schema: Schema) -> dict[str, tuple[str, str, str]]:
    """Typed relations, where each type is one, joined by `_`; the relations, where there are any, say what is cut out.

    >>> _joined(Schema(types=("city_part_of_state",), relations=("part_of",)))
    {'city_part_of_state': ('city', 'part_of', 'state')}
    """
    triples = {}
    for name in schema.types:
        known = [relation for relation in schema.relations if f"_{relation}_" in name[1:-1]]
        relation = max(known, key=len, default="" if schema.relations else "_".join(name.split("_")[1:-1]))
        head, mark, tail = name.partition(f"_{relation}_")
        if not (relation and head and mark and tail):
            return {}
        triples[name] = (head, relation, tail)
    return triples


def alphabetical(schema: Schema) -> Schema:
    """A schema whose labels stand in the order of their letters, the roles of a type as they stood.

    >>> alphabetical(Schema(types=("b", "a"), roles={"b": ("y", "x")})).types
    ('a', 'b')
    """
    return replace(
        schema, types=tuple(sorted(schema.types)), relations=tuple(sorted(schema.relations)),
        roles=dict(sorted(schema.roles.items())), triples=dict(sorted(schema.triples.items())),
    )  # fmt: skip


def three_lines(text: str) -> list[Any] | None:
    r"""The values of a file with three lines of JSON, None for another file.

    >>> three_lines('["a\u2028b"]\r\n[]\r\n{}')
    [['a\u2028b'], [], {}]
    """
    # Only "\n": JSON strings may hold what else `str.splitlines` takes for the end of a line.
    lines = [line for line in text.removeprefix("\ufeff").split("\n") if line.strip()]
    try:
        return [parse_json(line, "") for line in lines] if len(lines) == 3 else None
    except DataError:
        return None


def one_value(text: str, file: str = "schema.json") -> Any:
    """A file's value: JSON where it is JSON, since YAML reads its escapes and tabs otherwise, or else YAML.

    Raises:
        DataError: It is neither, or larger or deeper than any that people write.
    """
    text = text.removeprefix("\ufeff")
    try:
        json.loads(text)
    except RecursionError:
        pass
    except ValueError:
        return parse_yaml(text, file, _FORM)
    return parse_json(text, file, _FORM)


def _parts(text: str, file: str) -> tuple[Any, Any, Any, Any]:
    """Types, relations, roles and triples as the file has them."""
    if lines := three_lines(text):
        types, relations, roles = lines
        return types, relations, roles, {}
    data = one_value(text, file)
    if not isinstance(data, Mapping) or not {"types", "relations", "roles", "triples"} & set(data):
        raise DataError(f"{file}: no schema in it ({_FORM})")
    roles, triples = data.get("roles") or {}, data.get("triples") or {}
    if not isinstance(triples, Mapping):
        raise DataError(f"{file}: triples are {shown(triples)} (write {{relation: [[head type, tail type]]}})")
    relations = data.get("relations") or (roles if isinstance(roles, list) else list(triples))
    return data.get("types") or [], relations, roles if isinstance(roles, Mapping) else {}, triples


def _pairs(values: Any) -> bool:
    return isinstance(values, list) and bool(values) and all(isinstance(value, list) for value in values)


def _triples(typed: Mapping[str, Any], file: str) -> dict[str, tuple[str, str, str]]:
    triples = {}
    for relation, pairs in typed.items():
        for pair in pairs if _pairs(pairs) else [pairs]:
            if not (isinstance(pair, list) and len(pair) == 2 and all(isinstance(kind, str) and kind for kind in pair)):
                raise DataError(f"{file}:3: {shown(pair)} is not a pair of types (write [[head type, tail type]])")
            triples[f"{pair[0]}_{relation}_{pair[1]}"] = (pair[0], relation, pair[1])
    return triples


def _labels(values: Any, file: str, line: int, described: dict[str, str]) -> tuple[str, ...]:
    if isinstance(values, Mapping):
        for label, about in values.items():
            if words := _description(about, f"{file}:{line}: {' '.join(str(label).split())}"):
                described[label] = words
        values = list(values)
    if not isinstance(values, list):
        raise DataError(f"{file}:{line}: {shown(values)} is not a list of labels ({_FORM})")
    for value in values:
        if isinstance(value, str) and "\0" in value:
            raise DataError(f"{file}:{line}: label {shown(value)} holds a NUL, which no text does (remove it)")
        if not isinstance(value, str) or not value:
            raise DataError(f"{file}:{line}: label {shown(value)} is not a non-empty string (quote or remove it)")
    return tuple(dict.fromkeys(values))


def _refuse_half(value: Any, file: str) -> None:
    """A DataError for half of a surrogate pair, which no file can hold."""
    try:
        json.dumps(value, ensure_ascii=False, default=str).encode()
    except UnicodeEncodeError as error:
        near = error.object[max(0, error.start - 20) : error.end + 20]
        raise DataError(f"{file}: {near!a} is not Unicode text (mend the escape)") from None


def _description(about: Any, place: str) -> str:
    """Description, aliases and examples of a label as one line."""
    if about is None or isinstance(about, str):
        return about or ""
    if not isinstance(about, Mapping) or not set(about) <= {"description", "aliases", "examples"}:
        raise DataError(f"{place}: {shown(about)} (give description, aliases or examples)")
    words = about.get("description")
    if words is not None and not isinstance(words, str):
        raise DataError(f"{place}: the description is {shown(words)} (a text; quote it)")
    parts = [(words or "").rstrip(".")]
    for name in ("aliases", "examples"):
        values = about.get(name)
        values = [] if values is None else [values] if isinstance(values, str) else values
        if not isinstance(values, list) or not all(isinstance(value, str) for value in values):
            raise DataError(f"{place}: {name} are {shown(values)} (a list of texts; quote each)")
        if values:
            parts.append(f"{name.capitalize()}: {', '.join(values)}")
    return ". ".join(part for part in parts if part)
