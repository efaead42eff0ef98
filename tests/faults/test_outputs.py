"""Every command that writes: on a disk that is full or read-only, or with something in the way, one line and no harm."""

import json
import os
import shutil
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from . import disk

pytestmark = pytest.mark.slow

FAULTS = {
    "full": "full disk",
    "read-only": "read-only disk",
    "a folder in the way": "something else in the place",
}


def has_namespaces():
    return (
        bool(shutil.which("unshare")) and not subprocess.run(["unshare", "-rm", "true"], capture_output=True).returncode
    )


@pytest.fixture(scope="module", params=["full", "read-only", "a folder in the way"])
def results(request, tmp_path_factory):
    if not has_namespaces():
        pytest.skip("no mount namespaces here")
    folder = tmp_path_factory.mktemp("disk")
    command = ["unshare", "-rm", sys.executable, disk.__file__, request.param, str(folder)]
    done = subprocess.run(command, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    return json.loads(done.stdout)


@pytest.mark.parametrize("name", disk.commands(Path(), Path()))
def test_what_cannot_be_written_is_one_line_and_what_was_there_stays(results, name, record_property):
    result = results[name]
    if result["first"] is not None:
        assert result["first"][0] == 0, result["first"]
        assert any(place.startswith("x") for place in result["before"])
    assert result["code"] == 1, result["said"]
    errors = [line for line in result["said"].splitlines() if line.startswith("error: ")]
    assert len(errors) == 1, result["said"]
    assert f"/{name.replace(' ', '_')}/x" in errors[0]
    assert errors[0].endswith(")")
    assert "Errno" not in result["said"]
    assert "Traceback" not in result["said"]
    assert result["after"] == result["before"]
    record_property("fault", (FAULTS[result["fault"]], name, "what was there, and one line with place and remedy"))


def iepile(*words, **settings):
    return subprocess.Popen([sys.executable, "-m", "iepile.cli", *words], stderr=subprocess.PIPE, text=True, **settings)


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="no /dev/full")
def test_a_full_standard_output_is_one_line_and_a_closed_one_is_none():
    with open("/dev/full", "w") as full:
        process = iepile("recipes", "show", "lora", stdout=full)
        assert (
            process.communicate()[1]
            == "error: standard output: No space left on device (make room, or choose another place)\n"
        )
    assert process.returncode == 1
    reading, writing = os.pipe()
    os.close(reading)
    process = iepile("stats", stdout=writing)
    assert (process.communicate()[1], process.returncode) == ("", 1)


def test_sigterm_ends_a_command_as_an_interruption_does_and_leaves_nothing_hidden(tmp_path):
    source = tmp_path / "IE-en/NER/a"
    source.mkdir(parents=True)
    (source / "schema.json").write_text('["city"]\n[]\n{}\n')
    (source / "train.json").write_text('{"text": "In Ulm", "entity": []}\n' * 400_000)
    process = iepile("prepare", str(tmp_path), "--out", str(tmp_path / "out"), stdout=subprocess.DEVNULL)
    while not list(tmp_path.glob(".out.*/new/ner")):
        assert process.poll() is None, process.communicate()
        time.sleep(0.01)
    process.send_signal(signal.SIGTERM)
    said = process.communicate()[1]
    assert process.returncode not in (0, -signal.SIGTERM)
    assert "Traceback" not in said
    assert [path.name for path in tmp_path.iterdir()] == ["IE-en"]
