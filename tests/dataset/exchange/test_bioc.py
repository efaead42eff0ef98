"""BioC JSON."""

from .conftest import entities, relations


def annotation(number, offset, text, kind):
    return {
        "id": number,
        "infons": {"type": kind},
        "text": text,
        "locations": [{"offset": offset, "length": len(text)}],
    }


DOCUMENT = {
    "id": "1", "infons": {}, "annotations": [], "passages": [
        {"offset": 100, "infons": {"type": "title"}, "text": "Aspirin", "sentences": [], "relations": [],
         "annotations": [annotation("1", 100, "Aspirin", "Chemical")]},
        {"offset": 108, "infons": {"type": "abstract"}, "text": "It helps 头痛.", "sentences": [], "relations": [],
         "annotations": [annotation("2", 117, "头痛", "Disease")]},
    ],
    "relations": [{"id": "R0", "infons": {"type": "treats"}, "nodes": [{"refid": "1", "role": ""}, {"refid": "2", "role": ""}]},
                  {"id": "R1", "infons": {"type": "three"}, "nodes": [{"refid": "1", "role": ""}]}],
}  # fmt: skip


def test_a_collection(reader):
    (record,) = reader({"source": "PubTator", "date": "", "key": "", "documents": [DOCUMENT]}, "bioc.json")
    assert record["text"] == "Aspirin It helps 头痛."
    assert entities(record) == [("Aspirin", "Chemical"), ("头痛", "Disease")]
    assert relations(record) == [("Aspirin", "treats", "头痛")]
    assert reader.format("bioc.json") == "bioc"
    assert reader.kinds == ["a relation with other than two ends"]


def test_documents_line_by_line_and_the_collection_of_pubtator_3(reader):
    assert reader({"PubTator3": [DOCUMENT, DOCUMENT]}) == reader([DOCUMENT, DOCUMENT])
