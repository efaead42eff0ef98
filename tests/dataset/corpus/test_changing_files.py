"""Files that change while they are read, that never end, or whose lines would fill the memory."""

import json
import os
import socket

import pytest

from iepile_dataset.cleaning import clean
from iepile_dataset.corpus import lines
from iepile_dataset.errors import DataError
from iepile_dataset.export.prepare import prepare
from iepile_dataset.validation.validate import validate

from ..conftest import NER_SCHEMA

GOOD = {"text": "In Ulm", "entity": [{"entity": "Ulm", "entity_type": "city"}]}


@pytest.fixture
def corpus(source, tmp_path):
    source(tmp_path / "in/IE-en/NER/a", NER_SCHEMA, train=[GOOD] * 3)
    source(tmp_path / "in/IE-en/NER/b", NER_SCHEMA, train=[GOOD] * 50)
    return tmp_path / "in"


def prepared_while(corpus, change, name="b"):
    """Prepare a corpus that something else changes as soon as its first part has been read."""
    files = [corpus / f"IE-en/NER/{name}/train.json"]

    def progress(done, total):
        while files:
            change(files.pop())

    return prepare(corpus.parent / "out", corpus, progress=progress)


def cut(file):
    os.truncate(file, file.stat().st_size // 2)


def rewritten(file):
    file.write_bytes(file.read_bytes().replace(b"Ulm", b"Rom"))
    os.utime(file, ns=(1, 1))


def exchanged(file):
    file.with_name("other").write_bytes(file.read_bytes() * 2)
    file.with_name("other").rename(file)


@pytest.mark.parametrize("change", [cut, rewritten, exchanged, os.unlink])
@pytest.mark.parametrize("name", ["a", "b"])  # read already, not read yet
def test_a_file_that_changes_while_it_is_read_ends_the_run_with_its_name(corpus, change, name):
    with pytest.raises(DataError, match=rf"NER/{name}/train\.json: .* while it was read.*run again"):
        prepared_while(corpus, change, name)
    assert [path.name for path in corpus.parent.iterdir()] == ["in"]


def test_a_file_that_grows_is_read_to_the_end_that_was_listed(corpus):
    before = prepare(corpus.parent / "before", corpus)

    def grow(file):
        with file.open("a") as end:
            end.write(json.dumps(GOOD) + "\n")

    after = prepared_while(corpus, grow)
    assert after.rows_sha256 == before.rows_sha256
    facts = [json.loads((done.folder / "manifest.json").read_bytes())["sources"] for done in (before, after)]
    assert facts[0] == facts[1]


def a_pipe(path):
    os.mkfifo(path)


def a_link_to_a_device(path):
    path.symlink_to("/dev/zero")


def a_socket(path):
    here = os.getcwd()
    os.chdir(path.parent)  # a socket's path is short
    with socket.socket(socket.AF_UNIX) as made:
        made.bind(path.name)
    os.chdir(here)


@pytest.mark.parametrize("put", [a_pipe, a_link_to_a_device, a_socket])
@pytest.mark.parametrize("name", ["train.json", "schema.json", "meta.json"])
def test_what_has_no_end_is_left_out_with_its_source(corpus, put, name):
    (corpus / f"IE-en/NER/a/{name}").unlink(missing_ok=True)
    put(corpus / f"IE-en/NER/a/{name}")
    done = prepare(corpus.parent / "out", corpus)
    assert done.total("read") == 50
    assert [str(problem) for problem in done.problems] == [
        f"{corpus}/IE-en/NER/a: {name} is a pipe, a socket or a device, not a file (write its content to a file)"
    ]


def test_validate_passes_over_what_has_no_end_and_says_so(corpus):
    os.mkfifo(corpus / "IE-en/NER/a/test.json")
    report = validate([corpus])
    assert [group.kind for group in report.groups.values()]
    assert report.errors == 1
    with pytest.raises(DataError, match="is a pipe, a socket or a device"):
        validate([corpus / "IE-en/NER/a/test.json"])


@pytest.fixture
def short(monkeypatch):
    """Lines are too long from 3 MB on: 64 MB would make the test slow."""
    monkeypatch.setattr(lines, "LINE_BYTES", 3 << 20)


def long_line(size):
    return json.dumps({"text": "In Ulm" + " " * size, "entity": []})


@pytest.mark.parametrize("ending", ["\n", ""])
def test_a_line_that_is_too_long_is_set_aside_and_the_next_has_its_number(corpus, short, ending):
    file = corpus / "IE-en/NER/b/train.json"
    good = json.dumps(GOOD)
    file.write_text(f"{good}\n{long_line(4 << 20)}\n{good}\n{long_line(9 << 20)}{ending}")
    done = prepare(corpus.parent / "out", corpus)
    assert (done.total("read"), done.left_out) == (3 + 4, 2)
    assert [(problem.line, problem.reason) for problem in done.problems] == [
        (2, "the line is longer than 64 MB"),
        (4, "the line is longer than 64 MB"),
    ]


@pytest.mark.parametrize("more", [-1, 0, 1])
def test_a_line_of_just_the_length_that_is_allowed_is_read(corpus, short, more):
    line = long_line(0)
    size = (3 << 20) - len(line.encode()) + more
    file = corpus / "IE-en/NER/b/train.json"
    file.write_text(long_line(size))  # without an end
    assert prepare(corpus.parent / "out", corpus).left_out == (more > 0)


def test_clean_does_not_carry_over_a_source_with_a_line_that_it_could_not_read(corpus, short):
    with (corpus / "IE-en/NER/b/train.json").open("a") as file:
        file.write(long_line(4 << 20))
    done = clean(corpus.parent / "clean", corpus)
    assert [problem.reason for problem in done.problems] == [
        f"{corpus}/IE-en/NER/b/train.json:51: the line is longer than 64 MB"
    ]
    assert done.total("read") == 3
