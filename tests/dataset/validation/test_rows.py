"""Generated and predicted rows: question, answer and gold belong together."""

import pytest

from iepile_dataset.validation.validate import validate

from .conftest import asking, kinds, reasons, row, write


@pytest.mark.parametrize(
    ("changes", "reason"),
    [
        ({}, None),
        ({"output": "", "label": ""}, None),
        ({"output": ""}, "output is empty although label is not"),
        ({"output": "city: Ulm"}, "output is not JSON"),
        ({"output": '{"person": [], "city": []}'}, "output answers ['person', 'city'], asked were ['city', 'person']"),
        ({"output": '{"city": ["Uml"], "person": []}'}, 'output holds "Uml", which does not occur in the text'),
        ({"output": '{"city": [5], "person": []}'}, "output holds 5, which does not occur in the text"),
        ({"label": '[{"entity": "Ulm"}]'}, 'label: no "entity[0].entity_type"'),
        ({"label": "{}"}, "label: entity is {}, not a list"),
        ({"instruction": '{"schema": []}'}, 'instruction: no "instruction"'),
        ({"instruction": "Find."}, "instruction is not JSON"),
        ({"task": "NERR", "id": "en/NERR/towns/test:1"}, 'task "NERR" is unknown'),
        ({"source": "other"}, 'id "en/NER/towns/test:1" does not begin with "en/NER/other/"'),
        ({"id": "1"}, 'id is "1"'),
        ({"language": "de"}, 'language is "de"'),
        ({"label": None}, "label is None, not a string"),
    ],
)
def test_question_answer_and_gold_of_a_row_belong_together(tmp_path, changes, reason):
    found = reasons(write(tmp_path / "rows.jsonl", row(**changes)))
    assert (found == []) if reason is None else any(line.startswith(f"1: {reason}") for line in found)


def test_two_rows_of_one_record_may_not_ask_the_same_nor_have_two_golds(tmp_path):
    answer = '{"city": ["Ulm"]}'
    lines = [
        row(instruction=asking("city"), output=answer),
        row(instruction=asking("person"), output='{"person": []}'),
        row(instruction=asking("city"), output=answer),
        row(instruction=asking("city", text="again"), output='{"city": []}'),  # another window of the text
        row(instruction=asking("river"), output='{"river": []}', label="[]"),
    ]
    assert reasons(write(tmp_path / "rows.jsonl", *lines)) == [
        "3: the id of a row asks the same again, first at line 1",
        "5: the id of a row is given twice, first at line 4",
    ]


def test_what_a_model_said_is_not_the_predictions_file_s_fault(tmp_path):
    file = write(tmp_path / "predictions.jsonl", row(output="I do not know."), {"output": "{}", "label": "[]"})
    assert kinds(validate([file])) == []
    assert reasons(write(tmp_path / "predictions.jsonl", row(label=[]))) == ["1: label is [], not a string"]


def test_the_original_s_own_layout_is_known(tmp_path):
    train = {"task": "NER", "source": "x", "instruction": asking("city"), "output": '{"city": ["Ulm"]}'}
    test = {"id": "7f", "task": "NER", "source": "x", "instruction": asking("city"), "label": "[]"}
    assert kinds(validate([write(tmp_path / "a.jsonl", train, test)])) == []
    assert reasons(write(tmp_path / "b.jsonl", {**train, "output": "{"}))[0].startswith("1: output is not JSON")
