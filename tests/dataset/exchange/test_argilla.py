"""Argilla records."""

from .conftest import entities

SPAN = {"start": 3, "end": 6, "label": "LOC"}


def record(**more):
    return {
        "id": "7", "fields": {"text": "In Ulm"}, "metadata": {}, "suggestions": {}, "responses": {}, "vectors": {},
        "status": "completed", "_server_id": "x", **more,
    }  # fmt: skip


def test_a_response_goes_before_a_suggestion(reader):
    response = {"spans": [{"value": [SPAN], "user_id": "u"}], "quality": [{"value": "good", "user_id": "u"}]}
    suggestion = {"spans": {"value": [{**SPAN, "label": "ORG"}], "score": [0.5], "agent": "model"}}
    answered, suggested, neither = reader([
        record(responses=response, suggestions=suggestion), record(suggestions=suggestion), record(status="pending"),
    ], "records.json")  # fmt: skip
    assert entities(answered) == [("Ulm", "LOC")]
    assert entities(suggested) == [("Ulm", "ORG")]
    assert neither == {"text": "In Ulm"}
    assert reader.format("records.json") == "argilla"


def test_a_second_response_is_counted(reader):
    (one,) = reader([record(responses={"spans": [{"value": [SPAN], "user_id": "a"}, {"value": [], "user_id": "b"}]})])
    assert entities(one) == [("Ulm", "LOC")]
    assert reader.kinds == ["another response to the same text"]
