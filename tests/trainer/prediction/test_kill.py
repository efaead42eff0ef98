"""Whatever is killed, and when: no row is lost and none is there twice."""

import json
import os
import random
import signal
import subprocess
import sys
import time

import pytest

from iepile_trainer import TrainerError
from iepile_trainer.formats import use_format
from iepile_trainer.predict import main
from iepile_trainer.prediction.output_file import Work, append, forget_failed, open_output, rows_in

from ...forked import ranks, run
from ...forked import start as fork

TOTAL = 400

# One process of a run, without a model: answers its share, some rows a write, and puts the parts together.
WRITER = """
import sys, time
from iepile_trainer.prediction.output_file import Work, open_output
output, rank, processes = sys.argv[1], int(sys.argv[2]), int(sys.argv[3])
share = Work(output, %d, rank, processes)
def rows():
    for at in share.left:
        time.sleep(0.0005)
        yield {"id": str(at), "output": "x" * (at %% 97) + "\\u2028"}
share.append(rows(), lambda row: None)
print("whole" if share.finish() else "left")
"""


def start(output, rank, processes):
    command = [sys.executable, "-c", WRITER % TOTAL, str(output), str(rank), str(processes)]
    return subprocess.Popen(command, stdout=subprocess.PIPE, text=True)


def written(output):
    return sum(path.stat().st_size for path in output.parent.glob("out.jsonl*"))


def kill_all(running):
    for process in running:
        process.kill()
    for process in running:
        process.communicate()


@pytest.mark.slow
@pytest.mark.parametrize("seed", range(3))
def test_kills_at_random_points_and_another_number_of_processes_each_time(seed, tmp_path):
    draw, output = random.Random(seed), tmp_path / "out.jsonl"
    open_output(output, {"model": "a"})
    before = written(output)
    for _ in range(5):
        processes = draw.choice([1, 1, 2, 3])
        running = [start(output, rank, processes) for rank in range(processes)]
        size = written(output) + draw.randrange(4000)
        while written(output) < size and any(process.poll() is None for process in running):
            time.sleep(0.001)
        kill_all(running)
        for path in tmp_path.iterdir():  # as if the clock had gone back since
            os.utime(path, (later := time.time() + 86_400, later))
        assert open_output(output, {"model": "a"}) <= TOTAL
    assert written(output) > before
    processes = seed + 1
    running = [start(output, rank, processes) for rank in range(processes)]
    said = [process.communicate()[0] for process in running]
    assert "whole\n" in said
    rows = list(rows_in(output))
    assert [row["id"] for row in rows] == [str(at) for at in range(TOTAL)]
    assert all(row["output"] == "x" * (at % 97) + "\u2028" for at, row in enumerate(rows))
    assert sorted(path.name for path in tmp_path.iterdir()) == ["out.jsonl", "out.jsonl.run.json"]
    again = [start(output, rank, processes) for rank in range(processes)]
    assert [process.communicate()[0] for process in again] == ["whole\n", *["left\n"] * (processes - 1)]


def test_parts_cut_anywhere_are_put_together_all_the_same(tmp_path):
    output = tmp_path / "out.jsonl"
    open_output(output, {})
    Work(output, 6, 0, 2).append([{"id": "0"}, {"id": "2"}, {"id": "4"}], lambda row: None)
    part = tmp_path / "out.jsonl.part-0"
    assert part.read_bytes() == b'[0,{"id":"0"}]\n[2,{"id":"2"}]\n[4,{"id":"4"}]\n'
    part.write_bytes(part.read_bytes()[:-4])
    alone = Work(output, 6)
    assert list(alone.left) == [1, 3, 4, 5]
    assert not alone.finish()
    alone.append([{"id": str(at)} for at in alone.left], lambda row: None)
    assert alone.finish()
    assert output.read_bytes() == b"".join(b'{"id":"%d"}\n' % at for at in range(6))
    # Killed while putting together, or just before the parts go: the parts are still there, nothing is there twice.
    whole = output.read_bytes()
    for cut in (0, 5, 30, len(whole)):
        output.write_bytes(whole[:cut])
        part.write_bytes(b"".join(b'[%d,{"id":"%d"}]\n' % (at, at) for at in range(6)))
        assert Work(output, 6).finish()
        assert output.read_bytes() == whole
        assert not part.exists()


