"""Input that nobody planned for is read right, or refused in words."""

import json
import logging
import os
from collections import Counter
from pathlib import Path

import pytest
from datasets import load_dataset

import iepile  # noqa: F401
from iepile_dataset import DataError, Options, Schema, parse_schema
from iepile_dataset.corpus.record_check import problems
from iepile_dataset.corpus.shards import make_shards
from iepile_dataset.corpus.sources import find_sources
from iepile_dataset.instructions.generate import limit_empty
from iepile_dataset.instructions.sampling import Draw
from iepile_dataset.instructions.tables import tables
from iepile_dataset.tasks import TASKS
from iepile_dataset.validation import validate

from .conftest import NER_SCHEMA

ULM = {"text": "In Ulm", "entity": [{"entity": "Ulm", "entity_type": "city"}]}
BONN = {"text": "In Bonn", "entity": [{"entity": "Bonn", "entity_type": "city"}]}


def rows(split="train", task="ner", **options):
    return list(load_dataset("iepile", task, split=split, streaming=True, **options))


def texts(found):
    return [json.loads(row["instruction"])["input"] for row in found]


def write(file: Path, *records):
    file.write_text("".join(json.dumps(record) + "\n" for record in records), "utf-8")
    return str(file)


def test_every_given_file_gives_its_rows_with_ids_of_their_own(source, tmp_path):
    folder = source(tmp_path / "towns", NER_SCHEMA)
    a, b = write(folder / "a.json", ULM), write(folder / "b.json", BONN)
    for files in ({"train": [a, b]}, [a, b], str(folder / "*.json")):  # the pattern catches schema.json as well
        found = rows(data_files=files)
        assert texts(found) == ["In Ulm", "In Bonn"]
        assert [row["id"] for row in found] == ["en/NER/towns/train:1", "en/NER/towns-b/train:1"]
    both = load_dataset("iepile", "ner", data_files={"train": a, "test": a}, streaming=True)
    assert {split: texts(part) for split, part in both.items()} == {"train": ["In Ulm"], "test": ["In Ulm"]}


def test_an_edited_schema_beside_given_files_is_seen(source, tmp_path):
    file = str(source(tmp_path / "towns", NER_SCHEMA, train=[ULM]) / "train.json")
    asked = lambda: json.loads(load_dataset("iepile", "ner", data_files=file)["train"][0]["instruction"])["schema"]  # noqa: E731
    assert set(asked()) == {"city", "person", "river"}
    source(tmp_path / "towns", '["city"]\n[]\n{}\n')
    assert asked() == ["city"]
    write(tmp_path / "towns/train.json", BONN)
    assert texts(load_dataset("iepile", "ner", data_files=file)["train"]) == ["In Bonn"]


def test_two_folders_of_one_name_do_not_share_ids(source, tmp_path):
    first = source(tmp_path / "a/NER/x", NER_SCHEMA, train=[ULM])
    second = source(tmp_path / "b/NER/x", NER_SCHEMA, train=[BONN])
    found, wrong = find_sources(TASKS["ner"], Options(), str(tmp_path))
    assert [source.path for source in found] == [str(first)]
    assert [str(problem) for problem in wrong] == [f"{second}: {first} is called en/NER/x too (rename one)"]
    with pytest.raises(DataError, match="en/NER/x too"):
        rows(data_files=[str(first / "train.json"), str(second / "train.json")])


def test_linked_source_folders_are_followed_and_dead_links_told(source, tmp_path):
    elsewhere = source(tmp_path / "elsewhere/towns", NER_SCHEMA, train=[ULM])
    tree = tmp_path / "tree/IE-en/NER"
    tree.mkdir(parents=True)
    (tree / "towns").symlink_to(elsewhere)
    (tree / "again").symlink_to(tmp_path / "tree")  # leads round in a circle
    assert [row["id"] for row in rows(data_dir=str(tmp_path / "tree"))] == ["en/NER/towns/train:1"]
    assert {Path(checked.file).name for checked in validate([tmp_path / "tree"]).files} == {"schema.json", "train.json"}
    (source(tree / "dead", NER_SCHEMA) / "train.json").symlink_to(tmp_path / "nowhere")
    _, wrong = find_sources(TASKS["ner"], Options(), str(tmp_path / "tree"))
    assert "train.json is a link to a file that is not there" in str(wrong[0])
    assert "cannot be read" in {group.kind for group in validate([tmp_path / "tree"]).sorted_groups()}


def test_a_damaged_packed_file_is_a_finding(source, tmp_path):
    (source(tmp_path / "NER/x", NER_SCHEMA) / "train.json.gz").write_bytes(b"\x1f\x8b\x08 broken")
    assert "cannot be read" in {group.kind for group in validate([tmp_path]).sorted_groups()}


