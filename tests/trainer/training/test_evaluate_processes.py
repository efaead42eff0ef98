"""Two real processes share the sample, however small it is, and know the same scores as one."""

import json

import pytest

from iepile_trainer.sft import main

from ...forked import run

WATCHED = ("--load_best_model_at_end", "--test_split", "test", "--disable_tqdm", "true")
# Both trainings in the same processes: starting those takes longer than training.
DRIVER = """
import json, sys
from iepile_trainer.sft import main

for argv in json.load(open(sys.argv[1])):
    main(argv)
"""

pytestmark = pytest.mark.slow


@pytest.fixture(scope="module")
def base(tmp_path_factory, row_list):
    """A folder with rows of three splits, and a tiny model to train an adapter on."""
    from iepile_trainer.models.scratch import new_model, new_tokenizer

    folder = tmp_path_factory.mktemp("base")
    for split, start, end in (("train", 0, 24), ("validation", 24, 31), ("test", 31, 36)):
        rows = [{**row, "id": row["id"].replace("train", split)} for row in row_list(36)[start:end]]
        (folder / f"{split}.jsonl").write_text("".join(json.dumps(row) + "\n" for row in rows))
    tokenizer = new_tokenizer(row_list(36), 400)
    tokenizer.save_pretrained(folder / "model")
    new_model(tokenizer, 32, 1, 256, seed=0).save_pretrained(folder / "model")
    return folder


def options(base, out, *more):
    given = ["--model_name_or_path", base / "model", "--use_peft", "--lora_target_modules", "all-linear"]
    given += ["--lora_dropout", 0, "--dataset", base, "--report_to", "none", "--max_steps", 4, "--learning_rate", 1e-2]
    given += ["--logging_steps", 2, "--predict_steps", 2, "--output_dir", out, "--dtype", "float32", *more]
    return [str(part) for part in given]


@pytest.fixture(scope="module")
def two(base, tmp_path_factory):
    """Run folders of two processes, and what they printed: `watched`, and `small` with a sample of one row."""
    folder = tmp_path_factory.mktemp("two")
    watched = options(base, folder / "watched", "--per_device_train_batch_size", "4", *WATCHED)
    small = options(base, folder / "small", "--predict_rows", "1", "--early_stopping_patience", "1")
    (folder / "jobs.json").write_text(json.dumps([watched, small]))
    (folder / "driver.py").write_text(DRIVER)
    return folder, run(folder / "driver.py", folder / "jobs.json", cwd=folder, processes=2)


def record(out):
    return json.loads((out / "run.json").read_text())


def evaluations(record):
    keys = ("step", "eval_f1", "eval_parse_rate", "eval_ner_loss")
    return [[entry[key] for key in keys] for entry in record["history"] if "eval_f1" in entry]


def test_two_processes_learn_the_scores_that_one_does_and_the_best_weights_are_kept(base, two, tmp_path):
    main(options(base, tmp_path / "one", "--per_device_train_batch_size", "8", *WATCHED))
    one = record(tmp_path / "one")
    folder, (first, second) = two[0] / "watched", two[1]
    two = record(folder)
    assert two["hardware"]["processes"] == 2
    assert one["sample"] == two["sample"]
    assert one["sample"]["rows"] == 7
    assert [line[0] for line in evaluations(one)] == [2, 4]
    for mine, theirs in zip(evaluations(one), evaluations(two), strict=True):
        assert mine == pytest.approx(theirs, rel=1e-3)
    assert two["best"]["loaded"]
    assert first.partition("trained in")[0].count("evaluation: F1") == 2
    assert "evaluation" not in second, "the first process alone speaks"
    answers = [json.loads(line) for line in (folder / "predictions.jsonl").read_text().splitlines()]
    assert [row["id"] for row in answers] == [f"en/NER/homes/test:{i}" for i in range(32, 37)]
    (scores,) = json.loads((folder / "scores.json").read_text())["test"].values()
    assert scores["rows"] == 5
    low, high = scores["interval"]
    assert 0 <= low <= scores["f1"] <= high <= 1


def test_a_sample_smaller_than_the_processes_does_not_stop_them(two):
    ended = record(two[0] / "small")
    assert ended["sample"]["rows"] == 1
    # Nothing is learnt in four steps: F1 stays 0.0, and of weights that are all as bad the last ones are kept.
    assert [line[:2] for line in evaluations(ended)] == [[2, 0.0], [4, 0.0]]
    assert ended["best"] == {"step": 4, "metric": "eval_f1", "value": 0.0, "loaded": True}


def test_where_nothing_was_learnt_the_last_line_the_record_and_the_card_say_so(two):
    folder, (first, second) = two
    line = "ner: recall 0.000, it has hardly learnt to answer (more steps or records, a larger model, or iepile"
    assert all(said.startswith(line) for said in record(folder / "small")["not_learnt"])
    assert record(folder / "small")["not_learnt"]
    assert (
        "It has hardly learnt to answer**: recall on the validation sample" in (folder / "small/README.md").read_text()
    )
    assert "It has hardly learnt to answer**: recall on the test split" in (folder / "watched/README.md").read_text()
    # Of the sample after each training, and of the test split in the line behind its scores.
    assert sum(said.startswith(line) for said in first.splitlines()) == 3
    assert line not in second
