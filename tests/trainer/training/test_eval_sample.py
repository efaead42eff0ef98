"""The sample that is predicted while training: whole records, balanced, and always the same."""

import json

import pytest
from datasets import Dataset

from iepile_trainer import TrainerError
from iepile_trainer.training.eval_sample import draw_sample


def row(task, source, record, part=0, **other):
    asked = {"instruction": "-", "schema": [f"label {part}"], "input": f"text {record} of {source}"}
    id = f"en/{task}/{source}/validation:{record}"
    common = {"id": id, "task": task, "source": source, "language": "en", "label": "[]", "output": "{}"}
    return {**common, "instruction": json.dumps(asked), **other}


def corpus():
    """NER: 50 records of two rows in `big`, 3 of one row in `small`; RE: 40 records of one row."""
    big = [row("NER", "big", record, part) for record in range(50) for part in (0, 1)]
    return big + [row("NER", "small", r) for r in range(3)] + [row("RE", "rel", r) for r in range(40)]


def test_tasks_then_sources_get_equal_shares_and_records_stay_whole():
    sample = draw_sample(Dataset.from_list(corpus()), most=20, seed=1)
    # In NER the three rows of `small` are soon used up, the rest are pairs of `big`. At nine rows each NER, the
    # first by name, gets one more pair: 3 + 2 * 4 and 9 are twenty.
    assert sample.as_dict()["tasks"] == {"ner": {"big": 8, "small": 3}, "re": {"rel": 9}}
    assert sample.records == 4 + 3 + 9
    parts = [one["id"] for one in sample.rows if one["source"] == "big"]
    assert len(parts) == 2 * len(set(parts))


def test_the_same_rows_in_another_order_or_folder_give_the_same_sample():
    rows = corpus()
    sample = draw_sample(Dataset.from_list(rows), 20, seed=1)
    turned = draw_sample(Dataset.from_list(rows[::-1]), 20, seed=1)
    assert set(sample.as_dict()["ids"]) == set(turned.as_dict()["ids"])
    other = draw_sample(Dataset.from_list(rows), 20, seed=2)
    assert set(sample.as_dict()["ids"]) != set(other.as_dict()["ids"])


def test_a_record_that_is_larger_than_the_sample_is_taken_whole():
    rows = Dataset.from_list([row("NER", "one", 0, part) for part in range(9)])
    assert len(draw_sample(rows, most=4, seed=1).rows) == 9


def test_rows_without_a_label_are_judged_by_their_answer_and_those_with_neither_are_left_out():
    gold = '{"label 0": ["text"]}'
    rows = [row("NER", "a", 0, label="", output=gold), row("NER", "a", 1, label="", output="")]
    sample = draw_sample(Dataset.from_list(rows), 10, seed=1)
    assert [(one["label"], one["id"]) for one in sample.rows] == [(gold, None)]
    with pytest.raises(TrainerError, match="no row of the split 'validation' has a gold answer"):
        draw_sample(Dataset.from_list(rows[1:]), 10, seed=1)


def test_rows_without_ids_are_records_of_their_own():
    rows = [{key: value for key, value in row("RE", "a", r).items() if key != "id"} for r in range(5)]
    sample = draw_sample(Dataset.from_list(rows), 3, seed=1)
    assert (len(sample.rows), sample.records, sample.as_dict()["ids"]) == (3, 3, [])