def test_escaped_chinese_is_chinese_and_long_first_lines_and_byte_order_marks_are_read(source, tmp_path):
    folder = source(tmp_path / "x", NER_SCHEMA)
    (folder / "train.json").write_text(json.dumps({"text": "我在乌尔姆" * 20000, "entity": []}) + "\n", "utf-8-sig")
    assert rows(data_dir=str(folder))[0]["language"] == "zh"


def test_a_text_that_is_no_string_is_set_aside_in_every_split(source, tmp_path, caplog):
    odd = [{**ULM, "text": 5}, {**ULM, "text": ["In Ulm"]}, {**ULM, "entity": {}}, {**ULM, "entity": "x"}]
    source(tmp_path / "NER/x", '["city"]\n[]\n{}', train=[*odd, ULM], test=[*odd, ULM])
    for split in ("train", "test"):
        assert texts(rows(split, data_dir=str(tmp_path))) == ["In Ulm"]
    assert '"text" is 5 (give the text as a string)' in caplog.text


def test_schemas_in_json_are_read_as_json():
    assert parse_schema('{"types": ["\\ud83d\\ude00"]}').types == ("😀",)
    assert parse_schema('{\n\t"types": ["city"]\n}').types == ("city",)
    assert parse_schema('["a\u2028b"]\r\n[]\r\n{}').types == ("a\u2028b",)
    with pytest.raises(DataError, match="is not Unicode text"):
        parse_schema('["\\ud83d"]\n[]\n{}')


def test_one_alias_is_one_alias_and_other_values_are_refused():
    assert parse_schema('{"types": {"city": {"aliases": "town"}}}').descriptions == {"city": "Aliases: town"}
    with pytest.raises(DataError, match="city: examples are 5"):
        parse_schema('{"types": {"city": {"examples": 5}}}')


def test_a_meta_json_that_is_no_object_is_told(source, tmp_path):
    (source(tmp_path / "NER/x", NER_SCHEMA, train=[ULM]) / "meta.json").write_text("[]")
    with pytest.raises(DataError, match=r"meta.json is \[\], not an object"):
        rows(data_dir=str(tmp_path))


def test_paths_may_be_path_objects(source, tmp_path):
    folder = source(tmp_path / "NER/x", NER_SCHEMA, train=[ULM])
    (tmp_path / "K.json").write_text('{"city": ["river"]}', "utf-8-sig")
    hard = {"negatives": "hard", "hard_negatives": tmp_path / "K.json"}
    assert texts(rows(data_dir=tmp_path, **hard)) == ["In Ulm"]
    assert texts(rows(data_files={"train": folder / "train.json"})) == ["In Ulm"]


@pytest.mark.parametrize(
    ("option", "value"),
    [("num_shards", 0), ("num_shards", -1), ("num_shards", "2"), ("source", 5), ("tokenizer", 5), ("strict", "no")],
)
def test_wrong_values_are_refused_in_words(option, value):
    with pytest.raises(DataError, match=option):
        load_dataset("iepile", "ner", **{option: value})


def test_a_seed_may_have_any_length():
    assert Draw(10**70, 0).keys(b"x", 1) != Draw(10**70 + 1, 0).keys(b"x", 1)


def test_a_relative_dictionary_is_found_after_the_folder_was_changed(source, tmp_path, monkeypatch):
    source(tmp_path / "NER/x", NER_SCHEMA, train=[ULM])
    (tmp_path / "K.json").write_text('{"city": ["river"]}')
    monkeypatch.chdir(tmp_path)
    stream = load_dataset("iepile", "ner", data_dir=".", streaming=True, negatives="hard", hard_negatives="K.json")
    os.chdir("/")
    assert texts(stream["train"]) == ["In Ulm"]


def test_only_the_parent_and_names_below_the_given_folder_say_the_task(source, tmp_path):
    source(tmp_path / "re/mydata/towns", NER_SCHEMA, train=[ULM])
    assert len(rows(data_dir=str(tmp_path / "re/mydata"))) == 1
    source(tmp_path / "NER/group/x", NER_SCHEMA, train=[{"text": "no annotation here", "entity": []}])
    assert [s.name for s in find_sources(TASKS["ner"], Options(), str(tmp_path / "NER"))[0]] == ["x"]


def test_files_and_missing_tasks_are_named(source, tmp_path):
    folder = source(tmp_path / "IE-en/NER/x", NER_SCHEMA, train=[ULM])
    with pytest.raises(DataError, match="is a file"):
        rows(data_dir=str(folder / "train.json"))
    with pytest.raises(DataError, match="IE-en/SPO/<source>"):
        rows(task="spo", data_dir=str(tmp_path))


