"""Objects of a class, or of a JSON Schema, out of texts: records are events whose trigger does not count.

What a class can say and our tasks can ask: an object of strings (one text may hold several), a list of them, or an
object that holds such lists, single objects and lists of strings. The fields of an object become roles, a list of
strings in the outer object a label. Numbers and other leaves are asked for as they stand in the text, and read
afterwards.
"""

import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from iepile_dataset import DataError

from ..errors import import_extra
from .results import Event, Extraction, Mention

_LEAVES = ("string", "integer", "number")


@dataclass(frozen=True)
class Objects:
    """What a text holds of a class.

    Attributes:
        value: A list of objects, or the one object that holds lists.
        extractions: Task → what the objects were made from, with places and confidences.
        lost: What was found and fits no object, a line each.
    """

    value: Any
    extractions: Mapping[str, Extraction]
    lost: tuple[str, ...] = ()


@dataclass(frozen=True)
class Record:
    """An object of leaves.

    Attributes:
        name: What it is called; the event type.
        roles: Role → the property that it fills.
        lists: Properties that take several mentions.
        leaves: Property → its JSON Schema.
        required: Properties without which there is no object.
    """

    name: str
    roles: Mapping[str, str]
    lists: frozenset[str]
    leaves: Mapping[str, Mapping[str, Any]]
    required: frozenset[str]


@dataclass(frozen=True)
class Plan:
    """What to ask for a class, and how objects are made of the answers.

    Attributes:
        labels: Label → the property of the outer object that it fills.
        records: Property → the record it holds; None for the property of a class that is a record itself.
        single: Properties that hold one record, not a list.
    """

    labels: Mapping[str, str] = field(default_factory=dict)
    records: Mapping[str | None, Record] = field(default_factory=dict)
    single: frozenset[str] = frozenset()

    @property
    def schemas(self) -> dict[str, Any]:
        """Task → schema, for those tasks that are asked."""
        roles = {record.name: list(record.roles) for record in self.records.values()}
        return {task: schema for task, schema in (("ner", list(self.labels)), ("ee", roles)) if schema}


def json_schema_of(kind: Any) -> tuple[Mapping[str, Any], Any]:
    """The JSON Schema of a class, and what makes its objects; a JSON Schema is taken as it is.

    Args:
        kind: A Pydantic model, a dataclass, a TypedDict, a list of one of these, or a JSON Schema.

    Raises:
        TrainerError: No pydantic is here.
        DataError: It is none of these.
    """
    if isinstance(kind, Mapping):
        return kind, None
    import_extra("pydantic", "serve", "objects of a class: ")
    from pydantic import TypeAdapter
    from pydantic.errors import PydanticSchemaGenerationError, PydanticUserError

    try:
        adapter = TypeAdapter(kind)
        schema = adapter.json_schema()
        is_list = schema.get("type") == "array"
        return schema, (lambda one: adapter.validate_python([one])[0]) if is_list else adapter.validate_python
    except (PydanticSchemaGenerationError, PydanticUserError, TypeError) as problem:
        raise DataError(f"{kind!r} is no class of objects ({str(problem).splitlines()[0]})") from None


def plan_of(schema: Mapping[str, Any]) -> Plan:
    """What to ask for the objects of a JSON Schema.

    Raises:
        DataError: What our tasks cannot express, by its name.

    >>> order = {"title": "Order", "type": "object", "properties": {"customer": {"type": "string"}}}
    >>> plan_of(order).schemas
    {'ee': {'Order': ['customer']}}
    >>> plan_of({"type": "object", "properties": {"cities": {"type": "array", "items": {"type": "string"}},
    ...                                           "orders": {"type": "array", "items": order}}}).schemas
    {'ner': ['cities'], 'ee': {'Order': ['customer']}}
    """
    whole = _resolved(schema, schema, "schema")
    name = str(whole.get("title") or "object")
    if whole.get("type") == "array":
        return Plan(records={None: _record(whole.get("items") or {}, schema, f"{name} items")})
    parts = {key: _resolved(part, schema, f"{name}.{key}") for key, part in _properties(whole, name).items()}
    inner = {key: _item(part, schema, f"{name}.{key}") for key, part in parts.items()}
    if not any(part.get("type") == "object" for part in inner.values()):
        return Plan(records={None: _record(whole, schema, name)})
    objects = {key: part for key, part in inner.items() if part.get("type") == "object"}
    records: dict[str | None, Record] = {key: _record(part, schema, f"{name}.{key}") for key, part in objects.items()}
    if len({record.name for record in records.values()}) < len(records):
        raise DataError(f"{name}: two properties hold objects of the same title (give them titles of their own)")
    labels: dict[str, str] = {}
    for key, part in parts.items():
        if key not in records:
            if part.get("type") != "array":
                raise DataError(f"{name}.{key}: a single value beside objects is no task of ours (make it a list)")
            _leaf(inner[key], f"{name}.{key}")
            labels[_words(key)] = key
    return Plan(labels, records, frozenset(key for key in objects if parts[key].get("type") != "array"))


