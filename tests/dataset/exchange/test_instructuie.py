"""InstructUIE and B2NERD."""

from iepile_dataset.exchange import read

from .conftest import entities, events, relations


def test_a_folder_of_a_dataset(reader, tmp_path):
    reader([{"sentence": "Ada left Ulm", "entities": [
        {"name": "Ada", "type": "PER", "pos": [0, 3]}, {"name": "Ulm", "type": "LOC", "pos": []}]}], "NER/x/train.json")  # fmt: skip
    (tmp_path / "NER" / "x" / "labels.json").write_text('["PER", "LOC"]')
    (record,) = read(tmp_path / "NER" / "x")
    assert entities(record) == [("Ada", "PER"), ("Ulm", "LOC")]
    assert reader.format("NER/x/train.json") == "instructuie"


def test_relations_without_a_relation_are_none(reader):
    ends = {
        "head": {"name": "张三", "type": "人物", "pos": [0, 2]},
        "tail": {"name": "北京", "type": "地点", "pos": [3, 5]},
    }
    (record,) = reader([{"sentence": "张三在北京", "relations": [{**ends, "type": "位于"}, {**ends, "type": "NA"}]}])
    assert relations(record) == [("张三", "位于", "北京")]


def test_events(reader):
    (record,) = reader([{"sentence": "Ada sued Bo", "events": [
        {"trigger": "sued", "type": "lawsuit", "arguments": [{"name": "Ada", "role": "plaintiff"}, {"name": "Bo", "role": "defendant"}]},
    ]}])  # fmt: skip
    assert events(record) == [("lawsuit", "sued", {("plaintiff", "Ada"), ("defendant", "Bo")})]
