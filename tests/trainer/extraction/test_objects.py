"""Objects of classes and JSON Schemas: what is asked, what is made of answers, what cannot be expressed."""

import json
from dataclasses import dataclass
from enum import Enum
from typing import Literal

import pytest
from pydantic import BaseModel

from iepile_dataset import DataError
from iepile_trainer import Extractor
from iepile_trainer.engines import Answer

TEXT = "Ada Bell of Ulm ordered 12 lamps and a red chair for 1,250 on Monday; Bo ordered nothing."


class Said:
    """An engine that gives prepared answers, task by task, and keeps what it was asked."""

    room, count = None, len

    def __init__(self, **answers):
        self.answers, self.asked = answers, []

    def answer(self, rows):
        for row in rows:
            schema = json.loads(row["instruction"])["schema"]
            self.asked.append((row["task"], schema))
            yield Answer(json.dumps(self.answers[row["task"].lower()], ensure_ascii=False))


def event(**arguments):
    return {"trigger": "ordered", "arguments": {name.replace("_", " "): value for name, value in arguments.items()}}


class Colour(Enum):
    red = "red"
    blue = "blue"


class Order(BaseModel):
    customer: str
    items: list[str] = []
    total_price: float | None = None
    colour: Colour | None = None


class Report(BaseModel):
    orders: list[Order]
    people: list[str]
    first: Order | None = None


@dataclass
class Visit:
    who: str
    day: Literal["Monday", "Tuesday"]


def test_a_class_is_asked_as_an_event_and_its_objects_come_back():
    engine = Said(ee={"Order": [
        event(customer="Ada Bell", items=["lamps", "chair"], total_price="1,250", colour="Red"),
        event(customer="NAN", items="nothing"),
    ]})  # fmt: skip
    found = Extractor(engine).objects(TEXT, Order)
    assert engine.asked == [
        ("EE", [{"event_type": "Order", "trigger": True, "arguments": ["customer", "items", "total price", "colour"]}])
    ]
    assert found.value == [Order(customer="Ada Bell", items=["lamps", "chair"], total_price=1250, colour=Colour.red)]
    assert found.lost == ('Order without customer: {"items": ["nothing"]}',)
    assert found.extractions["ee"][0].arguments[0].start == 0


def test_a_class_of_lists_is_asked_as_several_tasks_in_one_call():
    engine = Said(ner={"people": ["Ada Bell", "Bo"]}, ee={"Order": [event(customer="Ada Bell"), event(customer="Bo")]})

    class Both(BaseModel):
        orders: list[Order]
        people: list[str]

    found = Extractor(engine).objects(TEXT, Both)
    assert [task for task, _ in engine.asked] == ["NER", "EE"]
    assert found.value == Both(orders=[Order(customer="Ada Bell"), Order(customer="Bo")], people=["Ada Bell", "Bo"])


def test_dataclasses_lists_of_a_class_and_json_schemas_are_taken_alike():
    answers = {"ee": {"Visit": [event(who="Ada Bell", day="Monday"), event(who="Bo", day="Ulm")]}}
    for kind in (Visit, list[Visit]):
        found = Extractor(Said(**answers)).objects(TEXT, kind)
        assert found.value == [Visit("Ada Bell", "Monday")]
        assert found.lost == (
            "Visit.day: 'Ulm' is none of Monday, Tuesday", 'Visit without day: {"who": "Bo"}'
        )  # fmt: skip
    text = {"type": "string"}
    schema = {"title": "Visit", "type": "object", "properties": {"who": text, "day": text}}
    assert Extractor(Said(**answers)).objects(TEXT, schema).value == [
        {"who": "Ada Bell", "day": "Monday"}, {"who": "Bo", "day": "Ulm"}
    ]  # fmt: skip


@pytest.mark.parametrize(
    "who",
    [
        {"type": ["string", "null"]},
        {"allOf": [{"$ref": "#/$defs/a~1b"}]},
        {"oneOf": [{"$ref": "#/$defs/a~1b"}, {"type": "null"}], "description": "a name"},
    ],
)
def test_a_string_is_one_however_a_json_schema_says_so(who):
    schema = {
        "title": "Visit",
        "properties": {"who": who},
        "required": ["who", "day"],
        "$defs": {"a/b": {"type": "string"}},
    }
    found = Extractor(Said(ee={"Visit": [event(who="Ada Bell")]})).objects(TEXT, schema)
    assert (found.value, found.lost) == ([{"who": "Ada Bell"}], ())


def test_why_nothing_could_be_asked_is_among_what_is_lost():
    assert Extractor(Said()).objects(" ", Visit).lost == ("ee: the text is empty",)


def test_what_the_class_refuses_is_lost_with_its_reason():
    class Old(BaseModel):
        who: str
        number: int

    found = Extractor(Said(ee={"Old": [event(who="Ada Bell", number="12"), event(who="Bo", number="lamps")]}))
    result = found.objects(TEXT, Old)
    assert result.value == [Old(who="Ada Bell", number=12)]
    assert result.lost[0] == "Old.number: 'lamps' is no integer"


class Tree(BaseModel):
    name: str
    children: list["Tree"]


class Deep(BaseModel):
    order: Order
    inner: dict[str, int]


@pytest.mark.parametrize(
    ("kind", "words"),
    [
        (Tree, r"Tree.children.children: 'object' here is nothing that our tasks can ask"),
        (Deep, r"Deep.inner"),
        (Report, "two properties hold objects of the same title"),
        (int, "'integer' is no object with properties"),
        ({"type": "object", "properties": {"a": {"$ref": "#/$defs/A"}}, "$defs": {"A": {"$ref": "#/$defs/A"}}}, "refers to itself"),
        ({"type": "object", "properties": {"is_red": {"type": "boolean"}}}, r"object.is_red: 'boolean' here is nothing"),
        ({"type": "object"}, "is no object with properties"),
        ({"type": "object", "properties": ["who"]}, r"object.properties: \['who'\] is no object"),
        ({"type": "object", "properties": {"who": True}}, r"object.who: True is nothing that our tasks can ask"),
        ({"type": "object", "properties": {"who": {"type": "array", "items": [{}]}}}, r"object.who: \[\{\}\] is nothing"),
        ({"type": "object", "properties": {"who": {"anyOf": [True, {"type": "null"}]}}}, "object.who: 'anyOf'"),
        ({"type": "object", "properties": {"a_b": {"type": "string"}, "a b": {"type": "string"}}}, "by the same words"),
        (object(), "is no class of objects"),
    ],
)  # fmt: skip
def test_what_our_tasks_cannot_express_is_refused_by_its_name(kind, words):
    with pytest.raises(DataError, match=words):
        Extractor(Said()).objects(TEXT, kind)


def test_several_tasks_are_answered_in_one_call():
    engine = Said(ner={"person": ["Ada Bell"]}, re={"of": [{"subject": "Ada Bell", "object": "Ulm"}]})
    found = Extractor(engine).several(TEXT, {"ner": ["person"], "RE": ["of"]})
    assert [(task, extraction[0].label) for task, extraction in found.items()] == [("ner", "person"), ("RE", "of")]
    with pytest.raises(DataError, match="nre"):
        Extractor(engine).several(TEXT, {"nre": ["person"]})
    with pytest.raises(DataError, match="is no object of tasks"):
        Extractor(Said()).several(TEXT, ["ner"])
