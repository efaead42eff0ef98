"""The same training however it is started, and with two real processes every row is seen once an epoch."""

import json
import subprocess
import sys
from collections import Counter
from pathlib import Path

import pytest

from iepile_trainer.sft import main

from ...forked import ranks, run

REPO = Path(__file__).parents[3]
ACCELERATE = [sys.executable, "-m", "accelerate.commands.launch"]
TWO = [*ACCELERATE, "--config_file", str(REPO / "trainer/iepile_trainer/recipes/accelerate/cpu2.yaml")]
SMALL = ["--scratch", "--scratch_hidden", "32", "--scratch_layers", "1", "--scratch_vocab", "400"]
SMALL += ["--report_to", "none"]

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


def record(folder):
    return json.loads((folder / "run.json").read_text())


def test_the_launcher_starts_what_is_forked_here(tmp_path):
    script = tmp_path / "told.py"
    script.write_text(
        "import json, os\n"
        f"with open({str(tmp_path)!r} + '/rank' + os.environ['RANK'], 'w') as file: json.dump(dict(os.environ), file)\n"
    )
    subprocess.run([*TWO, script], check=True, capture_output=True)
    told = [json.loads((tmp_path / f"rank{rank}").read_text()) for rank in (0, 1)]
    for forked, launched in zip(ranks(2), told, strict=True):
        same = forked.keys() - {"MASTER_PORT"}
        assert {name: forked[name] for name in same} == {name: launched.get(name) for name in same}


def test_two_processes_see_each_row_once_an_epoch_and_train_the_weights_that_one_does(tmp_path, rows_file):
    import torch
    from safetensors.torch import load_file

    # All 37 rows in one step. Two processes have 20 places each, 3 of them filled with blank rows, which must change
    # neither the weights nor the loss.
    shared = [*SMALL, "--dataset", rows_file(37), "--num_train_epochs", "4"]
    # Plain gradient descent: Adam would blow up the last digits of gradients that are almost nothing.
    shared += ["--optim", "sgd", "--learning_rate", "0.5"]
    shared += ["--save_strategy", "no", "--logging_steps", "1", "--train_sampling_strategy", "group_by_length"]
    one, two, ids = tmp_path / "one", tmp_path / "two", tmp_path / "ids"
    batch = "--per_device_train_batch_size"
    run(REPO / "trainer/sft.py", *shared, batch, "37", "--output_dir", one, cwd=tmp_path)
    mine = [*shared, batch, "20", "--record_ids", ids, "--output_dir", two]
    first, second = run(REPO / "trainer/sft.py", *mine, cwd=tmp_path, processes=2)
    assert first.count("rows 37: kept 37") == 1
    assert "rows 37: kept 37" not in second  # told once, not by each process
    seen = [(tmp_path / f"ids.{rank}").read_text().split() for rank in (0, 1)]
    assert all(seen)
    assert Counter(seen[0] + seen[1]) == {f"en/NER/homes/train:{i}": 4 for i in range(1, 38)}
    first, second = load_file(one / "model.safetensors"), load_file(two / "model.safetensors")
    for name in first:
        torch.testing.assert_close(first[name], second[name], atol=1e-4, rtol=1e-3)
    records = record(one), record(two)
    assert [each["hardware"]["processes"] for each in records] == [1, 2]
    losses = [[entry["loss"] for entry in each["history"]] for each in records]
    assert len(losses[0]) == 4
    assert losses[0] == pytest.approx(losses[1], rel=1e-4)


def test_the_launcher_of_prediction_answers_the_sample_corpus(tmp_path):
    out = tmp_path / "run"
    main([*SMALL, "--max_steps", "2", "--output_dir", str(out)])
    options = ["--model", out, "--config", "ner", "--split", "test[:5]", "--max_new_tokens", "4"]
    assert "rows read 5, predicted 5" in run(REPO / "trainer/predict.py", *options, cwd=tmp_path)[0]
    assert len((out / "predictions.jsonl").read_text().splitlines()) == 5
