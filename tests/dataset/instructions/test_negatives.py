import json

import pytest
from datasets import load_dataset

import iepile  # noqa: F401
from iepile_dataset import DataError, Options, Schema
from iepile_dataset.export.prepare import prepare
from iepile_dataset.hard_negatives import HardNegatives
from iepile_dataset.instructions.instructor import Instructor
from iepile_dataset.tasks import TASKS

from ..conftest import NER_SCHEMA

SCHEMA = Schema(types=tuple("abcdefghijklmnop"))
ITEMS = [{"entity": "x", "entity_type": "a"}]


def asked(tmp_path, dictionary, items=ITEMS, **options):
    file = tmp_path / "K.json"
    file.write_text(json.dumps(dictionary))
    options = Options(negatives="hard", hard_negatives=str(file), **options)
    asker = Instructor(TASKS["ner"], SCHEMA, "en", True, options, "mine")
    labels = [label for schema in asker.ask("x", items).asked for label in json.loads(schema)]
    return set(labels), asker.unknown_hard


@pytest.mark.parametrize("dictionary", [{"a": ["b", "c"]}, {"NER": {"mine": {"a": ["b", "c"]}}}])
def test_hard_negatives_always_enter_and_others_at_most_split_num(tmp_path, dictionary):
    # "a" occurs, "b" and "c" are hard: with split_num=3 at most three of the other 13 are asked beside them.
    labels, _ = asked(tmp_path, dictionary, split_num=3)
    assert {"a", "b", "c"} <= labels
    assert len(labels) == 6


def test_without_positives_only_a_few_others_are_asked(tmp_path):
    assert len(asked(tmp_path, {"a": ["b"]}, items=[])[0]) == 6


def test_hard_without_a_dictionary_asks_a_few_others():
    asker = Instructor(TASKS["ner"], SCHEMA, "en", True, Options(negatives="hard"))
    assert sum(len(json.loads(schema)) for schema in asker.ask("x", ITEMS).asked) == 1 + 6


def test_unknown_labels_are_ignored_and_counted(tmp_path):
    labels, unknown = asked(tmp_path, {"a": ["zebra", "b"], "yak": ["b"]}, split_num=1)
    assert {"a", "b"} <= labels
    assert unknown == 2


def test_a_source_of_several_files_finds_the_entries_of_its_name():
    nested = HardNegatives({}, {"ner": {"towns": {"a": ("b",)}, "old-towns": {"a": ("c",)}}})
    assert nested.of("NER", "towns-north-2", "ab") == ({"a": ("b",)}, 0)
    assert nested.of("NER", "old-towns", "ac") == ({"a": ("c",)}, 0)


def test_another_sources_entries_are_not_used(tmp_path):
    assert len(asked(tmp_path, {"ner": {"theirs": {"a": list("bcdefghij")}}}, split_num=1)[0]) == 2


@pytest.mark.parametrize(
    ("content", "message"),
    [("[]", "not an object"), ("{", "not JSON"), ('{"a": "b"}', "holds"), ('{"a": [1]}', r"has \[1\]")],
)
def test_a_dictionary_of_another_form_is_refused(tmp_path, content, message):
    (tmp_path / "K.json").write_text(content)
    with pytest.raises(DataError, match=message):
        Instructor(TASKS["ner"], SCHEMA, "en", True, Options(negatives="hard", hard_negatives=str(tmp_path / "K.json")))


def test_an_edited_dictionary_makes_other_rows(tmp_path, source):
    source(
        tmp_path / "in/IE-en/NER/t",
        NER_SCHEMA,
        train=[{"text": "Ulm", "entity": [{"entity": "Ulm", "entity_type": "city"}]}],
    )
    file = tmp_path / "K.json"
    counts = []
    for hard in (["river"], ["river", "person"]):
        file.write_text(json.dumps({"city": hard}))
        rows = load_dataset("iepile", "ner", split="train", data_dir=str(tmp_path / "in"), negatives="hard",
                            hard_negatives=str(file), split_num=1)  # fmt: skip
        counts.append(len(rows))
    # city, the hard ones, and at most one other: 1 + 1 + 1 and 1 + 2 + 0.
    assert counts == [3, 3]
    file.write_text("{}")
    rows = load_dataset("iepile", "ner", split="train", data_dir=str(tmp_path / "in"), negatives="hard",
                        hard_negatives=str(file), split_num=1)  # fmt: skip
    assert len(rows) == 2


@pytest.mark.parametrize("num_shards", [1, 5])
def test_empty_answers_are_limited_exactly_whatever_the_shards(tmp_path, source, num_shards):
    records = [
        {"text": f"Ulm {n}", "entity": [{"entity": "Ulm", "entity_type": "city"}] if n < 30 else []} for n in range(100)
    ]
    source(tmp_path / "in/IE-en/NER/t", NER_SCHEMA, train=records, test=records)
    rows = load_dataset("iepile", "ner", data_dir=str(tmp_path / "in"), max_empty=0.25, num_shards=num_shards)
    # 30 rows hold something; with 10 empty ones the share is 10/40.
    empty = [row for row in rows["train"] if not any(json.loads(row["output"]).values())]
    assert (len(rows["train"]), len(empty)) == (40, 10)
    assert len(rows["test"]) == 100
    assert [row["id"] for row in empty] == sorted((row["id"] for row in empty), key=lambda i: int(i.rpartition(":")[2]))


def test_the_limit_is_counted_before_and_after(tmp_path, source):
    records = [
        {"text": f"Ulm {n}", "entity": [{"entity": "Ulm", "entity_type": "city"}] if n < 5 else []} for n in range(20)
    ]
    source(tmp_path / "in/IE-en/NER/t", NER_SCHEMA, train=records)
    done = prepare(tmp_path / "out", str(tmp_path / "in"), options=Options(max_empty=0.5))
    assert done.total("dropped_empty") == 10
    assert (done.total("empty_rows"), done.total("rows"), done.total("read")) == (5, 10, 20)


def test_an_epoch_redraws_the_negatives_and_their_order_from_the_same_seed():
    draws = [
        [
            row["instruction"]
            for row in load_dataset("iepile", "ner", split="train", streaming=True, negatives=0.5, epoch=n)
        ]
        for n in (0, 1, 0)
    ]
    assert draws[0] == draws[2] != draws[1]
