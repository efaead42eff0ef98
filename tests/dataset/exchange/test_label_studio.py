"""Label Studio JSON."""

import pytest

from iepile_dataset.errors import DataError
from iepile_dataset.exchange.importing import import_source

from .conftest import entities, events, relations


def label(number, start, end, text, kind, name="label"):
    value = {"start": start, "end": end, "text": text, "labels": [kind]}
    return {"id": number, "from_name": name, "to_name": "text", "type": "labels", "value": value, "origin": "manual"}


def relation(head, tail, *labels):
    return {"from_id": head, "to_id": tail, "type": "relation", "direction": "right", "labels": list(labels)}


def task(text, *results, **more):
    annotation = {"id": 3, "completed_by": 1, "result": list(results), "was_cancelled": False, "lead_time": 4.2}
    return {"id": 1, "annotations": [annotation], "predictions": [], "data": {"text": text}, "project": 1, **more}


def test_spans_and_relations(reader):
    export = [
        task("Ada Bell left Ulm", label("a", 0, 8, "Ada Bell", "PER"), label("b", 14, 17, "Ulm", "LOC"), relation("a", "b", "left")),
        task("张三走了", label("a", 0, 2, "张三", "人物")),
    ]  # fmt: skip
    first, second = reader(export, "project-1.json")
    assert entities(first) == [("Ada Bell", "PER"), ("Ulm", "LOC")]
    assert relations(first) == [("Ada Bell", "left", "Ulm")]
    assert entities(second) == [("张三", "人物")]
    assert reader.format("project-1.json") == "label-studio"
    assert not reader.losses


def test_labels_named_event_are_triggers_and_their_relations_arguments(reader):
    (record,) = reader([task(
        "Ada sued Bo", label("t", 4, 8, "sued", "lawsuit", "event"), label("a", 0, 3, "Ada", "PER"), relation("t", "a", "plaintiff"),
    )])  # fmt: skip
    assert events(record) == [("lawsuit", "sued", {("plaintiff", "Ada")})]
    assert entities(record) == [("Ada", "PER")]


def test_places_in_utf_16_units_are_recognised_by_the_mentions(reader):
    text = "😀 Ulm 😀 Bonn"
    (record,) = reader([task(text, label("a", 3, 6, "Ulm", "LOC"), label("b", 10, 14, "Bonn", "LOC"))])
    assert entities(record) == [("Ulm", "LOC"), ("Bonn", "LOC")]
    assert reader.kinds == ["places in UTF-16 units, converted"]


def test_a_wrong_place_is_corrected_and_a_wrong_mention_left_out(reader):
    (record,) = reader([task("In Ulm", label("a", 1, 4, "Ulm", "LOC"), label("b", 0, 4, "Bonn", "LOC"))])
    assert entities(record) == [("Ulm", "LOC")]
    assert sorted(reader.kinds) == ["a mention does not occur in the text", "a wrong place, corrected"]


def test_json_min(reader):
    (record,) = reader(
        [
            {
                "id": 1,
                "text": "In Ulm",
                "label": [{"start": 3, "end": 6, "text": "Ulm", "labels": ["LOC"]}],
                "annotator": 1,
            }
        ]
    )
    assert entities(record) == [("Ulm", "LOC")]


def test_a_prediction_stands_in_where_nobody_annotated(reader):
    result = {**label("a", 3, 6, "Ulm", "LOC"), "score": 0.5}
    (record,) = reader(
        [{"id": 1, "data": {"text": "In Ulm"}, "annotations": [], "predictions": [{"result": [result]}]}]
    )
    assert entities(record) == [("Ulm", "LOC")]


def test_cancelled_and_second_annotations_are_not_read(reader):
    first, second = (task("In Ulm", label("a", 3, 6, "Ulm", kind))["annotations"][0] for kind in ("LOC", "ORG"))
    both = {"id": 1, "data": {"text": "In Ulm"}, "annotations": [{**second, "was_cancelled": True}, first, second]}
    (record,) = reader([both])
    assert entities(record) == [("Ulm", "LOC")]
    assert reader.kinds == ["another annotation of the same text"]


def test_an_export_without_labels_says_so(reader, tmp_path):
    export = [{"id": number, "data": {"text": "In Ulm"}, "annotations": []} for number in range(3)]
    assert reader(export) == [{"text": "In Ulm"}] * 3
    with pytest.raises(DataError, match="3 of 3 records are not annotated at all"):
        import_source(tmp_path / "data.json", tmp_path / "out")
