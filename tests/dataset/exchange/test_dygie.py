"""DyGIE++, as of SciERC."""

from .conftest import entities, events, relations


def test_sentences_with_places_through_the_document(reader):
    document = {
        "doc_key": "J87", "clusters": [[[0, 0], [4, 4]]], "sentences": [["Ada", "left", "Ulm", "."], ["She", "sued", "Bo"]],
        "ner": [[[0, 0, "PER"], [2, 2, "LOC"]], [[6, 6, "PER"]]],
        "relations": [[[0, 0, 2, 2, "LEFT"]], [[4, 4, 6, 6, "SUED"], [4, 4, 0, 0, "IS"]]],
        "events": [[], [[[5, "lawsuit"], [4, 4, "plaintiff"], [6, 6, "defendant"]]]],
    }  # fmt: skip
    first, second = reader(document, "train.json")
    assert (first["text"], entities(first)) == ("Ada left Ulm .", [("Ada", "PER"), ("Ulm", "LOC")])
    assert relations(first) == [("Ada", "LEFT", "Ulm")]
    assert relations(second) == [("She", "SUED", "Bo")]
    assert second["relation"][0]["tail_type"] == "PER"
    assert "head_type" not in second["relation"][0]
    assert events(second) == [("lawsuit", "sued", {("plaintiff", "She"), ("defendant", "Bo")})]
    assert entities(second) == [("Bo", "PER")]
    assert reader.format("train.json") == "dygie"
    assert sorted(reader.kinds) == ["a mention in another sentence", "a relation without one of its ends"]


def test_a_document_of_another_shape_is_set_aside(reader):
    assert reader('{"sentences": [["a"]], "ner": []}\n{"sentences": [["a"]], "ner": [[[0, 0, "x"]]]}\n', "a.json")
    assert [(loss.line, loss.is_record) for loss in reader.losses] == [(1, True)]
