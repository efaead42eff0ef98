"""Folders that appear whole or not at all, whatever ends the run that makes them."""

import contextlib
import json
import os
import subprocess
import sys
import time
from pathlib import Path

import pytest

from iepile_dataset import Options
from iepile_dataset.export.manifest import verify
from iepile_dataset.export.prepare import prepare

from ..conftest import NER_SCHEMA

GOOD = {"text": "In Ulm", "entity": [{"entity": "Ulm", "entity_type": "city"}]}


def killed_inside(script, folder, glob):
    """Runs a script until a file appears, and kills it with no chance to clean up."""
    env = {**os.environ, "IEPILE_TEST_MARK": str(folder)}
    process = subprocess.Popen([sys.executable, str(script)], env=env, stderr=subprocess.PIPE, text=True)
    while not list(folder.glob(glob)):
        assert process.poll() is None, process.stderr.read()
        time.sleep(0.01)
    process.kill()
    process.wait(timeout=60)


@pytest.mark.slow
def test_a_killed_run_leaves_the_old_folder_whole_and_the_next_run_sweeps(source, tmp_path):
    source(tmp_path / "in/IE-en/NER/b", NER_SCHEMA, train=[GOOD] * 100_000)
    small = prepare(tmp_path / "out", tasks="ner", options=Options(language="en"))
    script = tmp_path / "run.py"
    script.write_text(
        "from iepile_dataset.export.prepare import prepare\n"
        f"prepare({str(tmp_path / 'out')!r}, {str(tmp_path / 'in')!r}, overwrite=True)\n"
    )
    killed_inside(script, tmp_path, ".out.*/new/ner/*.parquet")
    assert len(list(tmp_path.glob(".out.*"))) == 1
    assert verify(tmp_path / "out") == (json.loads((tmp_path / "out/manifest.json").read_text()), [])
    again = prepare(tmp_path / "out", tasks="ner", options=Options(language="en"), overwrite=True)
    assert again.rows_sha256 == small.rows_sha256
    assert sorted(path.name for path in tmp_path.iterdir()) == ["in", "out", "run.py"]


@pytest.mark.slow
@pytest.mark.skipif(not Path("/proc").is_dir(), reason="looks for processes in /proc")
def test_workers_end_with_a_parent_that_is_killed(source, tmp_path):
    source(tmp_path / "in/IE-en/NER/b", NER_SCHEMA, train=[GOOD] * 300_000)
    script = tmp_path / "run.py"
    script.write_text(
        "from iepile_dataset.export.prepare import prepare\n"
        'if __name__ == "__main__":\n'
        f"    prepare({str(tmp_path / 'out')!r}, {str(tmp_path / 'in')!r}, num_proc=2)\n"
    )
    killed_inside(script, tmp_path, ".out.*/new/ner/*.parquet")
    deadline = time.monotonic() + 20
    while marked(tmp_path):
        assert time.monotonic() < deadline
        time.sleep(0.05)


def marked(folder):
    """Processes that `killed_inside` or their parents started for a folder."""
    found = []
    for file in Path("/proc").glob("[0-9]*/environ"):
        with contextlib.suppress(OSError):
            if f"IEPILE_TEST_MARK={folder}".encode() in file.read_bytes().split(b"\0"):
                found.append(file.parts[2])
    return found


@pytest.mark.parametrize("error", [OSError, KeyboardInterrupt])
def test_a_folder_that_cannot_be_replaced_is_put_back(tmp_path, monkeypatch, error):
    first = prepare(tmp_path / "out", tasks="ner", options=Options(language="en"))
    move, moved = os.replace, []

    def failing_second(old, new):
        moved.append(new)
        if len(moved) == 2:
            raise error
        move(old, new)

    monkeypatch.setattr(os, "replace", failing_second)
    with pytest.raises(error):
        prepare(tmp_path / "out", tasks="ner", options=Options(language="zh"), overwrite=True)
    assert verify(tmp_path / "out")[0]["rows_sha256"] == first.rows_sha256
    assert [path.name for path in tmp_path.iterdir()] == ["out"]
