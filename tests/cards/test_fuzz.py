"""Whatever stands in a run folder or a manifest of a stranger, it gives a page, or one line that says why not."""

import json
from contextlib import suppress

import pytest
from hypothesis import given
from hypothesis import strategies as st
from typer.testing import CliRunner

from iepile.cli import app
from iepile_dataset.export.manifest import _sealed

from ..fuzzing import FUZZ, JSON


def places(value, place=()):
    """The place of each part of a JSON value, as keys from the top."""
    yield place
    parts = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    for key, part in parts:
        yield from places(part, (*place, key))


def altered(value, place, part):
    if not place:
        return part
    copy = dict(value) if isinstance(value, dict) else list(value)
    copy[place[0]] = altered(value[place[0]], place[1:], part)
    return copy


def one_line(command):
    done = CliRunner().invoke(app, command)
    assert done.exception is None or isinstance(done.exception, SystemExit), repr(done.exception)
    errors = [line for line in done.stderr.splitlines() if line.startswith("error: ")]
    assert len(errors) <= 1, done.stderr
    assert done.exit_code == len(errors) or command[0] == "verify" or command[1] == "check"  # 1 where things differ


def strange(data, record):
    """A record with something else in one place or two."""
    for place in data.draw(st.lists(st.sampled_from(sorted(places(record), key=str)), min_size=1, max_size=2)):
        with suppress(KeyError, IndexError, TypeError):  # what was altered before has no such place
            record = altered(record, place, data.draw(JSON))
    return json.dumps(record)


@pytest.mark.slow
@pytest.mark.parametrize("name", ["run.json", "scores.json", "adapter_config.json"])
@FUZZ
@given(data=st.data())
def test_any_run_record_gives_a_page_or_is_refused_in_one_line(run, name, data):
    kept = (run / name).read_bytes() if (run / name).exists() else b'{"base_model_name_or_path": "a/b"}'
    words = data.draw(st.sampled_from([["card", "model"], ["card", "check"], ["push", "model"]]))
    try:
        (run / name).write_text(strange(data, json.loads(kept)))
        one_line([*words, str(run), *(["a/b", "--dry-run"] if "push" in words else [])])
    finally:
        (run / name).write_bytes(kept)


@pytest.mark.slow
@FUZZ
@given(data=st.data())
def test_any_manifest_gives_a_page_or_is_refused_in_one_line(prepared, data):
    file = prepared / "manifest.json"
    kept = file.read_bytes()
    words = data.draw(st.sampled_from([["card", "dataset"], ["card", "check"], ["push", "dataset"], ["verify"]]))
    try:
        manifest = json.loads(strange(data, json.loads(kept)))
        file.write_text(json.dumps(_sealed(manifest) if isinstance(manifest, dict) else manifest))  # as a forger would
        one_line([*words, str(prepared), *(["a/b", "--dry-run"] if "push" in words else [])])
    finally:
        file.write_bytes(kept)
