"""Universal-IE."""

from .conftest import entities, events, relations


def test_all_three_annotations(reader):
    ada, ulm = (
        {"type": kind, "offset": [place], "text": text} for kind, place, text in (("PER", 0, "Ada"), ("LOC", 3, "Ulm"))
    )
    (record,) = reader({
        "text": "Ada moved to Ulm", "tokens": ["Ada", "moved", "to", "Ulm"], "record": "<extra_id_0> …", "spot": [], "asoc": [],
        "entity": [ada, ulm], "relation": [{"type": "in", "args": [ada, ulm]}],
        "event": [{"type": "move", "offset": [1], "text": "moved", "args": [{**ulm, "type": "goal"}]}],
    }, "train.json")  # fmt: skip
    assert entities(record) == [("Ada", "PER"), ("Ulm", "LOC")]
    assert relations(record) == [("Ada", "in", "Ulm")]
    assert record["relation"][0]["tail_type"] == "LOC"
    assert events(record) == [("move", "moved", {("goal", "Ulm")})]
    assert reader.format("train.json") == "universal-ie"
    assert not reader.losses


def test_tokens_with_gaps_are_parts_and_chinese_has_no_spaces(reader):
    value = {
        "text": "北和南京", "tokens": list("北和南京"), "relation": [], "event": [],
        "entity": [{"type": "地点", "offset": [0, 3], "text": "北 京"}, {"type": "地点", "offset": [2, 3], "text": "南京"}],
    }  # fmt: skip
    (record,) = reader(value)
    assert entities(record) == [("北", "地点"), ("京", "地点"), ("南京", "地点")]
    assert reader.kinds == ["a mention with gaps, kept in parts"]
