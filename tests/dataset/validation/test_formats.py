"""Which format a file has, and the JSON Schema of each."""

import json
import subprocess

import pytest
from jsonschema import Draft202012Validator

from iepile_dataset.errors import DataError
from iepile_dataset.tasks import TASKS
from iepile_dataset.validation.shapes import format_names, format_schema
from iepile_dataset.validation.validate import validate

from .conftest import reasons, row, write


def test_every_json_schema_is_a_valid_one_and_says_what_to_do():
    for name in format_names():
        schema = format_schema(name)
        Draft202012Validator.check_schema(schema)
        assert schema["title"]
        assert schema["description"]


def test_every_annotation_of_the_task_table_has_a_json_schema():
    assert {task.annotation for task in TASKS.values()} <= set(format_names())


@pytest.mark.parametrize(
    ("name", "value", "found"),
    [
        ("K.json", {"city": ["river"]}, []),
        ("K.json", {"city": ["river", 5]}, ["0: city[1] is 5, not a string"]),
        ("K.json", {"NER": {"towns": {"city": ["river"]}}}, []),
        ("K.json", {"NER": {"towns": {"city": "river"}}}, ['0: NER.towns.city is "river", not a list']),
        ("manifest.json", {"rows": 1, "options": {}, "versions": {}, "sources": []}, []),
        ("manifest.json", {"rows": -1}, None),
        ("quarantine.jsonl", {"file": "a", "line": 1, "reason": "r", "remedy": "m", "raw": ""}, []),
        ("quarantine.jsonl", {"file": "a", "line": "1", "reason": "r", "remedy": "m", "raw": ""},
         ['1: line is "1", not a whole number']),
    ],
)  # fmt: skip
def test_the_other_formats_are_recognised_and_checked(tmp_path, name, value, found):
    result = reasons(write(tmp_path / name, value))
    assert result == found if found is not None else result


def test_a_pretty_printed_dictionary_is_recognised(tmp_path):
    (tmp_path / "K.json").write_text(json.dumps({"city": ["river", None]}, indent=2), "utf-8")
    assert reasons(tmp_path / "K.json") == ["0: city[1] is None, not a string"]


def test_a_file_of_no_known_format_is_named_and_can_be_told(tmp_path):
    file = write(tmp_path / "x.json", {"a": 1})
    assert reasons(file) == ["0: its format is not recognised"]
    assert reasons(file, as_format="negatives-flat") == ["0: a is 1, not a list"]
    write(tmp_path / "K.json", {"city": []})
    report = validate([tmp_path])
    assert [(group.kind, list(group.files)) for group in report.groups.values()] == [
        ("its format is not recognised", [str(file)])
    ]
    assert [(checked.file, checked.format) for checked in report.files] == [(f"{tmp_path}/K.json", "negatives-flat")]
    with pytest.raises(DataError, match="unknown format"):
        validate([file], as_format="nothing")
    with pytest.raises(DataError, match="no such file or folder"):
        validate([tmp_path / "absent"])
    (tmp_path / "empty").mkdir()
    with pytest.raises(DataError, match="nothing to check"):
        validate([tmp_path / "empty"])


def test_a_gzipped_file_is_read_too(tmp_path):
    file = write(tmp_path / "rows.jsonl", row(), row(output="{"))
    subprocess.run(["gzip", str(file)], check=True)
    assert reasons(f"{file}.gz")[0].startswith("2: output is not JSON")


# Small alphabets, so that mentions, labels and roles are often right.
