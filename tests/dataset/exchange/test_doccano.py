"""doccano JSON lines."""

from .conftest import entities, relations


def test_spans_as_lists(reader):
    lines = (
        '{"id": 1, "text": "Ada Bell left Ulm", "label": [[0, 8, "PER"], [14, 17, "LOC"]], "Comments": []}\n'
        '{"id": 2, "text": "张三走了", "label": []}\n'
    )
    first, second = reader(lines, "all.jsonl")
    assert entities(first) == [("Ada Bell", "PER"), ("Ulm", "LOC")]
    assert entities(second) == []
    assert reader.format("all.jsonl") == "doccano"


def test_entities_and_relations(reader):
    (record,) = reader({
        "id": 1, "text": "张三在北京", "Comments": [],
        "entities": [{"id": 7, "label": "人物", "start_offset": 0, "end_offset": 2},
                     {"id": 9, "label": "地点", "start_offset": 3, "end_offset": 5}],
        "relations": [{"id": 1, "from_id": 7, "to_id": 9, "type": "位于"}],
    }, "all.jsonl")  # fmt: skip
    assert entities(record) == [("张三", "人物"), ("北京", "地点")]
    assert relations(record) == [("张三", "位于", "北京")]
    assert record["relation"][0]["head_type"] == "人物"


def test_nested_and_overlapping_mentions_are_kept(reader):
    (record,) = reader({"text": "New York Times", "label": [[0, 8, "city"], [0, 14, "paper"], [4, 14, "x"]]}, "a.jsonl")
    assert entities(record) == [("New York", "city"), ("New York Times", "paper"), ("York Times", "x")]


def test_empty_mentions_and_places_outside_are_counted(reader):
    (record,) = reader(
        {"text": "In Ulm", "label": [[3, 6, "city"], [2, 3, "city"], [4, 4, "city"], [3, 9, "city"]]}, "a.jsonl"
    )
    assert entities(record) == [("Ulm", "city")]
    assert reader.kinds == ["an empty mention", "an empty mention", "a place outside the text"]


def test_a_broken_line_is_set_aside(reader):
    records = reader('{"text": "In Ulm", "label": [[3, 6, "city"]]}\n{"text": 7, "label": []}\n{"text"\n', "a.jsonl")
    assert len(records) == 1
    assert [(loss.line, loss.is_record) for loss in reader.losses] == [(2, True), (3, True)]


def test_an_end_that_is_not_there_loses_the_relation_and_says_so(reader):
    (record,) = reader({
        "text": "Ada Bo", "entities": [{"id": 1, "label": "PER", "start_offset": 0, "end_offset": 3}],
        "relations": [{"id": 1, "from_id": 1, "to_id": 5, "type": "knows"}],
    }, "a.jsonl")  # fmt: skip
    assert record["relation"] == []
    assert reader.kinds == ["a relation without one of its ends"]