def test_split_files_that_are_not_read_are_told(source, tmp_path):
    folder = source(tmp_path / "NER/x", NER_SCHEMA, train=[ULM])
    write(folder / "train.jsonl", BONN)
    (folder / "train.json.gz").write_bytes(b"")
    found, wrong = find_sources(TASKS["ner"], Options(), str(tmp_path))
    assert [source.files["train"] for source in found] == [str(folder / "train.json")]
    assert [problem.reason.split()[0] for problem in wrong] == ["train.jsonl", "train.json.gz"]


TYPED = Schema(triples={"city_in_state": ("city", "in", "state")})
BOTH = Schema(relations=("near",), triples=TYPED.triples)
GRAPH = Schema(types=("person",), roles={"person": ("born in",)})


@pytest.mark.parametrize(
    ("schema", "item", "fits"),
    [
        (TYPED, {"relation": "in", "head_type": "city", "tail_type": "state"}, True),
        (TYPED, {"relation": "in", "head_type": "state", "tail_type": "city"}, False),
        (TYPED, {"relation": "in"}, False),
        (TYPED, {"relation": "near"}, False),
        (BOTH, {"relation": "near"}, True),
        (BOTH, {"relation": "in", "head_type": "city", "tail_type": "city"}, False),
        (GRAPH, {"relation": "born in", "head_type": "person"}, True),
        (GRAPH, {"relation": "born in", "head_type": "city"}, False),
        (GRAPH, {"relation": "born in", "head_type": ["x"]}, False),
    ],
)
def test_typed_relations_and_attributes_are_in_the_schema(schema, item, fits):
    record = {"text": "Ulm, Bavaria", "relation": [{"head": "Ulm", "tail": "Bavaria", **item}]}
    assert (not list(problems(record, "relation", schema))) == fits


def test_a_record_with_the_wrong_types_is_told_so(source, tmp_path, caplog):
    schema = '[]\n["in"]\n{"in": [["city", "state"]]}'
    item = {"head": "Ulm", "relation": "in", "tail": "Bavaria"}
    good, wrong = {**item, "head_type": "city", "tail_type": "state"}, {**item, "head_type": "x", "tail_type": "state"}
    records = [{"text": "Ulm, Bavaria", "relation": [one]} for one in (good, wrong, item)]
    source(tmp_path / "RE/x", schema, train=records)
    assert len(rows(task="spo", data_dir=str(tmp_path))) == 1
    assert 'relation "in" from "x" to "state" is not in the schema' in caplog.text
    assert 'no "head_type"' in caplog.text
    assert len(rows(task="re", data_dir=str(tmp_path))) == 3


def test_tables_of_long_texts_are_cut_before_they_grow_large(source, tmp_path):
    labels = [f"kind {number}" for number in range(60)]
    long = {"text": "x" * 1_000_000, "entity": []}
    source(tmp_path / "NER/x", f"{json.dumps(labels)}\n[]\n{{}}", train=[long] * 5)
    found, _ = find_sources(TASKS["ner"], Options(), str(tmp_path))
    (shard,) = make_shards(found, "train")
    # 60 labels, 6 at a time: 10 rows of 1 MB each, so every record fills a table of 1 MB.
    assert [len(table) for table in tables(shard, Options(), Counter(), print)] == [10] * 5


def test_labels_unknown_to_the_dictionary_are_counted_once_whatever_the_shards(source, tmp_path):
    source(tmp_path / "NER/x", NER_SCHEMA, train=[ULM] * 20, test=[ULM])
    (tmp_path / "K.json").write_text('{"city": ["village"]}')
    options = Options(negatives="hard", hard_negatives=str(tmp_path / "K.json"))
    found, _ = find_sources(TASKS["ner"], options, str(tmp_path))
    counts = Counter()
    for shard in [*make_shards(found, "train", 4), *make_shards(found, "test")]:
        list(tables(shard, options, counts, print))
    assert counts["en/NER/x", "unknown_hard_negatives"] == 1


def test_what_options_take_from_the_data_is_said(source, tmp_path, caplog):
    folder = source(tmp_path / "NER/x", NER_SCHEMA, train=[{"text": "nothing", "entity": []}])
    (tmp_path / "K.json").write_text('{"city": ["village"]}')
    rows(data_dir=str(tmp_path), negatives="hard", hard_negatives=str(tmp_path / "K.json"))
    assert "1 labels of the hard-negative dictionary are not in their schema" in caplog.text
    found, _ = find_sources(TASKS["ner"], Options(), str(folder))
    with caplog.at_level(logging.WARNING):
        limit_empty(found, Options(max_empty=0.5))
    assert "en/NER/x: every training answer is empty" in caplog.text