def test_two_runs_at_once_do_not_write_into_one_another(tmp_path):
    output = tmp_path / "out.jsonl"
    open_output(output, {})
    running = start(output, 0, 1)
    while not output.stat().st_size and running.poll() is None:
        time.sleep(0.001)
    with pytest.raises(TrainerError, match="is being written by another process"):
        append(output, [{"id": "other"}], lambda row: None)
    with pytest.raises(TrainerError, match="is being written by another process"):
        open_output(output, {}, overwrite=True)
    running.communicate()
    assert [row["id"] for row in rows_in(output)] == [str(at) for at in range(TOTAL)]


def test_failed_rows_are_answered_again_in_their_places(tmp_path):
    output = tmp_path / "out.jsonl"
    open_output(output, {})
    append(output, [{"id": str(at)} | ({"error": "why"} if at in (2, 4) else {}) for at in range(6)], lambda row: None)
    assert forget_failed(output) == 2
    again = Work(output, 8)
    assert list(again.left) == [2, 4, 6, 7]
    again.append([{"id": str(at), "again": True} for at in again.left], lambda row: None)
    assert again.finish()
    rows = list(rows_in(output))
    assert [row["id"] for row in rows] == [str(at) for at in range(8)]
    assert [at for at, row in enumerate(rows) if "again" in row] == [2, 4, 6, 7]
    assert forget_failed(output) == 0


@pytest.fixture
def command(tmp_path, tokenizer, small_model, row_list):
    """The options of `predict` over 60 rows."""
    use_format(tokenizer)
    small_model(tokenizer).save_pretrained(tmp_path / "model")
    tokenizer.save_pretrained(tmp_path / "model")
    (tmp_path / "in.jsonl").write_text("".join(json.dumps(row) + "\n" for row in row_list(60)))
    options = ["--model", str(tmp_path / "model"), "--input", str(tmp_path / "in.jsonl"), "--max_new_tokens", "30"]
    return [*options, "--batch_size", "1"]


@pytest.mark.slow
def test_two_processes_share_the_rows_and_are_killed_on_the_way(tmp_path, command, row_list):
    alone, shared = tmp_path / "alone.jsonl", tmp_path / "shared.jsonl"
    main([*command, "--output", str(alone)])
    two, log = ["iepile_trainer.predict:main", *command, "--output", str(shared)], tmp_path / "log"
    running = [fork(*two, cwd=tmp_path, log=log, env=env) for env in ranks(2)]
    while all(process.exitcode is None for process in running) and not all(
        path.exists() and path.stat().st_size
        for path in (tmp_path / "shared.jsonl.part-0", tmp_path / "shared.jsonl.part-1")
    ):
        time.sleep(0.02)
    for process in running:
        process.kill()
    for process in running:
        process.join()
        assert process.exitcode == -signal.SIGKILL, log.read_text()[-2000:]
    places = [json.loads(line)[0] for part in (0, 1) for line in whole_lines(tmp_path / f"shared.jsonl.part-{part}")]
    assert 0 < len(places) == len(set(places)) < 60
    printed = "".join(run(*two, cwd=tmp_path, processes=2))
    assert shared.read_bytes() == alone.read_bytes()
    assert [row["id"] for row in rows_in(shared)] == [row["id"] for row in row_list(60)]
    assert printed.count("rows read 60, predicted 60, failed 0") == 1
    assert not list(tmp_path.glob("shared.jsonl.part-*"))


def whole_lines(path):
    return [line for line in path.read_bytes().splitlines(keepends=True) if line.endswith(b"\n")]


@pytest.mark.slow
def test_ctrl_c_is_clean_and_the_same_command_goes_on(tmp_path, command, row_list):
    output = tmp_path / "out.jsonl"
    words = [sys.executable, "-m", "iepile_trainer.predict", *command, "--output", str(output)]
    running = subprocess.Popen(words, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
    while running.poll() is None and not (output.exists() and output.stat().st_size):
        time.sleep(0.02)
    running.send_signal(signal.SIGINT)
    _, said = running.communicate()
    assert running.returncode == 130
    assert "the same command goes on" in said
    assert "Traceback" not in said
    there = len(list(rows_in(output)))
    assert 0 < there < 60
    main([*command, "--output", str(output)])
    assert [row["id"] for row in rows_in(output)] == [row["id"] for row in row_list(60)]
