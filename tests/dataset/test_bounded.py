"""Schemas, dictionaries and manifests from outside: one line says what is wrong, and the other sources go on."""

import json
import tracemalloc

import pytest

from iepile_dataset.bounded import parse_json, parse_yaml
from iepile_dataset.errors import DataError
from iepile_dataset.export.manifest import read_manifest
from iepile_dataset.export.prepare import prepare
from iepile_dataset.hard_negatives import read_hard_negatives
from iepile_dataset.schema import parse_schema
from iepile_dataset.validation.validate import validate

from .conftest import NER_SCHEMA

GOOD = {"text": "In Ulm", "entity": [{"entity": "Ulm", "entity_type": "city"}]}
DEEP = "[" * 100_000 + "]" * 100_000
BOMB = "a: &a [x, x, x, x, x, x, x, x, x]\n" + "".join(
    f"{new}: &{new} [{', '.join([f'*{old}'] * 9)}]\n" for old, new in zip("abcdefghijk", "bcdefghijkl")
)
WILD = {
    "brackets": DEEP,
    "objects": '{"types":' * 5_000 + "[]" + "}" * 5_000,
    "lines": f"{DEEP}\n[]\n{{}}",
    "yaml levels": "types:\n" + "".join(" " * level + "- a:\n" for level in range(1, 3_000)),
    "yaml brackets": "types: " + "[" * 3_000 + "]" * 3_000,
    "alias bomb": f"types: [city]\n{BOMB}",
    "merge bomb": "types: [a]\na: &a {x: 1}\n" + "".join(f"{b}: &{b} {{<<: [*{a}, *{a}]}}\n" for a, b in zip("abcdefg", "bcdefgh")),
    "itself": "types: &a [*a]",
    "labels": json.dumps({"types": [str(number) for number in range(1_000_000)]}),
    "nul": '["city", "a\\u0000b"]\n[]\n{}',
    "raw nul": "types: [a\0]",
    "a date": "types: [2024-99-99]",
    "surrogate": '["\\ud800"]\n[]\n{}',
}  # fmt: skip


@pytest.mark.parametrize("schema", WILD.values(), ids=WILD)
@pytest.mark.slow
def test_a_wild_schema_leaves_out_its_source_alone(source, tmp_path, schema):
    source(tmp_path / "in/IE-en/NER/a", schema, train=[GOOD])
    source(tmp_path / "in/IE-en/NER/b", NER_SCHEMA, train=[GOOD])
    done = prepare(tmp_path / "out", tmp_path / "in")
    assert done.total("read") == 1
    (problem,) = map(str, done.problems)
    assert problem.startswith(f"{tmp_path}/in/IE-en/NER/a: schema.json")
    assert "\n" not in problem
    assert len(problem) < 800
    assert problem.endswith(")")
    assert validate([tmp_path / "in/IE-en/NER/a/schema.json"]).errors


@pytest.mark.parametrize("line", ['{"text": "x", "entity": ' + "[" * n + "]" * n + "}" for n in (300, 900, 100_000)])
def test_a_wild_record_is_set_aside(source, tmp_path, line):
    source(tmp_path / "in/IE-en/NER/a", NER_SCHEMA, train=[GOOD, line, GOOD])
    assert prepare(tmp_path / "out", tmp_path / "in").left_out == 1
    assert validate([tmp_path / "in"]).errors == 1


def test_a_bomb_takes_no_memory():
    tracemalloc.start()
    with pytest.raises(DataError, match='alias "b" is of what holds aliases itself'):
        parse_yaml(BOMB, "a.yaml")
    assert tracemalloc.get_traced_memory()[1] < 1 << 20
    tracemalloc.stop()


def test_an_alias_that_stands_for_a_plain_list_is_read():
    assert parse_schema("types: {sue: &r [who, whom], win: *r}").roles["win"] == ("who", "whom")


def test_what_is_referred_to_a_million_times_counts_as_often():
    with pytest.raises(DataError, match="more than 1,000,000 values"):
        parse_yaml("a: &a [" + "1," * 2_000 + "]\nb: [" + "*a," * 2_000 + "]", "a.yaml")


def test_other_small_files_are_held_to_the_same_bounds(tmp_path):
    for name, content in (("deep", DEEP), ("binary", "\0\1"), ("list", "[]"), ("latin", b"\xe9".decode("latin-1"))):
        file = tmp_path / name
        file.write_text(content)
        for read in (read_hard_negatives, lambda file: read_manifest(tmp_path / file)):
            with pytest.raises(DataError) as error:
                read(str(file))
            assert str(error.value).startswith(str(file))
            assert "\n" not in str(error.value)


def test_a_depth_and_a_size_that_people_write_pass():
    assert parse_json("[" * 64 + "]" * 64, "")
    assert len(parse_json(json.dumps(list(range(999_999))), "")) == 999_999
