"""The face for the `evaluate` library: by path, as the folder that a Space serves, for every task."""

import json
import shutil
from pathlib import Path

import evaluate
import pytest

import iepile_metric
from iepile_metric import TASKS, score

FOLDER = Path(iepile_metric.__file__).parent
GOLD = '[{"entity": "Ada", "entity_type": "person"}]'
RIGHT = '{"person": ["Ada"]}'


@pytest.fixture(scope="module")
def metric():
    return evaluate.load(str(FOLDER / "iepile_f1.py"), "ner")


def test_it_scores_as_the_plain_function(metric):
    answers, labels = [RIGHT, "{}", "?", '{"person": ["Bob"]}'], [GOLD, GOLD, GOLD, ""]
    ids, sources = ["a", "a", "b", "c"], ["one", "one", "two", "two"]
    found = metric.compute(predictions=answers, references=labels, ids=ids, sources=sources)
    rows = [
        {"output": output, "label": label, "id": id_, "source": source, "task": "ner"}
        for output, label, id_, source in zip(answers, labels, ids, sources)
    ]
    assert found == score(rows)
    # record a: found; record b: unparseable; the last is unlabelled
    assert (found["tp"], found["fp"], found["fn"], found["unlabelled"]) == (1, 0, 1, 1)


def test_without_ids_each_row_is_a_record(metric):
    found = metric.compute(predictions=[RIGHT, "{}"], references=[GOLD, GOLD])
    assert (found["records"], found["tp"], found["fn"]) == (2, 1, 1)


def test_batches_may_be_added_one_by_one(metric):
    metric.add(prediction=RIGHT, reference=GOLD)
    metric.add_batch(predictions=["{}"], references=[GOLD])
    assert metric.compute()["f1"] == pytest.approx(2 / 3)


@pytest.mark.parametrize("task", TASKS)
def test_every_task_is_a_configuration_of_the_folder_that_a_space_serves(task, tmp_path):
    folder = tmp_path / "iepile_f1"
    shutil.copytree(FOLDER, folder, ignore=shutil.ignore_patterns("__pycache__"))
    metric = evaluate.load(str(folder), task)
    assert metric.compute(predictions=["{}"], references=["[]"])["f1"] == 1.0
    assert metric.config_name == task


def test_the_script_names_every_file_that_it_needs():
    """A Space fetches only the siblings that the script itself imports."""
    named = {
        line.split()[1].lstrip(".")
        for line in (FOLDER / "iepile_f1.py").read_text().splitlines()
        if line.startswith("from .")
    }
    needed, waiting = set(), ["iepile_f1"]
    while waiting:
        name = waiting.pop()
        for line in (FOLDER / f"{name}.py").read_text().splitlines():
            if line.strip().startswith("from ."):
                sibling = line.split()[1].lstrip(".")
                if sibling not in needed:
                    needed.add(sibling)
                    waiting.append(sibling)
    assert named == needed
    assert (FOLDER / "requirements.txt").exists()


@pytest.mark.parametrize(
    ("config", "options", "message"),
    [
        ("ner", {"ids": ["a"]}, "ids has 1 entries for 2 predictions"),
        ("ner", {"tasks": "re"}, "leave `tasks` out"),
        ("ner", {"match": "fuzzy"}, "unknown match"),
        (None, {}, "give tasks="),
        (None, {"tasks": ["ner"]}, "tasks has 1 entries for 2 predictions"),
        (None, {"tasks": "pos"}, "unknown task 'pos'"),
    ],
)
def test_what_does_not_fit_is_refused(config, options, message):
    metric = evaluate.load(str(FOLDER / "iepile_f1.py"), config)
    with pytest.raises(ValueError, match=message):
        metric.compute(predictions=["{}", "{}"], references=["[]", "[]"], **options)


def test_an_unknown_configuration_and_other_lengths_are_refused(metric):
    with pytest.raises(ValueError, match="unknown configuration 'pos': choose one of ner, re"):
        evaluate.load(str(FOLDER / "iepile_f1.py"), "pos")
    with pytest.raises(ValueError, match="Mismatch in the number of predictions"):
        metric.compute(predictions=["{}"], references=["[]", "[]"])


def test_tasks_may_differ_from_row_to_row():
    metric = evaluate.load(str(FOLDER / "iepile_f1.py"))
    relation = json.dumps([{"head": "Ada", "relation": "knows", "tail": "Bob"}])
    found = metric.compute(predictions=[RIGHT, "{}"], references=[GOLD, relation], tasks=["NER", "RE"])
    assert (found["tasks"]["ner"]["f1"], found["tasks"]["re"]["f1"]) == (1.0, 0.0)
    assert metric.compute(predictions=[RIGHT], references=[GOLD], tasks="ner")["f1"] == 1.0


def test_a_configuration_in_any_case_and_columns_of_tables_are_understood():
    import pandas
    from datasets import Dataset

    metric = evaluate.load(str(FOLDER / "iepile_f1.py"), "NER")
    columns = {"answer": [RIGHT], "label": [GOLD]}
    for table in (pandas.DataFrame(columns), Dataset.from_dict(columns)):
        assert metric.compute(predictions=table["answer"], references=table["label"])["f1"] == 1
        with pytest.raises(ValueError, match="predictions is a table with the columns answer, label: give one of them"):
            metric.compute(predictions=table, references=table["label"])
