"""Whatever stands in a file of somebody else, the answer is rows, a problem with its place, or one line that says why."""

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from iepile_dataset.errors import DataError
from iepile_dataset.export.prepare import prepare
from iepile_dataset.hard_negatives import read_hard_negatives
from iepile_dataset.schema import parse_schema
from iepile_dataset.validation.validate import validate

from ..fuzzing import FUZZ, JSON

ENTITY = st.fixed_dictionaries({}, optional={"entity": JSON, "entity_type": JSON, "start": JSON, "end": JSON})
RECORDS = st.fixed_dictionaries({}, optional={"text": JSON, "entity": JSON | st.lists(ENTITY), "id": JSON})
LINES = st.lists(
    RECORDS.map(json.dumps).map(str.encode) | JSON.map(json.dumps).map(str.encode) | st.binary(), max_size=8
)
GOOD = json.dumps({"text": "In Ulm", "entity": [{"entity": "Ulm", "entity_type": "city"}]}).encode()


def one_line(said):
    return "\n" not in str(said) and "Traceback" not in str(said)


def outcome(function, *args):
    """(what it gives, None), or None and the line that says why not; any other exception is the test's."""
    try:
        return function(*args), None
    except DataError as error:
        said = str(error)
    assert one_line(said)
    return None, said


@FUZZ
@given(lines=LINES)
def test_every_line_becomes_rows_or_a_problem_with_its_place(tmp_path_factory, lines):
    folder = tmp_path_factory.mktemp("fuzz")
    source = folder / "in/IE-en/NER/a"
    source.mkdir(parents=True)
    (source / "schema.json").write_text('["city"]\n[]\n{}\n')
    content = b"\n".join([GOOD, *lines, GOOD]) + b"\n"
    (source / "train.json").write_bytes(content)
    done = prepare(folder / "out", folder / "in")
    numbered = [number for number, line in enumerate(content.split(b"\n"), 1) if line.strip()]
    assert done.total("read") == len([line for line in content.split(b"\n") if line and not line.isspace()])
    assert done.total("read") - done.left_out >= 2
    assert {problem.line for problem in done.problems} <= set(numbered)
    assert all(one_line(problem) for problem in done.problems)
    assert all(one_line(place) for group in validate([folder / "in"]).groups.values() for place in group.places)


@FUZZ
@given(
    text=st.text()
    | JSON.map(json.dumps)
    | st.lists(JSON.map(json.dumps), min_size=3, max_size=3).map("\n".join)
    | st.text(alphabet="[]{}:,-&*<>|\"' \n!%@#a1.", max_size=60)
)
def test_any_text_is_a_schema_or_refused_in_one_line(text):
    schema, error = outcome(parse_schema, text)
    assert error is None or error.startswith("schema.json")
    if schema is not None:
        assert all(isinstance(label, str) and label for label in (*schema.types, *schema.relations))


@FUZZ
@given(content=JSON.map(json.dumps).map(str.encode) | st.binary())
def test_any_bytes_are_a_dictionary_or_refused_with_its_name(tmp_path, content):
    file = tmp_path / "K.json"
    file.write_bytes(content)
    _, error = outcome(read_hard_negatives, str(file))
    assert error is None or error.startswith(str(file))


@FUZZ
@pytest.mark.parametrize("name", ["a.json", "a.jsonl", "a.conll", "a.txt", "a.ann", "a.tsv", "a.csv", "a.spacy"])
@given(content=JSON.map(json.dumps).map(str.encode) | LINES.map(b"\n".join) | st.binary() | st.text().map(str.encode))
def test_any_file_is_imported_or_refused_in_one_line(tmp_path_factory, name, content):
    from iepile_dataset.exchange.importing import import_source

    folder = tmp_path_factory.mktemp("fuzz")
    (folder / name).write_bytes(content)
    _, error = outcome(import_source, folder / name, folder / "out")
    assert (folder / "out").exists() == (error is None)
