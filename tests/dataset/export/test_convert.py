"""`iepile convert`: the rows and options of the original's converter, and its folders as sources."""

import json
from hashlib import sha256

import pytest
from datasets import load_dataset
from typer.testing import CliRunner

import iepile  # noqa: F401
from iepile.cli import app
from iepile_dataset import DataError, parse_schema
from iepile_dataset.export.convert import convert
from iepile_dataset.options import ConvertOptions

SCHEMA = '["town", "river", "person", "lake", "state", "firm", "band"]\n[]\n{}\n'
TEXT = "Ada aus Ulm an der Donau"
RECORD = {
    "text": TEXT,
    "entity": [{"entity": "Ada", "entity_type": "person"}, {"entity": "Ulm", "entity_type": "town"}],
}
SPOUSES = {
    "text": "张三和李四结婚，住在北京",
    "relation": [{"head": "张三", "head_type": "人物", "relation": "妻子", "tail": "李四", "tail_type": "人物"}],
}


@pytest.fixture
def folder(tmp_path):
    """`data/<TASK>` as the original has it."""

    def make(task, schema, *records):
        place = tmp_path / "data" / task
        place.mkdir(parents=True)
        lines = (line if isinstance(line, str) else json.dumps(line, ensure_ascii=False) for line in records)
        (place / "sample.json").write_text("".join(f"{line}\n" for line in lines), "utf-8")
        (place / "schema.json").write_text(schema, "utf-8")
        return place

    return make


def run(*arguments):
    return CliRunner().invoke(app, list(map(str, arguments)))


def rows(path):
    return [json.loads(line) for line in path.read_text("utf-8").splitlines()]


def asked(row):
    return json.loads(row["instruction"])["schema"]


def test_its_own_command_line_gives_train_and_test_rows(folder):
    place = folder("NER", SCHEMA, RECORD)
    paths = ["--src_path", place / "sample.json", "--schema_path", place / "schema.json"]
    common = [*paths, "--language", "zh", "--task", "NER", "--split_num", "6"]
    train = run("convert", *common, "--tgt_path", place / "train.json", "--random_sort", "--split", "train")
    test = run("convert", *common, "--tgt_path", place / "test.json", "--split", "test")
    assert (train.exit_code, test.exit_code) == (0, 0), train.output + test.output
    (row,) = rows(place / "train.json")  # seven labels, six at most: a remainder of one joins
    assert list(row) == ["task", "source", "instruction", "output"]
    assert (row["task"], row["source"]) == ("NER", "NER")
    assert row["instruction"].startswith('{"instruction": "你是')
    answer = json.loads(row["output"])
    assert {label for label, found in answer.items() if found} == {"person", "town"}
    (row,) = rows(place / "test.json")
    assert list(row) == ["id", "task", "source", "instruction", "label"]
    assert row["id"] == sha256(TEXT.encode()).hexdigest()
    assert row["label"] == json.dumps(RECORD["entity"], ensure_ascii=False)
    assert asked(row) == sorted(asked(row))


def test_labels_stand_by_their_letters_or_at_random_the_same_in_each_run(folder, tmp_path):
    place = folder("NER", SCHEMA, *({**RECORD, "text": f"{TEXT} {n}"} for n in range(8)))
    made = {}
    for name, random in (("plain", False), ("drawn", True), ("again", True)):
        options = ConvertOptions(split_num=-1, random_sort=random)
        convert(place / "sample.json", tmp_path / name, options=options)
        made[name] = [asked(row) for row in rows(tmp_path / name)]
    assert all(labels == sorted(labels) for labels in made["plain"])
    assert len({tuple(labels) for labels in made["drawn"]}) > 1
    assert made["drawn"] == made["again"]


def test_hard_negatives_of_a_cluster_and_a_share_of_the_others(folder, tmp_path):
    place = folder("NER", SCHEMA, RECORD)
    (tmp_path / "K.json").write_text('{"town": ["state"], "person": ["band"]}')
    options = ConvertOptions(cluster_mode=True, hard_negative_path=str(tmp_path / "K.json"), split_num=1)
    convert(place / "sample.json", tmp_path / "hard", options=options)
    # two that occur, two that are taken for them, and one (split_num) other
    labels = {label for row in rows(tmp_path / "hard") for label in asked(row)}
    assert len(labels) == 5
    assert {"town", "person", "state", "band"} < labels
    convert(place / "sample.json", tmp_path / "share", options=ConvertOptions(neg_schema=0.2, split_num=-1))
    assert len(asked(rows(tmp_path / "share")[0])) == 3  # of five absent ones a fifth
    with pytest.raises(DataError, match="hard_negative_path"):
        ConvertOptions(cluster_mode=True)


