import json

import pytest
from typer.testing import CliRunner

from iepile.cli import app
from iepile_trainer import TrainerError
from iepile_trainer.evaluate_run import add_scores
from iepile_trainer.run_folder import write_run

LABEL = '[{"entity": "Ulm", "entity_type": "city"}]'


def answer(number, output, split="test"):
    return {"id": f"en/NER/towns/{split}:{number}", "task": "NER", "source": "towns", "label": LABEL, "output": output}


@pytest.fixture
def run(tmp_path):
    write_run(tmp_path / "run", {"base_model": None, "method": "full", "data": [], "history": []})
    return tmp_path / "run"


def test_answers_of_two_splits_are_scored_apart_and_stand_in_the_card(run, tmp_path):
    rows = [answer(1, '{"city": ["Ulm"]}'), answer(2, '{"city": []}'), answer(1, '{"city": ["Ulm"]}', "validation")]
    (tmp_path / "answers.jsonl").write_text("".join(json.dumps(row) + "\n" for row in rows))
    done = CliRunner().invoke(app, ["card", str(run), str(tmp_path / "answers.jsonl")])
    assert done.exit_code == 0, done.output
    scores = json.loads((run / "scores.json").read_text())
    # test: 1 hit, 1 missed: P 1, R 1/2, F1 2/3.
    assert scores["test"]["ner"]["f1"] == pytest.approx(2 / 3)
    assert scores["validation"]["ner"]["f1"] == 1.0
    card = (run / "README.md").read_text()
    assert "| test | ner | all | 1.0000 | 0.5000 | 0.6667 |" in card


def test_scores_that_are_there_stay(run, tmp_path):
    (run / "scores.json").write_text('{"before": {"ner": {"f1": 0.0}}}')
    (tmp_path / "a.jsonl").write_text(json.dumps(answer(1, '{"city": ["Ulm"]}')) + "\n")
    assert set(add_scores(run, [tmp_path / "a.jsonl"])) == {"before", "test"}


def test_what_is_no_run_and_what_cannot_be_scored_is_named(run, tmp_path):
    with pytest.raises(TrainerError, match="no finished run"):
        add_scores(tmp_path, [])
    (tmp_path / "a.jsonl").write_text("{")
    with pytest.raises(TrainerError, match=r"a\.jsonl"):
        add_scores(run, [tmp_path / "a.jsonl"])
