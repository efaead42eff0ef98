"""GLiNER and GLiNER2."""

from .conftest import entities, relations


def test_gliner_tokens(reader):
    first, second = reader([
        {"tokenized_text": ["Ada", "Bell", "left", "Ulm", "."], "ner": [[0, 1, "person"], [3, 3, "city"]]},
        {"tokenized_text": ["张", "三", "走"], "ner": [[0, 1, "人物"], [2, 3, "x"]], "relations": [[0, 0, "is"]]},
    ])  # fmt: skip
    assert (first["text"], entities(first)) == ("Ada Bell left Ulm .", [("Ada Bell", "person"), ("Ulm", "city")])
    assert entities(second) == [("张三", "人物")]
    assert relations(second) == [("张三", "is", "张三")]
    assert reader.format() == "gliner"
    assert reader.kinds == ["a place outside the text"]


def test_gliner2_mentions_have_no_place(reader):
    (record,) = reader({
        "input": "Ada works for Acme.", "output": {
            "entities": {"person": ["Ada"], "company": ["Acme", "Bolt"]}, "entity_descriptions": {"person": "a name"},
            "relations": [{"works_for": {"head": "Ada", "tail": "Acme"}}],
            "classifications": [{"task": "tone", "labels": ["good", "bad"], "true_label": ["good"]}],
        },
    }, "train.jsonl")  # fmt: skip
    assert record == {
        "text": "Ada works for Acme.",
        "entity": [{"entity": "Ada", "entity_type": "person"}, {"entity": "Acme", "entity_type": "company"}],
        "relation": [{"head": "Ada", "relation": "works_for", "tail": "Acme"}],
    }
    assert reader.format("train.jsonl") == "gliner2"
    assert sorted(reader.kinds) == [
        "a mention does not occur in the text", "classifications, which our annotation has no place for",
    ]  # fmt: skip
