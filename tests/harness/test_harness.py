"""Other evaluation libraries ask our rows and come to our scores; `.ci/harness` has them."""

import glob
import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from iepile_dataset.export.prepare import prepare
from iepile_dataset.options import Options
from iepile_metric import score

pytestmark = pytest.mark.slow
HARNESS = Path(__file__).parents[2] / "iepile/harness"
QUIET = {"OMP_NUM_THREADS": "1", "HF_DATASETS_DISABLE_PROGRESS_BARS": "1", "NO_COLOR": "1"}


@pytest.fixture(scope="module")
def prepared(tmp_path_factory):
    """The rows of one source of the sample."""
    options = Options(language="en", source=("city_news",))
    return prepare(tmp_path_factory.mktemp("harness") / "rows", tasks=["ner"], options=options).folder


@pytest.fixture(scope="module")
def rows(prepared):
    from datasets import load_dataset

    return load_dataset(str(prepared), "ner", split="test").to_list()


@pytest.fixture(scope="module")
def run(by_heart, rows):
    """A model that knows every second answer."""
    return by_heart(rows[::2], steps=150, positions=768)


def called(*words, **env):
    done = subprocess.run(words, capture_output=True, text=True, env={**os.environ, **QUIET, **env})
    assert done.returncode == 0, (done.stdout + done.stderr)[-4000:]


def inspected(run, place, task, *words, **env):
    """The log of a task that Inspect ran."""
    from inspect_ai.log import list_eval_logs, read_eval_log

    called(
        sys.executable, "-m", "inspect_ai", "eval", task, *words, "--model", "hf/local", "-M", f"model_path={run}",
        "--max-tokens", "256", "--temperature", "0.01", "--log-dir", str(place), "--display", "none", **env,
    )  # fmt: skip
    (log,) = list_eval_logs(str(place))
    return read_eval_log(log)


def measured(log):
    return {name: one.value for part in log.results.scores for name, one in part.metrics.items()}


def test_inspect_asks_our_rows_and_comes_to_our_score(prepared, run, rows, tmp_path):
    pytest.importorskip("inspect_ai")
    task = f"{HARNESS / 'inspect_tasks.py'}@extraction"
    log = inspected(run, tmp_path, task, "-T", f"dataset={prepared}")
    answers = {sample.input: sample.output.completion for sample in log.samples}
    assert answers.keys() == {row["instruction"] for row in rows}
    assert [answers[row["instruction"]] for row in rows[::2]] == [row["output"] for row in rows[::2]]
    expected = score([{**row, "output": answers[row["instruction"]]} for row in rows])
    assert 0 < expected["f1"] < 1
    assert measured(log) == pytest.approx({name: expected[name] for name in ("f1", "precision", "recall")})


def test_inspect_runs_a_pushed_dataset_by_its_eval_yaml(prepared, run, rows, tmp_path):
    pytest.importorskip("inspect_ai")
    sys.path.insert(0, str(HARNESS.parents[1] / "tests/hub"))
    from loopback import Hub

    with Hub() as hub:
        env = hub.env(tmp_path / "home")
        called(sys.executable, "-m", "iepile.cli", "push", "dataset", str(prepared), "user/rows", **env)
        log = inspected(run, tmp_path / "log", "hf/user/rows", **env)
    right = sum(sample.output.completion == row["output"] for sample, row in zip(log.samples, rows))
    assert len(log.samples) == len(rows)
    assert measured(log)["mean"] == pytest.approx(right / len(rows))
    assert right >= len(rows[::2])


def test_lighteval_asks_our_rows_and_comes_to_our_score(prepared, run, rows, tmp_path):
    pytest.importorskip("lighteval")
    called(
        sys.executable, "-m", "lighteval", "accelerate", f"model_name={run},batch_size=4,max_length=768", "iepile:ner",
        "--custom-tasks", "iepile.harness.lighteval_tasks", "--output-dir", str(tmp_path), "--save-details",
        IEPILE_DATASET=str(prepared),
    )  # fmt: skip
    from datasets import load_dataset

    (details,) = glob.glob(f"{tmp_path}/details/**/*.parquet", recursive=True)
    answers = {
        one["doc"]["query"]: one["model_response"]["text"][0]
        for one in load_dataset("parquet", data_files=details, split="train")
    }
    assert answers.keys() == {row["instruction"] for row in rows}
    expected = score([{**row, "output": answers[row["instruction"]]} for row in rows])
    assert 0 < expected["f1"] < 1
    (file,) = glob.glob(f"{tmp_path}/results/**/*.json", recursive=True)
    assert json.loads(Path(file).read_text())["results"]["all"]["f1"] == pytest.approx(expected["f1"])
