"""Relation answers: {relation: [{"subject", "object"}]} (RE, SPO) and graphs (KG).

An item is the unit that is counted: `(relation, subject, object)`, for a graph
`(entity type, entity, attribute, value)`.
"""

from collections.abc import Iterator
from typing import Any

from .mentions import Reading, Unit, Units, texts

ENDS = (
    *(("subject", "object"), ("head", "tail"), ("subj", "obj"), ("head_entity", "tail_entity")),
    *(("subject_entity", "object_entity"), ("source", "target"), ("主体", "客体"), ("头实体", "尾实体")),
)
"""Fields that hold the two ends of a relation."""
_RELATION_KEYS = (
    *("relation", "predicate", "relation_type", "relationship", "rel", "property", "type", "label"),
    *("关系", "谓词", "关系类型"),
)
_NAMED = frozenset({"relation", "predicate"})
_HEAD_KEYS = ("head_type", "entity_type", "subject_type", "type", "label")


def read_relations(answer: dict[str, Any]) -> tuple[Units, int]:
    """Read a well-formed RE or SPO answer quickly; see `mentions.read_entities`.

    >>> read_relations({"born in": [{"subject": "Ada", "object": "London"}]})
    (([('born in', 'Ada', 'London')],), 3)
    """
    units: list[Unit] = []
    keys = len(answer)
    for label, pairs in answer.items():
        if pairs.__class__ is not list:
            raise TypeError(label)
        for pair in pairs:
            subject = pair["subject"]
            object_ = pair["object"]
            if subject.__class__ is not str or object_.__class__ is not str:
                raise TypeError(label)
            if len(pair) != 2 and not _NAMED.isdisjoint(pair):
                raise TypeError(label)
            units.append((label, subject, object_))
            keys += len(pair)
    return (units,), keys


def relations(answer: dict[str, Any]) -> list[Unit]:
    """Read an RE or SPO answer of any shape, leaving out what has no plain meaning.

    >>> relations({"born in": {"head": "Ada", "tail": ["London", None]}, "knows": [["Ada", "Bob"], 3]})
    [('born in', 'Ada', 'London'), ('knows', 'Ada', 'Bob')]
    """
    return [
        (label, subject, object_)
        for label, value in answer.items()
        for subject, object_ in _pairs(value)
        if subject is not None and object_ is not None
    ]


def _pairs(value: Any) -> Iterator[tuple[str | None, str | None]]:
    if isinstance(value, dict):
        for subject, object_ in ENDS:
            if subject in value and object_ in value:
                for left in texts(value[subject]):
                    for right in texts(value[object_]):
                        yield left, right
                return
    elif isinstance(value, list):
        if len(value) == 2 and all(isinstance(part, str) for part in value):
            yield value[0], value[1]
        else:
            for part in value:
                if isinstance(part, dict | list):
                    yield from _pairs(part)


def annotated_relations(label: list[dict[str, Any]]) -> list[Unit]:
    """Turn an annotation `[{"head", "relation", "tail"}]` into items."""
    return [(relation["relation"], relation["head"], relation["tail"]) for relation in label]


def read_graph(answer: dict[str, Any]) -> tuple[Units, int]:
    """Read a well-formed KG answer quickly; see `mentions.read_entities`.

    >>> read_graph({"person": {"Ada": {"born in": "London", "field": ["maths", "computing"]}}})[0][0]
    [('person', 'Ada', 'born in', 'London'), ('person', 'Ada', 'field', 'maths'),
     ('person', 'Ada', 'field', 'computing')]
    """
    units: list[Unit] = []
    keys = len(answer)
    for label, entities in answer.items():
        keys += len(entities)
        for entity, attributes in entities.items():
            keys += len(attributes)
            for attribute, value in attributes.items():
                for text in value if value.__class__ is list else (value,):
                    if text.__class__ is not str or text == "NAN" or not text:
                        raise TypeError(label)
                    units.append((label, entity, attribute, text))
    return (units,), keys


def graph(answer: dict[str, Any]) -> list[Unit]:
    """Read a KG answer of any shape, leaving out what has no plain meaning.

    >>> graph({"person": {"Ada": {"born": 1815, "died": None}, "Bob": "unknown"}})
    [('person', 'Ada', 'born', '1815')]
    >>> graph({"person": [{"head": "Ada", "relation": "born", "tail": "1815"}]})
    [('person', 'Ada', 'born', '1815')]
    """
    return [
        (label, entity, attribute, text)
        for label, entities in answer.items()
        for entity, attributes in _entities(entities)
        if isinstance(attributes, dict)
        for attribute, value in attributes.items()
        for text in texts(value)
        if text and text != "NAN"
    ]


def _entities(value: Any) -> Iterator[tuple[str, Any]]:
    """Yield (entity, its attributes) of an object of entities, or of a list of objects for an entity or a triple."""
    if isinstance(value, dict):
        yield from value.items()
    for part in value if isinstance(value, list) else ():
        if not isinstance(part, dict):
            continue
        relation = next((part[key] for key in _RELATION_KEYS if isinstance(part.get(key), str)), None)
        pairs = list(_pairs(part)) if relation is not None else []
        name = next(
            (part[key] for key in ("entity", "name", "head", "subject") if isinstance(part.get(key), str)), None
        )
        if pairs:
            yield from ((head, {relation: tail}) for head, tail in pairs if head is not None)
        elif name is not None and isinstance(part.get("attributes"), dict):
            yield name, part["attributes"]
        elif name is None:
            yield from part.items()


def annotated_graph(label: list[dict[str, Any]]) -> list[Unit]:
    """Turn an annotation `[{"head", "head_type", "relation", "tail"}]` into items."""
    return [(relation["head_type"], relation["head"], relation["relation"], relation["tail"]) for relation in label]


RELATIONS = Reading(read_relations, relations, annotated_relations, label_keys=_RELATION_KEYS)
GRAPH = Reading(read_graph, graph, annotated_graph, label_keys=_HEAD_KEYS)
