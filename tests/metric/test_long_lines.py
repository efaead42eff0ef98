"""Lines and elements that would fill the memory, and files that cannot be read twice."""

import gzip
import json
import os

import pytest

from iepile_metric import files

ROW = {"task": "ner", "output": '{"city": ["Ulm"]}', "label": '[{"entity": "Ulm", "entity_type": "city"}]'}


@pytest.fixture
def short(monkeypatch):
    """Lines are too long from 3 MB on: 64 MB would make the test slow."""
    monkeypatch.setattr(files, "LONGEST", 3 << 20)


@pytest.mark.parametrize("suffix", [".jsonl", ".jsonl.gz"])
def test_a_line_that_is_too_long_is_named_and_the_rest_is_scored(tmp_path, short, suffix):
    good, long = json.dumps(ROW), json.dumps({**ROW, "more": "x" * (4 << 20)})
    file = tmp_path / f"a{suffix}"
    with gzip.open(file, "wt") if suffix.endswith("gz") else file.open("w") as out:
        out.write("\n".join([good, long, good, long]))
    scores, bad = files.score_file(file)
    assert (scores["tp"], [line.line for line in bad]) == (2, [2, 4])
    assert str(bad[0]) == f"{file}:2: the line is longer than 3 MB"


@pytest.mark.parametrize("indent", [None, 2])
@pytest.mark.parametrize("size", [0, 5, (1 << 20) - 40, 2 << 20])
def test_an_array_is_read_element_by_element(tmp_path, indent, size):
    rows = [{**ROW, "odd": '"]},[{\\' + "é" * size}, ROW, {**ROW, "list": [[], {}, [{"a": "]"}]]}]
    file = tmp_path / "a.json"
    file.write_text(json.dumps(rows, indent=indent, ensure_ascii=size % 2 == 1))
    assert [json.loads(line) for line in files.lines_of(file)] == rows


@pytest.mark.parametrize(
    ("content", "words"),
    [
        ("[" * 100_000, "a JSON array that breaks off"),
        ('[{"output": "{}", "label": "[]', "a JSON array that breaks off"),
        ("[{}] {}", "something follows the JSON array"),
        ('["' + "x" * (5 << 20) + '"]', "element 1 of the JSON array is longer than 3 MB"),
    ],
)
def test_an_array_that_cannot_be_read_is_named(tmp_path, short, content, words):
    file = tmp_path / "a.json"
    file.write_text(content)
    with pytest.raises(ValueError, match=f"^{file}: {words}"):
        files.score_file(file)


def test_a_pipe_is_no_file_of_answers(tmp_path):
    os.mkfifo(tmp_path / "a.jsonl")
    with pytest.raises(ValueError, match="a pipe or a device, and a file is read more than once"):
        files.score_file(tmp_path / "a.jsonl")
