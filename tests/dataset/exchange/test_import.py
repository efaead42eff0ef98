"""`iepile import`: a source that every other command understands, and a word about all that was not kept."""

import gzip
import json
import os
import tracemalloc

import pytest
from datasets import load_dataset
from typer.testing import CliRunner

import iepile  # noqa: F401  (teaches the name)
from iepile.cli import app
from iepile_dataset.errors import DataError
from iepile_dataset.exchange import read
from iepile_dataset.exchange.importing import import_source
from iepile_dataset.validation.validate import validate


def conll(*sentences):
    return "\n\n".join("\n".join(f"{word} {tag}" for word, tag in sentence) for sentence in sentences) + "\n"


ULM = [("In", "O"), ("Ulm", "B-LOC")]
ADA = [("Ada", "B-PER"), ("left", "O")]


def run(*words):
    return CliRunner().invoke(app, [*map(str, words)])


def records(file):
    return [json.loads(line) for line in file.read_text("utf-8").splitlines()]


def test_splits_are_kept_and_the_rows_are_those_of_the_annotation(tmp_path, monkeypatch):
    for name, sentences in (("train", [ULM, ADA]), ("testa", [ADA]), ("testb", [[("Bonn", "B-LOC")]])):
        (tmp_path / "in").mkdir(exist_ok=True)
        (tmp_path / "in" / f"eng.{name}").write_text(conll(*sentences))
    monkeypatch.chdir(tmp_path)
    result = run("import", "in", "--out", "my/IE-xx/NER/news")
    assert result.exit_code == 0, result.output
    for words in ("read as conll, for NER, language en; splits by the files' names", '"PER": "person"',
                  "1 texts are in train and in validation", "next: iepile prepare my/IE-en/NER/news --task ner"):  # fmt: skip
        assert words in result.output
    folder = tmp_path / "my/IE-en/NER/news"
    assert sorted(file.name for file in folder.iterdir()) == [
        "dev.json",
        "meta.json",
        "schema.json",
        "test.json",
        "train.json",
    ]
    assert not validate(["my"]).errors
    rows = load_dataset("iepile", "ner", split="test", data_dir="my", cache_dir=str(tmp_path / "cache"))
    assert rows[0]["output"] == '{"LOC": ["Bonn"], "PER": []}'


def test_labels_are_renamed_and_an_import_is_repeated_only_when_told(tmp_path):
    (tmp_path / "x.conll").write_text(conll(ULM, ADA))
    (tmp_path / "labels.yaml").write_text("PER: person\nORG: organization\n")
    words = ["import", tmp_path / "x.conll", "--out", tmp_path / "IE-en/NER/x", "--labels", tmp_path / "labels.yaml"]
    result = run(*words)
    assert result.exit_code == 0, result.output
    assert 'no label "ORG" occurs' in result.output
    assert '"LOC": "location"' in result.output
    assert (tmp_path / "IE-en/NER/x/schema.json").read_text().splitlines() == ['["LOC","person"]', "[]", "{}"]
    again = run(*words)
    assert again.exit_code == 1
    assert "already imported" in again.output
    assert run(*words, "--overwrite").exit_code == 0


def test_labels_that_cannot_be_read_are_named(tmp_path):
    (tmp_path / "x.conll").write_text(conll(ULM))
    os.mkfifo(tmp_path / "pipe.yaml")
    (tmp_path / "latin.yaml").write_bytes(b"PER: \xff")
    for name, reason in (("pipe", "is a pipe"), ("latin", "not readable as YAML: 'utf-8' codec")):
        labels = tmp_path / f"{name}.yaml"
        result = run("import", tmp_path / "x.conll", "--out", tmp_path / "IE-en/NER/x", "--labels", labels)
        assert result.exit_code == 1
        assert f"{name}.yaml: {reason}" in result.output


def test_splits_are_drawn_by_the_text(tmp_path):
    sentences = [[(f"city{number % 300}", "B-LOC")] for number in range(600)]
    (tmp_path / "all.conll").write_text(conll(*sentences))
    done = import_source(tmp_path / "all.conll", tmp_path / "a", split="60/20/20")
    assert done.records.total() == 600
    texts = {split: {one["text"] for one in records(done.out / f"{split}.json")} for split in ("train", "dev", "test")}
    assert sum(map(len, texts.values())) == 300
    assert all(len(texts["train"]) + 60 > 200 and len(part) > 30 for part in texts.values())
    assert not done.shared
    (tmp_path / "part.conll").write_text(conll(*sentences[:100]))
    part = import_source(tmp_path / "part.conll", tmp_path / "b", split="60/20/20")
    assert {one["text"] for one in records(part.out / "test.json")} <= texts["test"]
    with pytest.raises(DataError, match="is no three shares"):
        import_source(tmp_path / "part.conll", tmp_path / "c", split="all")


def test_broken_lines_are_set_aside_with_their_place(tmp_path):
    lines = [
        '{"text": "In Ulm", "label": [[3, 6, "LOC"]]}',
        '{"text": "In',
        '{"text": "\\ud800", "label": []}',
        '{"text": " ", "label": []}',
    ]
    (tmp_path / "all.jsonl").write_text("\n".join(lines))
    done = import_source(tmp_path / "all.jsonl", tmp_path / "IE-en/NER/x")
    assert (done.records.total(), done.set_aside) == (1, 3)
    assert [one["line"] for one in records(done.out / "quarantine.jsonl")] == [2, 3, 4]
    assert not validate([str(tmp_path / "IE-en")]).errors


