import json

import pytest

from iepile_metric import score
from iepile_trainer import TrainerError
from iepile_trainer.quickstart import TINY, found_in, quickstart, quiet


@pytest.fixture(scope="module")
def told():
    return []


@pytest.fixture(scope="module")
def run(tmp_path_factory, told):
    out = tmp_path_factory.mktemp("runs") / "quickstart"
    with quiet():
        quickstart(out, seed=1, recipe=TINY, tell=lambda what, value: told.append(what))
    return out


def test_the_folder_holds_everything_a_finished_run_has(run):
    names = {path.name for path in run.iterdir()}
    assert {"model.safetensors", "tokenizer.json", "chat_template.jinja", "run.json", "scores.json"} <= names
    assert {"predictions.jsonl", "predictions_unseen_names.jsonl", "curve.png", "README.md", "corpus"} <= names
    assert [path.name for path in run.parent.iterdir()] == ["quickstart"]


def test_it_tells_of_a_row_of_three_rounds_of_answers_and_of_its_stages(told, run):
    assert {"rows", "before", "test", "unseen_names", "stage"} <= set(told)


def test_the_scores_are_those_of_the_answers_that_were_written(run):
    scores = json.loads((run / "scores.json").read_text("utf-8"))
    for split, name in (("test", "predictions.jsonl"), ("unseen_names", "predictions_unseen_names.jsonl")):
        rows = [json.loads(line) for line in (run / name).read_text("utf-8").splitlines()]
        assert len(rows) == 2 * 2 * 3  # languages, tasks, sentences
        for task in ("ner", "re"):
            assert scores[split][task] == json.loads(
                json.dumps(score(row for row in rows if row["task"] == task.upper()))
            )


def test_no_path_in_the_record_leads_to_the_folder_of_work(run):
    text = (run / "run.json").read_text("utf-8")
    assert ".quickstart." not in text
    assert str(run / "corpus") in text


def test_the_model_answers_the_same_when_it_is_loaded_again(run):
    from iepile_trainer.models.load import load
    from iepile_trainer.predict import predict

    rows = [json.loads(line) for line in (run / "predictions.jsonl").read_text("utf-8").splitlines()]
    model, tokenizer = load(str(run))
    again = predict(model, tokenizer, [{"instruction": row["instruction"]} for row in rows], 64, TINY.longest)
    assert [row["output"] for row in again] == [row["output"] for row in rows]


def test_a_second_run_finds_the_first_and_leaves_it_alone(run):
    written = (run / "run.json").stat().st_mtime_ns
    outcome = quickstart(run, seed=2, recipe=TINY)
    assert outcome.f1 == found_in(run).f1
    assert outcome.record["seed"] == 1
    assert (run / "run.json").stat().st_mtime_ns == written


@pytest.mark.slow
def test_an_interrupted_run_leaves_nothing_and_the_next_starts_cleanly(tmp_path):
    out = tmp_path / "quickstart"

    def interrupt(what, value):
        if what == "before":
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt), quiet():
        quickstart(out, recipe=TINY, tell=interrupt)
    assert not list(tmp_path.iterdir())
    (tmp_path / ".quickstart.iepile-a").mkdir()  # what a kill would leave
    with quiet():
        assert quickstart(out, recipe=TINY).folder == out
    assert list(tmp_path.iterdir()) == [out]


def test_an_interrupted_overwrite_keeps_the_run_that_was_there(run):
    def interrupt(what, value):
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        quickstart(run, overwrite=True, recipe=TINY, tell=interrupt)
    assert found_in(run)


def test_a_folder_with_something_else_is_refused(tmp_path):
    (tmp_path / "thesis.txt").write_text("mine")
    with pytest.raises(TrainerError, match="no finished run"):
        quickstart(tmp_path, overwrite=True, recipe=TINY)
    assert (tmp_path / "thesis.txt").read_text() == "mine"


def test_the_tokenizer_writes_an_answer_back_as_it_was(run):
    from transformers import AutoTokenizer

    tokenizer = AutoTokenizer.from_pretrained(run)
    answers = [json.loads(line)["label"] for line in (run / "predictions.jsonl").read_text("utf-8").splitlines()]
    answers += [
        '{"city": ["Oslo", "São Paulo", "北京"], "x": []}',
        '{"works for": [{"subject": "A B", "object": "C\\"d"}]}',
    ]
    for answer in answers:
        assert tokenizer.decode(tokenizer(answer, add_special_tokens=False)["input_ids"]) == answer


def test_the_same_seed_makes_the_same_model(run, tmp_path):
    with quiet():
        quickstart(tmp_path / "again", seed=1, recipe=TINY)
    assert (tmp_path / "again" / "model.safetensors").read_bytes() == (run / "model.safetensors").read_bytes()
