"""Relation answers: {relation: [{"subject", "object"}]} (RE, SPO) and graphs (KG).

An item is the unit that is counted: `(relation, subject, object)`, for a graph
`(entity type, entity, attribute, value)`.
"""

from collections.abc import Iterator
from typing import Any

from .mentions import Reading, Unit, Units, texts

_ENDS = (("subject", "object"), ("head", "tail"))


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
        for subject, object_ in _ENDS:
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
    """
    return [
        (label, entity, attribute, text)
        for label, entities in answer.items()
        if isinstance(entities, dict)
        for entity, attributes in entities.items()
        if isinstance(attributes, dict)
        for attribute, value in attributes.items()
        for text in texts(value)
        if text and text != "NAN"
    ]


def annotated_graph(label: list[dict[str, Any]]) -> list[Unit]:
    """Turn an annotation `[{"head", "head_type", "relation", "tail"}]` into items."""
    return [(relation["head_type"], relation["head"], relation["relation"], relation["tail"]) for relation in label]


RELATIONS = Reading(read_relations, relations, annotated_relations)
GRAPH = Reading(read_graph, graph, annotated_graph)
