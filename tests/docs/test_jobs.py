"""The script of the Hub's jobs, as far as it goes here: its header, and each command in this environment."""

import re
import subprocess
import sys
import tomllib
from pathlib import Path

import pytest

REPO = Path(__file__).parents[2]
SCRIPT = REPO / "jobs" / "command.py"


def test_its_header_names_extras_that_there_are():
    lines = re.search(r"^# /// script\n((?:# .*\n)+)# ///$", SCRIPT.read_text("utf-8"), re.M)[1]
    header = tomllib.loads(re.sub(r"^# ", "", lines, flags=re.M))
    project = tomllib.loads((REPO / "pyproject.toml").read_text("utf-8"))["project"]
    assert header["requires-python"] == project["requires-python"]
    (needed,) = header["dependencies"]
    name, extras = re.fullmatch(r"(\w+)\[(.*)\]", needed).groups()
    assert name == project["name"]
    assert set(extras.split(",")) <= set(project["optional-dependencies"])


@pytest.mark.slow
def test_it_prepares_trains_predicts_and_benchmarks(tmp_path):
    def job(*words):
        done = subprocess.run(
            [sys.executable, SCRIPT, *words], cwd=tmp_path, capture_output=True, text=True, timeout=500
        )
        assert done.returncode == 0, done.stdout + done.stderr

    job("prepare", "--out", "rows", "--task", "ner", "--num-proc", "2")
    job("train", "--config", "tiny", "--dataset", "rows", "--task", "ner", "--output_dir", "run", "--max_steps", "2")
    answers = ["--output", "answers.jsonl", "--max_new_tokens", "4", "--max_rows", "3"]
    job("predict", "--model", "run", "--input", "rows", "--task", "ner", *answers)
    job("benchmark", "--model", "run", "--task", "ner", "--limit", "1", "--max_new_tokens", "4", "--out", "benchmark")
    assert (tmp_path / "benchmark" / "index.html").is_file()
    assert 1 <= len((tmp_path / "answers.jsonl").read_text().splitlines()) <= 3  # whole records