def objects_of(plan: Plan, make: Any, found: Mapping[str, Extraction]) -> Objects:
    """The objects that some extractions state.

    Args:
        plan: What was asked.
        make: Makes an object of plain data, or raises ValueError; None keeps plain data.
        found: Task → extraction.
    """
    lost = [f"{task}: {extraction.error}" for task, extraction in found.items() if extraction.error]
    lost += [str(line) for extraction in found.values() for line in extraction.lost]
    by_name = {record.name: (key, record) for key, record in plan.records.items()}
    filled: dict[str | None, list[Any]] = {key: [] for key in plan.records}
    events: Sequence[Any] = found.get("ee", ())
    mentions: Sequence[Any] = found.get("ner", ())
    for event in events:
        key, record = by_name[event.label]
        plain = _plain(record, event, lost)
        if missing := [name for name in record.required if name not in plain]:
            lost.append(f"{record.name} without {', '.join(missing)}: {json.dumps(plain, ensure_ascii=False)}")
        elif plain not in filled[key]:
            filled[key].append(plain)
    if None in plan.records:
        return Objects(list(_made(filled[None], make, lost)), found, tuple(lost))
    whole: dict[str, Any] = {key: [] for key in plan.labels.values()}
    for mention in mentions:
        values = whole[plan.labels[mention.label]]
        values += [] if mention.text in values else [mention.text]
    for key, records in filled.items():
        further = records[1:] if key in plan.single else []
        lost += [f"{key}: one was wanted, further ones are left out: {one}" for one in further]
        whole[str(key)] = next(iter(records), None) if key in plan.single else records
    made = list(_made([whole], make, lost))
    return Objects(made[0] if made else None, found, tuple(lost))


def _made(plains: Sequence[Any], make: Any, lost: list[str]) -> Iterator[Any]:
    """Objects of plain data; `make` is that of the class, or of a list of it."""
    for plain in plains:
        if make is None:
            yield plain
            continue
        try:
            made = make(plain)
        except ValueError as problem:
            reason = " ".join(str(problem).split()[:30])
            lost.append(f"no object: {json.dumps(plain, ensure_ascii=False)} ({reason})")
            continue
        yield made


def _plain(record: Record, event: Event, lost: list[str]) -> dict[str, Any]:
    plain: dict[str, Any] = {}
    for mention in event.arguments:
        name = record.roles[mention.label]
        try:
            value = _value(mention, record.leaves[name])
        except ValueError as problem:
            lost.append(f"{record.name}.{name}: {mention.text!r} is {problem}")
            continue
        if name in record.lists:
            values = plain.setdefault(name, [])
            values += [] if value in values else [value]
        elif plain.setdefault(name, value) != value:
            lost.append(f"{record.name}.{name}: {mention.text!r} is one more value, where one was wanted")
    return plain


def _value(mention: Mention, leaf: Mapping[str, Any]) -> Any:
    value: Any = mention.text
    if leaf.get("type") in ("integer", "number"):
        read = int if leaf["type"] == "integer" else float
        try:
            value = read(value.replace(",", ""))
        except ValueError:
            raise ValueError(f"no {leaf['type']}") from None
    choices = leaf.get("enum") or ([leaf["const"]] if "const" in leaf else None)
    if choices and value not in choices:
        same = [choice for choice in choices if str(choice).casefold() == str(value).casefold()]
        if not same:
            raise ValueError(f"none of {', '.join(map(str, choices))}")
        return same[0]
    return value


