"""The same training however it is started, and with two real processes every row is seen once an epoch."""

import json
import os
import subprocess
import sys
from collections import Counter
from pathlib import Path

import pytest

REPO = Path(__file__).parents[2]
ACCELERATE = [sys.executable, "-m", "accelerate.commands.launch"]
TWO = [*ACCELERATE, "--config_file", str(REPO / "trainer/iepile_trainer/recipes/accelerate/cpu2.yaml")]
SMALL = [
    "--scratch",
    "--scratch_hidden",
    "32",
    "--scratch_layers",
    "1",
    "--scratch_vocab",
    "400",
    "--report_to",
    "none",
]

pytestmark = pytest.mark.slow


@pytest.fixture
def rows_file(tmp_path, row_list):
    def write(count):
        path = tmp_path / f"rows{count}.jsonl"
        # Texts of many lengths, so that grouping by length has something to do.
        rows = [row for i in range(count) for row in row_list(count, tail=" Yes." * (i * 7 % 11))[i : i + 1]]
        path.write_text("".join(json.dumps(row) + "\n" for row in rows))
        return path

    return write


def run(command, cwd):
    done = subprocess.run(
        [str(part) for part in command],
        cwd=cwd,
        env={**os.environ, "OMP_NUM_THREADS": "1"},
        text=True,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        timeout=180,
    )
    assert done.returncode == 0, done.stdout[-3000:]
    return done.stdout


def record(folder):
    return json.loads((folder / "run.json").read_text())


@pytest.mark.parametrize(
    ("launcher", "folder"),
    [
        ([sys.executable, "trainer/sft.py"], REPO),
        ([*ACCELERATE, "trainer/sft.py"], REPO),
        ([*ACCELERATE, "sft.py"], REPO / "trainer"),
        ([*ACCELERATE, "-m", "iepile_trainer.sft"], None),
    ],
    ids=["python", "accelerate from the root", "accelerate from trainer", "accelerate -m from anywhere"],
)
def test_it_starts_in_every_way(launcher, folder, tmp_path, rows_file):
    out = tmp_path / "run"
    options = [*SMALL, "--dataset", rows_file(12), "--max_steps", "2", "--logging_steps", "1", "--output_dir", out]
    printed = run([*launcher, *options], folder or tmp_path)
    assert "rows 12: kept 12" in printed
    assert [entry["step"] for entry in record(out)["history"]] == [1, 2]
    assert record(out)["hardware"]["processes"] == 1


def test_two_processes_see_each_row_once_an_epoch(tmp_path, rows_file):
    # 37 rows, 2 processes of 4 rows: 5 steps of 8 an epoch, the last one filled up with 3 blank rows.
    out, ids = tmp_path / "run", tmp_path / "ids"
    options = [*SMALL, "--dataset", rows_file(37), "--num_train_epochs", "2", "--per_device_train_batch_size", "4"]
    options += ["--train_sampling_strategy", "group_by_length", "--record_ids", ids, "--output_dir", out]
    printed = run([*TWO, REPO / "trainer/sft.py", *options, "--logging_steps", "1"], tmp_path)
    assert printed.count("rows 37: kept 37") == 1  # told once, not by each process
    seen = [(tmp_path / f"ids.{rank}").read_text().split() for rank in (0, 1)]
    assert all(seen)
    assert Counter(seen[0] + seen[1]) == {f"en/NER/homes/train:{i}": 2 for i in range(1, 38)}
    assert record(out)["hardware"]["processes"] == 2
    assert len(record(out)["history"]) == 10


def test_two_processes_train_the_weights_that_one_does(tmp_path, rows_file):
    import torch
    from safetensors.torch import load_file

    shared = [
        *SMALL,
        "--dataset",
        rows_file(40),
        "--max_steps",
        "6",
        "--learning_rate",
        "1e-3",
        "--save_strategy",
        "no",
    ]
    shared += ["--train_sampling_strategy", "group_by_length"]
    sft = REPO / "trainer/sft.py"
    one, two = tmp_path / "one", tmp_path / "two"
    run([sys.executable, sft, *shared, "--per_device_train_batch_size", "8", "--output_dir", one], tmp_path)
    run([*TWO, sft, *shared, "--per_device_train_batch_size", "4", "--output_dir", two], tmp_path)
    first, second = load_file(one / "model.safetensors"), load_file(two / "model.safetensors")
    for name in first:
        torch.testing.assert_close(first[name], second[name], atol=1e-4, rtol=1e-3)


def test_the_launcher_of_prediction_answers_the_sample_corpus(tmp_path, rows_file):
    out = tmp_path / "run"
    run([sys.executable, "trainer/sft.py", *SMALL, "--max_steps", "2", "--output_dir", out], REPO)
    options = ["--model", out, "--config", "ner", "--split", "test[:5]", "--max_new_tokens", "4"]
    assert "rows read 5, predicted 5" in run([sys.executable, "predict.py", *options], REPO / "trainer")
    assert len((out / "predictions.jsonl").read_text().splitlines()) == 5
