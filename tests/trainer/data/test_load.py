"""Rows come from the dataset, a prepared folder or a file, and the manifest says what they were."""

import json
import os

import pytest

from iepile_dataset import DataError
from iepile_trainer import TrainerError
from iepile_trainer.data.arguments import DataArguments
from iepile_trainer.data.load import COLUMNS, NoSplit, load_both, load_rows, manifest
from iepile_trainer.tokenization.encode import encode


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
    from iepile_dataset.export.prepare import prepare

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
    before = file.stat()
    file.write_text("".join(json.dumps(row) + "\n" for row in row_list(4)))
    os.utime(file, ns=(before.st_mtime_ns, before.st_mtime_ns))  # as if the clock had gone back
    assert len(load_rows(DataArguments(dataset=str(tmp_path)), "train")) == 4
    with pytest.raises(TrainerError, match=r"no rows of split 'test' .make them with: iepile prepare"):
        load_rows(DataArguments(dataset=str(tmp_path)), "test")
    with pytest.raises(TrainerError, match="no row of split 'train' is of task re"):
        load_rows(DataArguments(dataset=str(tmp_path), task=["re"]), "train")


def test_a_broken_line_is_named(tmp_path, row_list):
    file = tmp_path / "train.jsonl"
    file.write_text(json.dumps(row_list(1)[0]) + "\n{oops\n")
    with pytest.raises(TrainerError, match=r"train\.jsonl:2: not JSON"):
        load_rows(DataArguments(dataset=str(file)), "train")


def test_what_cannot_be_loaded_is_said_in_one_line():
    for data, split, reason in (
        (DataArguments(task=["nerx"]), "train", 'unknown task "nerx"'),
        (DataArguments(), "trian", "trian"),
        (DataArguments(dataset="no/such"), "train", "no dataset 'no/such'"),
        (DataArguments(data_dir="/no/such"), "train", "/no/such"),
        (DataArguments(source=["nowhere"]), "train", "nowhere"),
    ):
        with pytest.raises(TrainerError, match=reason) as error:
            load_rows(data, split)
        assert "\n" not in str(error.value)


def original(folder, row_list, **splits):
    """Files as the original toolkit writes them: no id, no language, no label."""
    kept = ("task", "source", "instruction", "output")
    for name, count in splits.items():
        lines = [json.dumps({key: row[key] for key in kept}) for row in row_list(count)]
        (folder / f"{name}.json").write_text("\n".join(lines) + "\n")


def test_the_originals_train_and_dev_files_are_read_with_places_as_ids(tmp_path, row_list):
    original(tmp_path, row_list, train=30, dev=4)
    for dataset in (str(tmp_path), str(tmp_path / "train.json")):
        loaded = load_both(DataArguments(dataset=dataset), evaluate=True)
        assert (len(loaded.rows), len(loaded.eval_rows), loaded.notes) == (30, 4, ())
        assert loaded.rows["id"][:2] == ["train.json:1", "train.json:2"]
        assert loaded.eval_rows[0]["id"] == "dev.json:1"
        assert loaded.eval_rows[0]["language"] == "en"
        # The annotation is what the answer states: it can be scored.
        assert json.loads(loaded.eval_rows[0]["label"]) == json.loads(row_list(1)[0]["label"])
    assert len(load_rows(DataArguments(dataset=str(tmp_path)), "train[:20]")) == 20


def test_without_a_validation_split_whole_records_are_held_out(tmp_path, row_list):
    # 200 rows of 100 records; the default is 1 %: 2 rows, one record.
    rows = [{**row, "id": f"record {at // 2}"} for at, row in enumerate(row_list(200))]
    (tmp_path / "train.jsonl").write_text("".join(json.dumps(row) + "\n" for row in rows))
    data = DataArguments(dataset=str(tmp_path / "train.jsonl"))
    loaded = load_both(data, evaluate=True)
    assert (len(loaded.rows), len(loaded.eval_rows)) == (198, 2)
    assert "2 rows are held out" in loaded.notes[0]
    data = DataArguments(dataset=str(tmp_path / "train.jsonl"), val_set_size=0.25)
    loaded = load_both(data, evaluate=True)
    kept, out = set(loaded.rows["id"][:]), set(loaded.eval_rows["id"][:])
    assert not kept & out
    assert 50 <= len(loaded.eval_rows) <= 51
    assert load_both(data, evaluate=True).eval_rows["id"][:] == loaded.eval_rows["id"][:]
    data.seed = 7
    assert load_both(data, evaluate=True).eval_rows["id"][:] != loaded.eval_rows["id"][:]
    assert load_both(data, evaluate=False).eval_rows is None
    few = load_both(
        DataArguments(dataset=str(tmp_path / "train.jsonl"), val_set_size=40, max_eval_rows=10), evaluate=True
    )
    assert (len(few.rows), len(few.eval_rows)) == (160, 40)  # nothing falls between the two
    with pytest.raises(TrainerError, match="holding out 500 of 200 rows leaves none"):
        load_both(DataArguments(dataset=str(tmp_path / "train.jsonl"), val_set_size=500), evaluate=True)
    with pytest.raises(NoSplit, match="no rows of split 'dev2'"):  # an asked one is not replaced
        load_both(DataArguments(dataset=str(tmp_path / "train.jsonl"), eval_split="dev2"), evaluate=True)


