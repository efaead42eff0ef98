"""Rows come from the dataset, a prepared folder or a file, and the manifest says what they were."""

import json

import pytest

from iepile_trainer import TrainerError
from iepile_trainer.arguments import DataArguments
from iepile_trainer.data import COLUMNS, load_rows, manifest
from iepile_trainer.tokens import encode


def test_the_sample_corpus_gives_rows_for_several_tasks(tokenizer):
    data = DataArguments(task=["ner", "re"], language="en", split_num=3)
    rows = load_rows(data, "train")
    assert tuple(rows.column_names) == COLUMNS
    assert set(rows["task"]) == {"NER", "RE"}
    assert set(rows["language"]) == {"en"}
    assert all(len(json.loads(row["instruction"])["schema"]) <= 3 for row in rows)
    encoded, _ = encode(rows, tokenizer, None)
    ner, re = manifest(encoded, data, "train")
    assert (ner["config"], re["config"]) == ("ner", "re")
    assert ner["rows"] + re["rows"] == len(rows)
    assert ner["tokens"] + re["tokens"] == sum(encoded["length"])
    assert set(ner["source"]) == {row["source"] for row in rows if row["task"] == "NER"}
    assert ner["licences"]
    assert ner["options"]["split_num"] == 3


def test_a_prepared_folder_gives_the_same_rows_as_the_dataset(tmp_path):
    from iepile_dataset.prepare import prepare

    prepare(tmp_path / "rows", tasks=["ner", "re"])
    folder = DataArguments(dataset=str(tmp_path / "rows"), task=["ner"])
    assert sorted(load_rows(folder, "train")["instruction"]) == sorted(
        load_rows(DataArguments(), "train")["instruction"]
    )
    encoded = load_rows(folder, "train").map(lambda row: {"length": 1})
    assert (
        manifest(encoded, folder, "train")[0]["licences"] == manifest(encoded, DataArguments(), "train")[0]["licences"]
    )
    both = DataArguments(dataset=str(tmp_path / "rows"), language="zh")
    rows = load_rows(both, "test", max_rows=5)
    assert len(rows) == 5
    assert set(rows["language"]) == {"zh"}
    with pytest.raises(TrainerError, match=r"no configuration 'ee' \(there are ner, re\)"):
        load_rows(DataArguments(dataset=str(tmp_path / "rows"), task=["ee"]), "train")


def test_files_of_rows_are_read_anew_when_they_change(tmp_path, row_list):
    file = tmp_path / "train.jsonl"
    file.write_text("".join(json.dumps(row) + "\n" for row in row_list(3)))
    assert len(load_rows(DataArguments(dataset=str(file)), "train")) == 3
    file.write_text("".join(json.dumps(row) + "\n" for row in row_list(4)))
    assert len(load_rows(DataArguments(dataset=str(tmp_path)), "train")) == 4
    with pytest.raises(TrainerError, match=r"no rows of split 'test' .make them with: iepile prepare"):
        load_rows(DataArguments(dataset=str(tmp_path)), "test")
    with pytest.raises(TrainerError, match=r"no row of split 'train' matches task \['re'\]"):
        load_rows(DataArguments(dataset=str(tmp_path), task=["re"]), "train")


def test_a_broken_line_is_named(tmp_path, row_list):
    file = tmp_path / "train.jsonl"
    file.write_text(json.dumps(row_list(1)[0]) + "\n{oops\n")
    with pytest.raises(TrainerError, match=r"train\.jsonl:2: not JSON"):
        load_rows(DataArguments(dataset=str(file)), "train")


def test_what_cannot_be_loaded_is_said_in_one_line():
    for data, split, reason in (
        (DataArguments(task=["nerx"]), "train", "'nerx' not found"),
        (DataArguments(), "trian", "trian"),
        (DataArguments(dataset="no/such"), "train", "no dataset 'no/such'"),
        (DataArguments(data_dir="/no/such"), "train", "/no/such"),
        (DataArguments(source=["nowhere"]), "train", "nowhere"),
    ):
        with pytest.raises(TrainerError, match=reason) as error:
            load_rows(data, split)
        assert "\n" not in str(error.value)
