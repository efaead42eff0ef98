"""Token classification of the Hugging Face Hub."""

import pytest
from datasets import ClassLabel, Dataset, DatasetDict, Features, Sequence, Value

from iepile_dataset.errors import DataError
from iepile_dataset.exchange import read

from .conftest import entities

NAMES = ["O", "B-PER", "I-PER", "B-LOC", "I-LOC"]
ROWS = {
    "id": ["0", "1"],
    "tokens": [["Ada", "Bell", "left", "Ulm"], ["张", "三", "走"]],
    "ner_tags": [[1, 2, 0, 3], [1, 2, 0]],
}
FEATURES = Features(
    {"id": Value("string"), "tokens": Sequence(Value("string")), "ner_tags": Sequence(ClassLabel(names=NAMES))}
)
EXPECTED = [("Ada Bell left Ulm", [("Ada Bell", "PER"), ("Ulm", "LOC")]), ("张三走", [("张三", "PER")])]


def texts(records):
    return [(record["text"], entities(record)) for record in records]


def test_class_labels_give_the_names(tmp_path):
    dataset = Dataset.from_dict(ROWS, FEATURES)
    assert texts(read(dataset)) == EXPECTED
    assert texts(read(dataset.to_iterable_dataset())) == EXPECTED
    (tmp_path / "a [1]*").mkdir()  # no pattern
    dataset.to_parquet(tmp_path / "a [1]*/train.parquet")
    assert texts(read(tmp_path / "a [1]*/train.parquet")) == EXPECTED
    dataset.save_to_disk(tmp_path / "saved")
    assert texts(read(tmp_path / "saved")) == EXPECTED
    DatasetDict({"train": dataset, "test": dataset}).save_to_disk(tmp_path / "both")
    assert texts(read(tmp_path / "both")) == EXPECTED * 2


def test_json_lines_with_names(reader):
    lines = '{"tokens": ["In", "Ulm"], "ner_tags": ["O", "B-city"]}\n{"tokens": ["Bonn"], "ner_tags": ["O", "O"]}\n'
    (record,) = reader(lines, "data.jsonl")
    assert entities(record) == [("Ulm", "city")]
    assert reader.format("data.jsonl") == "huggingface"
    (loss,) = reader.losses
    assert (loss.line, loss.reason) == (2, "another shape: ValueError 1 tokens, 2 tags")


def test_numbers_without_names_say_how_to_name_them(reader):
    row = '{"tokens": ["In", "Ulm"], "ner_tags": [0, 1]}'
    with pytest.raises(DataError, match="the tag 0 is a number without a name"):
        reader(row, "data.jsonl")
    (record,) = reader(row, "data.jsonl", columns={"names": "O|B-city"})
    assert entities(record) == [("Ulm", "city")]


def test_columns_may_be_named():
    dataset = Dataset.from_dict({"w": [["Ulm"]], "t": [["B-city"]]})
    with pytest.raises(DataError, match="no columns of tokens and tags among w, t"):
        list(read(dataset))
    (record,) = read(dataset, columns={"token": "w", "tag": "t"})
    assert entities(record) == [("Ulm", "city")]
