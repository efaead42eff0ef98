"""From predictions to a better model: predict → export → people correct → import → train on → compare."""

import json

import pytest
from typer.testing import CliRunner

from iepile.cli import app

from ...sentences import LEARNT, rows_of

pytestmark = pytest.mark.slow

TEXTS = {
    "Ada Cane lives in Oslo.": ("Ada Cane", "Oslo"),
    "Bo Bell lives in Rome.": ("Bo Bell", "Rome"),
    "Ada Bell lives in Rome.": ("Ada Bell", "Rome"),
    "Rome Bell lives in Oslo.": ("Rome Bell", "Oslo"),
}


@pytest.fixture(scope="module")
def run(by_heart):
    """A model that knows other sentences."""
    return by_heart(rows_of(*LEARNT), steps=150, positions=768)


def iepile(*arguments):
    done = CliRunner().invoke(app, list(map(str, arguments)))
    assert done.exit_code == 0, done.output
    return done.stdout


def corrected(task):
    """A task as Label Studio exports it once somebody has put the prediction right."""
    text = task["data"]["text"]
    results = [
        {"id": label, "from_name": "label", "to_name": "text", "type": "labels",
         "value": {"start": (start := text.index(mention)), "end": start + len(mention), "text": mention,
                   "labels": [label]}}
        for mention, label in zip(TEXTS[text], ("person", "place"))
    ]  # fmt: skip
    return {**task, "annotations": [{"id": 1, "was_cancelled": False, "result": results}]}


def test_what_people_correct_makes_the_next_model_better(run, tmp_path):
    (tmp_path / "texts.txt").write_text("".join(f"{text}\n" for text in TEXTS))
    found, tasks = tmp_path / "found.jsonl", tmp_path / "tasks.json"
    iepile("predict", "--model", run, "--input", tmp_path / "texts.txt", "--schema", "person,place", "--output", found)
    said = iepile("export", found, "--to", "label-studio", "--order", "uncertain", "--out", tasks)
    assert "4 texts" in said
    exported = json.loads(tasks.read_text())
    assert {task["data"]["text"] for task in exported} == set(TEXTS)
    assert any("predictions" in task for task in exported)
    (tmp_path / "corrected.json").write_text(json.dumps([corrected(task) for task in exported]))
    iepile("import", tmp_path / "corrected.json", "--out", tmp_path / "mine/IE-xx/NER/letters")
    source = tmp_path / "mine/IE-en/NER/letters"
    records = [json.loads(line) for line in (source / "train.json").read_text().splitlines()]
    assert {record["text"]: tuple(item["entity"] for item in record["entity"]) for record in records} == TEXTS
    iepile(
        "train", "--config", "full", "--model_name_or_path", run, "--dataset", "iepile", "--data_dir", tmp_path / "mine",
        "--task", "ner", "--output_dir", tmp_path / "second", "--max_steps", "60", "--learning_rate", "3e-3",
        "--save_strategy", "no",
    )  # fmt: skip
    for model, output in ((run, "first.jsonl"), (tmp_path / "second", "second.jsonl")):
        answers = ["--input", source, "--split", "train", "--output", tmp_path / output]
        iepile("predict", "--model", model, *answers)
    compared = json.loads(iepile("compare", tmp_path / "first.jsonl", tmp_path / "second.jsonl", "--json"))
    assert compared["records"] == 4
    assert compared["difference"] > 0
    scores = json.loads(iepile("score", tmp_path / "second.jsonl", "--match", "span", "--json"))
    assert scores["f1"] == 1.0  # every mention at its place, which went round with it
