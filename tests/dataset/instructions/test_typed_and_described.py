"""Typed relations (SPO), graphs (KG) and label descriptions."""

import json

import pytest
from datasets import load_dataset

import iepile  # noqa: F401
from iepile_dataset import DataError, Options, Schema, parse_schema
from iepile_dataset.instructions.instructor import Instructor
from iepile_dataset.tasks import TASKS

SCHEMA = '["city", "person"]\n["in", "born in"]\n{"in": [["city", "state"], ["person", "city"]], "born in": [["person", "city"]]}'
RECORD = {
    "text": "Ada was born in Ulm and lives in Ulm in Bavaria.",
    "relation": [
        {"head": "Ada", "head_type": "person", "relation": "in", "tail": "Ulm", "tail_type": "city"},
        {"head": "Ulm", "head_type": "city", "relation": "in", "tail": "Bavaria", "tail_type": "state"},
        {"head": "Ada", "head_type": "person", "relation": "born in", "tail": "Ulm", "tail_type": "city"},
    ],
}


@pytest.fixture
def typed(source, tmp_path):
    source(tmp_path / "IE-en/RE/places", SCHEMA, train=[RECORD], test=[RECORD])
    return lambda task, split="test": list(
        load_dataset("iepile", task, split=split, data_dir=str(tmp_path), streaming=True)
    )


def test_typed_relations_that_share_a_predicate_do_not_collide(typed):
    rows = typed("spo")
    found = {}
    for row in rows:
        entries, answer = json.loads(row["instruction"])["schema"], json.loads(row["output"])
        assert [entry["predicate"] for entry in entries] == list(answer)  # each asked entry has its own key
        for entry in entries:
            found[entry["subject_type"], entry["predicate"], entry["object_type"]] = answer[entry["predicate"]]
    assert found == {
        ("city", "in", "state"): [{"subject": "Ulm", "object": "Bavaria"}],
        ("person", "in", "city"): [{"subject": "Ada", "object": "Ulm"}],
        ("person", "born in", "city"): [{"subject": "Ada", "object": "Ulm"}],
    }
    assert len(rows) == 2


def test_a_graph_gathers_the_attributes_of_an_entity(typed):
    rows = typed("kg")
    assert [json.loads(row["instruction"])["schema"] for row in rows] == [
        [{"entity_type": "city", "attributes": ["in"]}],
        [{"entity_type": "person", "attributes": ["in", "born in"]}],
    ]
    assert [row["output"] for row in rows] == [
        '{"city": {"Ulm": {"in": "Bavaria"}}}',
        '{"person": {"Ada": {"in": "Ulm", "born in": "Ulm"}}}',
    ]


@pytest.mark.parametrize("task", ["spo", "kg"])
@pytest.mark.parametrize("split", ["train", "test"])
def test_gold_answers_score_one(typed, task, split):
    from iepile_metric import score

    result = score(typed(task, split), task)
    assert result["f1"] == 1.0
    assert result["unparseable"] == 0


def test_plain_relations_still_serve_re(typed):
    assert json.loads(typed("re")[0]["instruction"])["schema"] == ["in", "born in"]


def test_a_source_without_types_does_not_serve_spo(source, tmp_path):
    source(tmp_path / "IE-en/RE/x", '[]\n["in"]\n{}', test=[{"text": "a", "relation": []}])
    with pytest.raises(DataError, match="no SPO source"):
        load_dataset("iepile", "spo", data_dir=str(tmp_path))


DESCRIBED = """
types:
  city: {description: A town of any size., aliases: [town], examples: [Ulm, Bonn]}
  person:
"""


def test_descriptions_enter_the_instruction_only_when_asked():
    schema = parse_schema(DESCRIBED)
    assert schema.types == ("city", "person")

    def asked(described):
        return Instructor(TASKS["ner"], schema, "en", False, Options(descriptions=described)).ask("x", None).asked

    assert asked(False) == ['["city", "person"]']
    assert json.loads(asked(True)[0]) == {
        "city": "A town of any size. Aliases: town. Examples: Ulm, Bonn",
        "person": "",
    }


def test_a_described_event_keeps_its_roles():
    schema = Schema(types=("sue",), roles={"sue": ("place",)}, descriptions={"sue": "goes to court"})
    (asked,) = Instructor(TASKS["ee"], schema, "en", False, Options(descriptions=True)).ask("x", None).asked
    assert json.loads(asked) == {
        "sue": {"sue": "goes to court", "event_type": "sue", "trigger": True, "arguments": ["place"]}
    }
