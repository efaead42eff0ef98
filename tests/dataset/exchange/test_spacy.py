"""spaCy and Prodigy."""

import pytest

from iepile_dataset.errors import DataError

from .conftest import entities, relations


def test_prodigy_spans(reader):
    lines = (
        '{"text": "Ada left Ulm", "_input_hash": 1, "tokens": [], "spans": [{"start": 0, "end": 3, "label": "PER"}], "answer": "accept"}\n'
        '{"text": "No", "spans": [], "answer": "reject"}\n'
        '{"text": "张三走了", "spans": [{"start": 0, "end": 2, "label": "人物", "token_start": 0, "token_end": 1}], "answer": "accept"}\n'
    )
    first, second = reader(lines, "prodigy.jsonl")
    assert entities(first) == [("Ada", "PER")]
    assert entities(second) == [("张三", "人物")]
    assert reader.format("prodigy.jsonl") == "spacy"
    assert reader.kinds == ["1 texts with the answer reject are left out"]


def test_prodigy_relations(reader):
    head, child = {"start": 0, "end": 3, "label": "PER"}, {"start": 9, "end": 12, "label": "LOC"}
    relation = {"head": 0, "child": 2, "head_span": head, "child_span": child, "label": "left"}
    (record,) = reader({"text": "Ada left Ulm", "spans": [head, child], "relations": [relation]}, "a.jsonl")
    assert relations(record) == [("Ada", "left", "Ulm")]
    assert entities(record) == [("Ada", "PER"), ("Ulm", "LOC")]


@pytest.mark.parametrize("content", [
    [["In Ulm", {"entities": [[3, 6, "LOC"]]}]],
    {"text": "In Ulm", "ents": [{"start": 3, "end": 6, "label": "LOC"}], "tokens": [{"id": 0, "start": 0, "end": 2}]},
    '["In Ulm", {"entities": [[3, 6, "LOC"]]}]\n["In Ulm", {"entities": [[3, 6, "LOC"]]}]\n',
])  # fmt: skip
def test_training_tuples_and_docs(reader, content):
    records = reader(content, "a.json")
    assert {tuple(entities(record)) for record in records} == {(("Ulm", "LOC"),)}
    assert reader.format("a.json") == "spacy"


def test_a_docbin_is_read_where_spacy_is_there(reader):
    try:
        import spacy
        from spacy.tokens import DocBin
    except ImportError:
        with pytest.raises(DataError, match="is read with spaCy, which is not installed"):
            reader(b"\x78\x9c", "a.spacy")
        return
    doc = spacy.blank("en")("In Ulm")
    doc.ents = [doc.char_span(3, 6, "LOC")]
    (record,) = reader(DocBin(docs=[doc]).to_bytes(), "a.spacy")
    assert entities(record) == [("Ulm", "LOC")]
    with pytest.raises(DataError, match="cannot read this DocBin"):
        reader(b"\x78\x9c", "b.spacy")
