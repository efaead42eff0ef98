"""Two real processes share the sample, however small it is, and know the same scores as one."""

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from iepile_trainer.sft import main

REPO = Path(__file__).parents[2]
TWO = ["-m", "accelerate.commands.launch", "--config_file"]
TWO += [str(REPO / "trainer/iepile_trainer/recipes/accelerate/cpu2.yaml")]

pytestmark = pytest.mark.slow


@pytest.fixture(scope="module")
def base(tmp_path_factory, row_list):
    """A folder with rows of three splits, and a tiny model to train an adapter on."""
    from iepile_trainer.scratch import new_model, new_tokenizer

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


def run_two(base, out, *more):
    done = subprocess.run(
        [sys.executable, *TWO, str(REPO / "trainer/sft.py"), *options(base, out, *more)],
        cwd=out.parent,
        env={**os.environ, "OMP_NUM_THREADS": "1"},
        text=True,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        timeout=180,
    )
    assert done.returncode == 0, done.stdout[-3000:]
    return record(out), done.stdout


def record(out):
    return json.loads((out / "run.json").read_text())


def evaluations(record):
    keys = ("step", "eval_f1", "eval_parse_rate", "eval_ner_loss")
    return [[entry[key] for key in keys] for entry in record["history"] if "eval_f1" in entry]


def test_two_processes_learn_the_scores_that_one_does_and_the_best_weights_are_kept(base, tmp_path):
    watched = ("--load_best_model_at_end", "--test_split", "test", "--disable_tqdm", "true")
    main(options(base, tmp_path / "one", "--per_device_train_batch_size", "8", *watched))
    one = record(tmp_path / "one")
    two, printed = run_two(base, tmp_path / "two", "--per_device_train_batch_size", "4", *watched)
    assert two["hardware"]["processes"] == 2
    assert one["sample"] == two["sample"]
    assert one["sample"]["rows"] == 7
    assert [line[0] for line in evaluations(one)] == [2, 4]
    for mine, theirs in zip(evaluations(one), evaluations(two), strict=True):
        assert mine == pytest.approx(theirs, rel=1e-3)
    assert two["best"]["loaded"]
    assert printed.count("evaluation: F1") == 2, "the first process alone speaks"
    answers = [json.loads(line) for line in (tmp_path / "two" / "predictions.jsonl").read_text().splitlines()]
    assert [row["id"] for row in answers] == [f"en/NER/homes/test:{i}" for i in range(32, 37)]
    (scores,) = json.loads((tmp_path / "two" / "scores.json").read_text())["test"].values()
    assert scores["rows"] == 5
    low, high = scores["interval"]
    assert 0 <= low <= scores["f1"] <= high <= 1


def test_a_sample_smaller_than_the_processes_does_not_stop_them(base, tmp_path):
    ended, _ = run_two(base, tmp_path / "run", "--predict_rows", "1", "--early_stopping_patience", "1")
    assert ended["sample"]["rows"] == 1
    # Nothing is learnt in two steps: F1 stays 0.0, and both processes stop after the second evaluation.
    assert [line[:2] for line in evaluations(ended)] == [[2, 0.0], [4, 0.0]]
    assert ended["best"] == {"step": 2, "metric": "eval_f1", "value": 0.0, "loaded": True}
