"""Commands that are killed, terminated, or run beside themselves: what is there afterwards is whole, and of one of them."""

import hashlib
import json
import os
import shutil
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from iepile_dataset.corpus.sources import sample_corpus
from iepile_dataset.export.manifest import verify
from iepile_trainer.run_folder import alone

pytestmark = pytest.mark.slow

SOURCE = {"text": "In Ulm am Rhein", "entity": [{"entity": "Ulm", "entity_type": "city"}]}
CONLL = "In O\nUlm B-LOC\nam O\nRhein B-LOC\n\n"


@pytest.fixture(scope="module")
def inputs(tmp_path_factory):
    """A corpus that takes a second, and a file to import that does."""
    folder = tmp_path_factory.mktemp("inputs")
    source = folder / "corpus/IE-en/NER/a"
    source.mkdir(parents=True)
    (source / "schema.json").write_text('["city", "river"]\n[]\n{}\n')
    (source / "train.json").write_text((json.dumps(SOURCE) + "\n") * 40_000)
    (folder / "a.conll").write_text(CONLL * 12_000)
    return folder


COMMANDS = {
    "prepare": ["prepare", "{inputs}/corpus", "--out", "{out}", "--overwrite"],
    "clean": ["clean", "{inputs}/corpus", "--only", "empty", "--out", "{out}", "--overwrite"],
    "import": ["import", "{inputs}/a.conll", "--out", "{out}", "--overwrite"],
    "prepare --format jsonl": ["prepare", "{inputs}/corpus", "--out", "{out}", "--format", "jsonl", "--overwrite"],
}
BEFORE = {
    "prepare": ["prepare", sample_corpus(), "--task", "re", "--out", "{out}"],
    "clean": ["clean", f"{sample_corpus()}/IE-en/NER", "--only", "empty", "--out", "{out}"],
    "import": ["import", "{small}", "--out", "{out}"],
    "prepare --format jsonl": ["prepare", sample_corpus(), "--task", "re", "--format", "jsonl", "--out", "{out}"],
}


def started(words, *, within=(), clock=None, **places):
    command = [*within, sys.executable, "-m", "iepile.cli", *(word.format(**places) for word in words)]
    env = os.environ | ({"LD_PRELOAD": str(FAKETIME), "FAKETIME": clock} if clock else {})
    return subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, env=env)


def ended(process):
    said = process.communicate(timeout=300)
    return process.returncode, "".join(said)


def state(folder):
    """Every file with its digest; times of runs, which differ, are none of it."""
    files = [file for file in sorted(folder.rglob("*")) if file.is_file()]
    return {str(file.relative_to(folder)): hashlib.sha256(file.read_bytes()).hexdigest() for file in files}


@pytest.fixture(scope="module")
def undisturbed(inputs):
    """A function that gives the state that a command leaves which nothing disturbs."""
    made = {}

    def state_after(name):
        if name not in made:
            out = inputs / f"straight {name}/out"
            assert ended(started(COMMANDS[name], inputs=inputs, out=out))[0] == 0
            made[name] = state(out)
        return made[name]

    return state_after


KILL, BACK, TERMINATE = "kill -9", "kill -9, and the clock goes back", "SIGTERM"
NUMBERS = {KILL: signal.SIGKILL, BACK: signal.SIGKILL, TERMINATE: signal.SIGTERM}
FAKETIME = next(Path("/usr/lib").glob("*/faketime/libfaketime.so.1"), None)
SLOW = ("clean", "prepare --format jsonl")


@pytest.mark.parametrize("how", NUMBERS)
@pytest.mark.parametrize("name", [pytest.param(name, marks=[pytest.mark.slow] * (name in SLOW)) for name in COMMANDS])
def test_what_was_there_stays_and_the_next_run_is_as_an_undisturbed_one(
    inputs, undisturbed, tmp_path, name, how, record_property
):
    if how == BACK and not FAKETIME:
        pytest.skip("no libfaketime")
    small = tmp_path / "small.conll"
    small.write_text(CONLL)
    places = {"inputs": inputs, "small": small, "out": tmp_path / "made/out"}
    assert ended(started(BEFORE[name], **places))[0] == 0
    before = state(tmp_path / "made/out")
    process = started(COMMANDS[name], **places)
    while not any(path.is_file() for path in (tmp_path / "made").glob(".out.*/new/**/*")):
        assert process.poll() is None, ended(process)
        time.sleep(0.005)
    process.send_signal(NUMBERS[how])
    code, said = ended(process)
    assert code != 0
    assert "Traceback" not in said
    assert state(tmp_path / "made/out") == before
    hidden = [path.name for path in (tmp_path / "made").iterdir() if path.name != "out"]
    assert len(hidden) == (how != TERMINATE), hidden
    if how != TERMINATE:
        assert ended(started(COMMANDS[name], clock="-30d" if how == BACK else None, **places))[0] == 0
        assert state(tmp_path / "made/out") == undisturbed(name) != before
    assert [path.name for path in (tmp_path / "made").iterdir()] == ["out"]
    more = "; the next run sweeps, and is as an undisturbed one" if how != TERMINATE else ", and nothing else"
    record_property("fault", (how, name, f"the earlier folder, whole{more}"))


OWN_PIDS = ("unshare", "-rpf", "--mount-proc")  # as in containers: each is process 1, and sees none of the other
TOGETHER = {"two at once": (), "two at once, in namespaces of their own": OWN_PIDS}


def able_to(within):
    if within and (not shutil.which("unshare") or subprocess.run([*within, "true"], capture_output=True).returncode):
        pytest.skip("no namespaces of processes here")


@pytest.mark.parametrize("how", TOGETHER)
def test_two_runs_on_one_output_leave_the_whole_work_of_one(inputs, tmp_path, how, record_property):
    able_to(TOGETHER[how])
    places = {"inputs": inputs, "out": tmp_path / "out"}
    both = [started(COMMANDS["prepare"], within=TOGETHER[how], **places) for _ in range(2)]
    for code, said in map(ended, both):
        assert code == 0 or said.count("error: ") == 1
        assert "Traceback" not in said
    assert verify(tmp_path / "out")[1] == []
    assert [path.name for path in tmp_path.iterdir()] == ["out"]
    record_property("fault", (how, "prepare", "the whole work of one of them"))


@pytest.mark.parametrize("how", TOGETHER)
def test_two_trainings_do_not_share_a_run_folder_and_a_kill_lets_it_go(tmp_path, how, record_property):
    able_to(TOGETHER[how])
    script = "import sys; from iepile_trainer.run_folder import alone\n"
    script += "with alone(sys.argv[1]): print('held', flush=True); sys.stdin.read()"
    command = [*TOGETHER[how], sys.executable, "-c", script, str(tmp_path / "run")]
    other = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, process_group=0)
    assert other.stdout.readline() == "held\n"
    with (
        pytest.raises(ValueError, match=r"run: another training is at work there \(wait for it"),
        alone(tmp_path / "run"),
    ):
        pass
    os.killpg(other.pid, signal.SIGKILL)
    other.communicate()
    for _ in range(2):
        with alone(tmp_path / "run"):
            assert Path(tmp_path / "run").is_dir()
    record_property("fault", (how, "train", "the first goes on, the second is refused in one line"))