def _record(schema: Mapping[str, Any], root: Mapping[str, Any], place: str) -> Record:
    own = _resolved(schema, root, place)
    name = str(own.get("title") or place.rpartition(".")[2])
    leaves, lists = {}, set()
    for key, part in _properties(own, place).items():
        where = f"{place}.{key}"
        leaf = _resolved(part, root, where)
        if leaf.get("type") == "array":
            lists.add(key)
            leaf = _item(leaf, root, where)
        leaves[key] = _leaf(leaf, where)
    required = frozenset(own.get("required") or ()) & leaves.keys() - lists
    return Record(name, {_words(key): key for key in leaves}, frozenset(lists), leaves, required)


def _properties(schema: Mapping[str, Any], place: str) -> Mapping[str, Any]:
    if schema.get("type") != "object" or not schema.get("properties"):
        raise DataError(f"{place}: {_kind(schema)} is no object with properties")
    properties: Any = schema["properties"]
    if not isinstance(properties, Mapping):
        raise DataError(f"{place}.properties: {properties!r} is no object (wanted name: schema)")
    names: dict[str, str] = {}
    for name in properties:
        if (first := names.setdefault(_words(name), name)) != name:
            raise DataError(f"{place}: {first!r} and {name!r} would be asked by the same words (rename one)")
    return properties


def _item(schema: Mapping[str, Any], root: Mapping[str, Any], place: str) -> Mapping[str, Any]:
    """What an array holds; of anything else itself."""
    return _resolved(schema.get("items") or {}, root, place) if schema.get("type") == "array" else schema


def _leaf(schema: Mapping[str, Any], place: str) -> Mapping[str, Any]:
    if schema.get("type") not in _LEAVES and not schema.get("enum") and "const" not in schema:
        forms = "text, numbers, choices, or lists of them"
        raise DataError(f"{place}: {_kind(schema)} here is nothing that our tasks can ask ({forms})")
    return schema


def _kind(schema: Mapping[str, Any]) -> str:
    kind = schema.get("type") or next(iter({"anyOf", "oneOf", "allOf", "$ref"} & schema.keys()), "anything")
    return f"{kind!r}"


def _resolved(schema: Any, root: Mapping[str, Any], place: str) -> Mapping[str, Any]:
    """A part of a JSON Schema behind its references, without the null of an optional one."""
    seen: set[str] = set()
    while isinstance(schema, Mapping):
        key = next((key for key in ("anyOf", "oneOf", "allOf", "$ref") if key in schema), None)
        own = {name: value for name, value in schema.items() if name != key}
        if key == "$ref":
            reference = str(schema[key])
            target: Any = root
            for step in reference.removeprefix("#").strip("/").split("/"):
                target = target.get(step.replace("~1", "/").replace("~0", "~")) if isinstance(target, Mapping) else None
            if reference in seen or not isinstance(target, Mapping):
                raise DataError(f"{place}: {reference} refers to itself, or to nothing")
            seen.add(reference)
            schema = target
        elif key:
            parts = [part for part in schema[key] if part != {"type": "null"}]
            if len(parts) != 1 or not isinstance(parts[0], Mapping):
                return schema
            schema = {**own, **parts[0]}
        else:
            return _with_one_type(schema)
    raise DataError(f"{place}: {schema!r} is nothing that our tasks can ask (wanted an object of JSON Schema)")


def _with_one_type(schema: Mapping[str, Any]) -> Mapping[str, Any]:
    """`"type": ["string", "null"]` as a string; what has properties is an object, whether or not it says so."""
    kind = schema.get("type", "object" if "properties" in schema else None)
    kinds = [one for one in kind if one != "null"] if isinstance(kind, list) else [kind]
    return {**schema, "type": kinds[0]} if len(kinds) == 1 and kinds[0] else schema


def _words(name: str) -> str:
    """A property as a label: words, not an identifier.

    >>> _words("customer_name")
    'customer name'
    """
    return " ".join(name.replace("_", " ").split()) or name