RELATIONS = {
    "text": "张三在北京", "entities": [{"id": 1, "label": "人物", "start_offset": 0, "end_offset": 2},
    {"id": 2, "label": "地点", "start_offset": 3, "end_offset": 5}], "relations": [{"id": 1, "from_id": 1, "to_id": 2, "type": "位于"}],
}  # fmt: skip


def test_of_several_annotations_one_is_chosen(tmp_path):
    (tmp_path / "all.jsonl").write_text(json.dumps(RELATIONS))
    with pytest.raises(DataError, match=r"2 entity, 1 relation .*choose one: --task"):
        import_source(tmp_path / "all.jsonl", tmp_path / "out")
    done = import_source(tmp_path / "all.jsonl", tmp_path / "IE-xx/RE/x")
    assert (done.task, done.language, done.out) == ("re", "zh", tmp_path / "IE-zh/RE/x")
    assert (done.out / "schema.json").read_text("utf-8").splitlines() == ["[]", '["位于"]', "{}"]
    typed = import_source(tmp_path / "all.jsonl", tmp_path / "IE-zh/SPO/x", task="spo")
    assert (typed.out / "schema.json").read_text("utf-8").splitlines()[2] == '{"位于":[["人物","地点"]]}'
    assert not validate([str(tmp_path / "IE-zh")]).errors
    with pytest.raises(DataError, match=r"no event in it, but 2 entity, 1 relation"):
        import_source(tmp_path / "all.jsonl", tmp_path / "IE-zh/EE/x")


def test_files_of_several_formats_are_refused_and_named(tmp_path):
    (tmp_path / "a.conll").write_text(conll(ULM))
    (tmp_path / "b.jsonl").write_text(json.dumps(RELATIONS))
    with pytest.raises(DataError, match=r"doccano: b\.jsonl; conll: a\.conll|conll: a\.conll; doccano: b\.jsonl"):
        import_source(tmp_path, tmp_path / "out")
    done = import_source(tmp_path, tmp_path / "out", form="conll")
    assert (done.records.total(), done.unread) == (1, ("b.jsonl",))


def test_an_unknown_file_is_described(tmp_path):
    (tmp_path / "a.json").write_text('{"content": "In Ulm", "spans": []}')
    with pytest.raises(DataError, match=r"objects with the keys content, spans; near are spacy \(spans, …\)"):
        import_source(tmp_path / "a.json", tmp_path / "out")
    with pytest.raises(DataError, match="unknown format"):
        import_source(tmp_path / "a.json", tmp_path / "out", form="conl")
    with pytest.raises(DataError, match="no such file or folder"):
        import_source(tmp_path / "b.json", tmp_path / "out")


@pytest.mark.parametrize("command", [["validate"], ["stats"], ["prepare", "--out", "rows"]])
def test_other_commands_name_the_import(tmp_path, monkeypatch, command):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "in").mkdir()
    (tmp_path / "in" / "train.conll").write_text(conll(ULM))
    result = run(command[0], "in", *command[1:])
    assert result.exit_code == 1
    assert "in looks like CoNLL columns: iepile import in --out my/IE-xx/NER/in" in result.output


@pytest.mark.slow
@pytest.mark.parametrize("name", ["tasks.json", "rows.jsonl"])
def test_memory_does_not_grow_with_the_file(tmp_path, name):
    task = json.dumps({"data": {"text": "In Ulm " * 50}, "annotations": [{"result": []}]})
    peaks = []
    for count in (4_000, 40_000):
        with (tmp_path / name).open("w") as file:
            if name.endswith(".json"):
                file.write("[" + ",\n".join([task] * count) + "]")
            else:
                file.write(f"{task}\n" * count)
        tracemalloc.start()
        assert sum(1 for _ in read(tmp_path / name)) == count
        peaks.append(tracemalloc.get_traced_memory()[1])
        tracemalloc.stop()
    assert peaks[1] < peaks[0] * 1.5 + 1_000_000


@pytest.mark.parametrize(
    ("content", "words"),
    [
        ("", "there is nothing in it"),
        ('[{"id": 1, "text": "张三在北京"}]', "no list in them: texts that nobody annotated"),
        ('[{"id": 1, "data": {"text": "张三在北京"}, "annotations": []}]', "not annotated at all"),
    ],
)
def test_a_file_without_labels_is_told_so(tmp_path, content, words):
    (tmp_path / "a.json").write_text(content, "utf-8")
    with pytest.raises(DataError, match=words):
        import_source(tmp_path / "a.json", tmp_path / "out")


def test_a_packed_file_is_told_so(tmp_path):
    (tmp_path / "a.json.gz").write_bytes(gzip.compress(b'{"text": "Ulm", "entity": []}'))
    with pytest.raises(DataError, match=r"a\.json\.gz is packed, .* \(unpack it\)"):
        import_source(tmp_path / "a.json.gz", tmp_path / "out")