def test_rows_about_one_text_are_held_out_together(tmp_path, row_list):
    rows = [{**row, "id": f"{at}", "task": task} for at, row in enumerate(row_list(60)) for task in ("NER", "RE")]
    (tmp_path / "train.jsonl").write_text("".join(json.dumps(row) + "\n" for row in rows))
    loaded = load_both(DataArguments(dataset=str(tmp_path), val_set_size=10), evaluate=True)
    texts = [{json.loads(row["instruction"])["input"] for row in part} for part in (loaded.rows, loaded.eval_rows)]
    assert not texts[0] & texts[1]


def test_labels_are_drawn_anew_for_each_epoch_and_held_out_records_stay_out():
    data = DataArguments(task=["ner"], negatives="0.5", redraw=3, val_set_size=20)
    loaded = load_both(data, evaluate=True)
    draws = loaded.rows
    assert len(draws) == 3
    assert len({tuple(draw["instruction"][:]) for draw in draws}) == 3
    assert len({tuple(sorted(set(draw["id"][:]))) for draw in draws}) == 1  # the same records, asked otherwise
    assert not set(draws[0]["id"][:]) & set(loaded.eval_rows["id"][:])
    # A draw is what the option `epoch` gives.
    second = load_rows(DataArguments(task=["ner"], negatives="0.5", epoch=1), "train")
    assert set(draws[1]["instruction"][:]) <= set(second["instruction"][:])
    with pytest.raises(TrainerError, match="--redraw makes instructions anew: it needs annotated text"):
        DataArguments(dataset="rows.jsonl", redraw=2)


def test_what_a_row_lacks_is_said_with_its_place(tmp_path):
    file = tmp_path / "train.jsonl"
    for row, reason in (
        ({"text": "In Ulm", "entity": []}, r"train\.jsonl:1: no 'instruction', only text, entity \(.*iepile prepare"),
        ({"instruction": "?"}, r"train\.jsonl:1: no 'output', only instruction"),
    ):
        file.write_text(json.dumps(row) + "\n")
        with pytest.raises(TrainerError, match=reason):
            load_rows(DataArguments(dataset=str(file)), "train")
    file.write_text("\n")
    with pytest.raises(TrainerError, match="the split 'train' is empty"):
        load_rows(DataArguments(dataset=str(file)), "train")
    (tmp_path / "rows.csv").write_text("instruction,output\n")
    with pytest.raises(TrainerError, match=r"rows\.csv: a file of rows is JSON lines, \.json or \.jsonl"):
        load_rows(DataArguments(dataset=str(tmp_path / "rows.csv")), "train")


def test_columns_of_another_type_are_refused_and_not_spelt_out_as_python_does(tmp_path, row_list):
    file = tmp_path / "train.jsonl"
    (row,) = row_list(1)
    for name in ("instruction", "output"):
        file.write_text(json.dumps(row) + "\n" + json.dumps({**row, name: json.loads(row[name])}) + "\n")
        with pytest.raises(TrainerError, match=rf"train\.jsonl:2: '{name}' is of type dict, not a string"):
            load_rows(DataArguments(dataset=str(file)), "train")
    file.write_text(json.dumps({**row, "id": 7, "label": json.loads(row["label"])}) + "\n")
    (read,) = load_rows(DataArguments(dataset=str(file)), "train").to_list()
    assert read["id"] == "7"
    assert json.loads(read["label"]) == json.loads(row["label"])


def test_rows_that_name_no_task_are_of_the_one_asked_for(tmp_path, row_list):
    file = tmp_path / "train.jsonl"
    file.write_text(json.dumps({name: row_list(1)[0][name] for name in ("instruction", "output")}) + "\n")
    (row,) = load_rows(DataArguments(dataset=str(file), task=["ner"]), "train").to_list()
    assert (row["task"], json.loads(row["label"])) == ("NER", json.loads(row_list(1)[0]["label"]))
    with pytest.raises(ValueError, match='unknown task "nerr"'):
        load_rows(DataArguments(dataset=str(file), task=["nerr"]), "train")
    with pytest.raises(TrainerError, match=r"other\.jsonl: no such file"):
        load_rows(DataArguments(dataset=str(tmp_path / "other.jsonl")), "train")


@pytest.mark.parametrize("name", ["rows.jsonl", "rows"])
def test_a_pipe_is_no_dataset(name, tmp_path):
    os.mkfifo(tmp_path / name)
    with pytest.raises(DataError, match=rf"{name}: is a pipe, a socket or a device \(write its content to a file\)"):
        load_rows(DataArguments(dataset=[str(tmp_path / name)]), "train")


def test_of_several_tasks_each_takes_the_named_sources_that_it_has():
    rows = load_rows(DataArguments(task=["ner", "re"], source=["city_news", "biographies"]), "test")
    assert {(row["task"], row["source"]) for row in rows} == {("NER", "city_news"), ("RE", "biographies")}
    with pytest.raises(TrainerError, match=r'no source "nothing" .there are biographies, chengshi_xinwen'):
        load_rows(DataArguments(task=["ner", "re"], source=["city_news", "nothing"]), "test")


def test_sources_of_several_tasks_are_drawn_by_the_seed_that_is_given():
    both = DataArguments(task=["ner", "re"], source=["city_news", "biographies"], negatives="0.5")
    alone = DataArguments(task=["ner"], source=["city_news"], negatives="0.5")
    both.seed = alone.seed = 7
    rows = load_rows(both, "train").filter(lambda task: task == "NER", input_columns="task")
    assert rows["instruction"][:] == load_rows(alone, "train")["instruction"][:]
