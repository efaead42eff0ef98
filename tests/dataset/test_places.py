"""Annotations may say where their mentions stand: checked, and without effect on what is asked and answered."""

import json

import pytest
from datasets import load_dataset

import iepile  # noqa: F401  (teaches the name)
from iepile_dataset.cleaning.normalise import normalise_record
from iepile_dataset.validation.validate import validate
from iepile_metric.accumulator import score_rows

TEXT = "Ulm: Ada sued Bo in Ulm, and Bo sued Ada."
RECORDS = {
    "NER": (
        '["city", "person", "river", "date", "court", "law", "firm"]\n[]\n{}\n', "entity",
        [{"entity": "Ulm", "entity_type": "city", "start": 0, "end": 3},
         {"entity": "Ulm", "entity_type": "city", "start": 20, "end": 23},
         {"entity": "Ada", "entity_type": "person", "start": 5, "end": 8}],
    ),
    "RE": (
        '[]\n["sued", "in", "of", "by", "at"]\n{}\n', "relation",
        [{"head": "Ada", "relation": "sued", "tail": "Bo", "head_start": 5, "head_end": 8, "tail_start": 14, "tail_end": 16}],
    ),
    "EE": (
        '["lawsuit", "trip"]\n["plaintiff", "place"]\n{"lawsuit": ["plaintiff", "place"], "trip": ["place"]}\n', "event",
        [{"event_trigger": "sued", "event_type": "lawsuit", "start": 9, "end": 13,
          "arguments": [{"argument": "Ada", "role": "plaintiff", "start": 5, "end": 8}]}],
    ),
}  # fmt: skip


def bare(items):
    return [
        {
            key: bare(value) if key == "arguments" else value
            for key, value in item.items()
            if not key.endswith(("start", "end"))
        }
        for item in items
    ]


def rows(folder, task):
    with_places = load_dataset("iepile", task, data_dir=str(folder), cache_dir=str(folder / "cache"))
    return {split: list(rows) for split, rows in with_places.items()}


@pytest.mark.parametrize("task", RECORDS)
def test_questions_and_answers_are_the_same_with_places_and_without(task, source, tmp_path):
    schema, key, items = RECORDS[task]
    splits = {split: [{"text": TEXT, key: items}] * 3 for split in ("train", "dev")}
    without = {split: [{"text": TEXT, key: bare(items)}] * 3 for split in ("train", "dev")}
    first = rows(source(tmp_path / "a" / "s", schema, **splits), task.lower())
    second = rows(source(tmp_path / "b" / "s", schema, **without), task.lower())
    for split in first:
        for one, other in zip(first[split], second[split], strict=True):
            assert {**one, "label": ""} == {**other, "label": ""}
            assert json.loads(one["label"]) == items
            assert bare(json.loads(one["label"])) == json.loads(other["label"])


@pytest.mark.parametrize("task", RECORDS)
def test_gold_answers_score_one_with_places(task, source, tmp_path):
    schema, key, items = RECORDS[task]
    made = rows(source(tmp_path / "s", schema, dev=[{"text": TEXT, key: items}]), task.lower())["validation"]
    scores = score_rows(made, task.lower())
    assert scores["f1"] == 1.0


@pytest.mark.parametrize("task", RECORDS)
def test_right_places_are_no_finding_and_wrong_ones_are(task, source, tmp_path):
    schema, key, items = RECORDS[task]
    folder = source(tmp_path / "IE-en" / task / "s", schema, train=[{"text": TEXT, key: items}])
    (folder / "meta.json").write_text('{"licence": "CC0"}')
    assert not validate([str(tmp_path)]).groups
    start = next(name for name in items[0] if name.endswith("start"))
    record = {"text": TEXT, key: [{**items[0], start: items[0][start] + 1}]}
    source(folder, schema, train=[record])
    (group,) = validate([str(tmp_path)]).sorted_groups()
    (found,) = group.places
    assert " does not stand at " in found.reason
    assert found.line == 1


def test_the_place_of_an_argument_is_checked_too(source, tmp_path):
    schema, key, items = RECORDS["EE"]
    wrong = {**items[0], "arguments": [{**items[0]["arguments"][0], "end": 9}]}
    source(tmp_path / "s", schema, train=[{"text": TEXT, key: [wrong]}])
    reasons = [place.reason for group in validate([str(tmp_path)]).groups.values() for place in group.places]
    assert '"Ada" does not stand at 5:9, the text has "Ada" there' in reasons


def test_cleaning_drops_places_where_it_changes_the_text():
    record = {"text": "In  Ulm", "entity": [{"entity": "Ulm", "entity_type": "city", "start": 4, "end": 7}]}
    assert normalise_record(record, "entity") == {
        "text": "In Ulm",
        "entity": [{"entity": "Ulm", "entity_type": "city"}],
    }