def test_typed_relations_on_line_one_serve_spo_and_kg(folder, tmp_path):
    place = folder("SPO", '["人物_妻子_人物", "人物_lives_in_城市"]\n["妻子", "lives_in"]\n{}\n', SPOUSES)
    convert(place / "sample.json", tmp_path / "spo", options=ConvertOptions(task="spo"))
    (row,) = rows(tmp_path / "spo")
    assert {"subject_type": "人物", "predicate": "lives_in", "object_type": "城市"} in asked(row)
    assert json.loads(row["output"]) == {"lives_in": [], "妻子": [{"subject": "张三", "object": "李四"}]}
    convert(place / "sample.json", tmp_path / "kg", options=ConvertOptions(task="kg"))
    (row,) = rows(tmp_path / "kg")
    assert json.loads(row["output"]) == {"人物": {"张三": {"妻子": "李四"}}}
    assert parse_schema('["snake_case_label", "other"]\n[]\n{}').triples == {}


def test_what_cannot_be_used_lies_beside_and_a_good_run_takes_it_away(folder, tmp_path):
    place = folder(
        "NER", SCHEMA, RECORD, "{broken", {"text": "Bo", "entity": [{"entity": "Xy", "entity_type": "town"}]}
    )
    first = run("convert", "--src_path", place / "sample.json", "--tgt_path", place / "train.json")
    assert first.exit_code == 0
    assert [problem["line"] for problem in rows(place / "quarantine-train.jsonl")] == [2, 3]
    strict = run("convert", "--src_path", place / "sample.json", "--tgt_path", place / "train.json", "--strict")
    assert (strict.exit_code, "sample.json:2" in strict.output) == (1, True)
    assert len(rows(place / "train.json")) == 2  # that of the first run
    (place / "sample.json").write_text(json.dumps(RECORD))
    assert run("convert", "--src_path", place / "sample.json", "--tgt_path", place / "train.json").exit_code == 0
    assert not (place / "quarantine-train.jsonl").exists()


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"tgt": "sample.json"}, "holds other things"),
        ({"tgt": "schema.json"}, "holds other things"),
        ({"src": "nowhere.json"}, "no such file"),
        ({"src": "train.json"}, "an instruction already"),
        ({"src": "empty.json"}, "no row could be made"),
        ({"schema": "none.json"}, "no such file"),
    ],
)
def test_bad_paths_are_one_line_and_change_nothing(folder, change, words):
    place = folder("NER", SCHEMA, RECORD)
    convert(place / "sample.json", place / "train.json")
    (place / "empty.json").touch()
    before = {path.name: path.read_bytes() for path in place.iterdir()}
    names = {"src": "sample.json", "tgt": "new.json", "schema": "schema.json"} | change
    done = run("convert", *(part for key, name in names.items() for part in (f"--{key}_path", place / name)))
    assert done.exit_code == 1
    assert words in done.stderr
    assert done.stderr.count("\n") == 1
    assert {path.name: path.read_bytes() for path in place.iterdir()} == before


def test_its_folder_is_a_source_as_it_lies(folder, tmp_path):
    place = folder("NER", SCHEMA, RECORD)
    folder("SPO", '["人物_妻子_人物"]\n[]\n{}\n', SPOUSES)
    for split in ("train", "test"):
        convert(place / "sample.json", place / f"{split}.json", options=ConvertOptions(split=split))
    for command in (
        ["prepare", place, "--out", tmp_path / "rows"],
        ["validate", tmp_path / "data"],
        ["negatives", "mine", place],
        ["clean", place, "--out", tmp_path / "clean"],
        ["import", place, "--out", tmp_path / "IE-xx/NER/a"],
        ["export", place, "--to", "conll", "--out", tmp_path / "a.conll"],
    ):
        done = run(*command)
        assert done.exit_code == 0, done.output
    assert "1 texts" in done.output
    loaded = load_dataset("iepile", "ner", data_dir=str(place))
    assert {split: len(part) for split, part in loaded.items()} == {"train": 2}
    assert load_dataset("iepile", "spo", data_dir=str(tmp_path / "data"), split="train")["language"] == ["zh"]
    with pytest.raises(DataError, match="no EET source"):
        load_dataset("iepile", "eet", data_dir=str(tmp_path / "data"))
