"""Every kind of input becomes rows or texts; a bad line becomes an item that says where and why."""

import gzip
import io
import json
import os
from concurrent.futures import ThreadPoolExecutor

import pytest

from iepile_dataset import DataError
from iepile_dataset.corpus.sources import sample_corpus
from iepile_trainer import TrainerError
from iepile_trainer.predict import PredictArguments
from iepile_trainer.prediction import inputs
from iepile_trainer.prediction.inputs import Reader
from iepile_trainer.prediction.load_inputs import load_inputs


def read(tmp_path, name, content, **options):
    path = tmp_path / name
    path.write_bytes(content.encode() if isinstance(content, str) else content)
    return Reader(str(path), PredictArguments(**{"schema": "person,city", **options})).read()


def texts(items):
    return [item.document and item.document.text for item in items]


def test_plain_text_is_a_document_a_line_with_its_place_as_id(tmp_path):
    items = read(tmp_path, "a.txt", "\ufeffAda in Ulm\r\n\n  \nBo\u2028Cai\n")
    assert texts(items) == ["Ada in Ulm", "Bo\u2028Cai"]
    assert [item.own["id"] for item in items] == [f"{tmp_path}/a.txt:1", f"{tmp_path}/a.txt:4"]


def test_a_whole_file_is_one_document_whatever_it_looks_like(tmp_path):
    assert texts(read(tmp_path, "a.md", '{"a": 1}\n\nBo\n', whole=True)) == ['{"a": 1}\n\nBo\n']


def test_a_line_that_is_not_utf_8_is_an_item_with_its_place(tmp_path):
    good, bad = read(tmp_path, "a.txt", b"Ada\n\xff\xfe\n")
    assert good.error == ""
    assert bad.error == f"{tmp_path}/a.txt:2: not UTF-8 text: invalid start byte at byte 0 (save the file as UTF-8)"


def test_a_cell_that_is_not_utf_8_is_an_item_with_its_place(tmp_path):
    _, bad = read(tmp_path, "a.csv", b"text\nAda\n\xff\xfe\n")
    assert bad.error == f"{tmp_path}/a.csv:3: not UTF-8 text: invalid start byte at byte 0 (save the file as UTF-8)"
    assert bad.own == {"text": "\ufffd\ufffd"}


@pytest.mark.parametrize(("name", "mark"), [("a.csv", ","), ("a.csv", ";"), ("a.tsv", "\t")])
def test_tables_keep_their_other_columns_and_quoted_line_ends(tmp_path, name, mark):
    rows = [["id", "text", "note"], ["7", f'"Ada{mark} ""in""\nUlm"', "x"], ["8", "Bo"], ["9", "Cai", ""]]
    first, short, last = read(tmp_path, name, "\n".join(mark.join(row) for row in rows))
    assert first.own == {"id": "7", "text": f'Ada{mark} "in"\nUlm', "note": "x"}
    assert short.error == f"{tmp_path}/{name}:4: 2 cells where the header has 3 (quote cells that hold a comma)"
    assert last.own == {"id": "9", "text": "Cai", "note": ""}


def test_a_table_without_the_text_column_names_those_it_has(tmp_path):
    with pytest.raises(TrainerError, match='no column "text", only id, body'):
        read(tmp_path, "a.csv", "id,body\n1,Ada\n")
    assert texts(read(tmp_path, "a.csv", "id,body\n1,Ada\n", text_column="body")) == ["Ada"]


def test_json_lines_may_say_line_by_line_what_to_look_for(tmp_path):
    lines = [
        {"text": "Ada", "key": [1]},
        {"text": "Ada", "schema": ["river"], "language": "zh"},
        {"text": "Ada", "schema": {"sue": ["who"]}, "task": "EE"},
        {"text": "Ada", "schema": "/etc/hostname"},  # a label: a line of data opens no file
    ]
    plain, own, event, path = read(tmp_path, "a.jsonl", "\n".join(map(json.dumps, lines)))
    assert plain.own == lines[0]
    assert plain.document.schema.types == ("person", "city")
    assert (own.document.schema.types, own.document.language) == (("river",), "zh")
    assert (event.document.task, event.document.schema.roles) == ("ee", {"sue": ("who",)})
    assert path.document.schema.types == ("/etc/hostname",)


@pytest.mark.parametrize(
    ("line", "reason"),
    [
        ("{nope", "not JSON"),
        ("3", "3 is no object"),
        ("{}", 'neither "text" nor "instruction"'),
        ('{"text": 5}', '"text" is 5'),
        ('{"text": "Ada", "schema": 5}', "is no schema"),
        ('{"text": "Ada", "task": "nre"}', 'unknown task "nre"'),
        ('{"text": "Ada", "triggers": ["sued"]}', "\"triggers\" is ['sued'] (give {event type: [triggers]})"),
        ('{"text": "Ada", "triggers": {"sue": "sued"}}', "\"triggers\" is {'sue': 'sued'}"),
    ],
)
def test_a_bad_line_is_an_item_that_says_where_and_why_and_stops_no_other(tmp_path, line, reason):
    first, bad, last = read(tmp_path, "a.jsonl", f'{{"text": "Ada"}}\n{line}\n{{"text": "Bo"}}\n')
    assert bad.error.startswith(f"{tmp_path}/a.jsonl:2: ")
    assert reason in bad.error
    assert (first.error, last.error) == ("", "")


def test_standard_input_is_text_or_json_lines_by_its_first_letter():
    for content, expected in (
        (b"Ada\nBo\n", ["Ada", "Bo"]),
        (b"[1] Ada\n", ["[1] Ada"]),
        (b'{"text": "Ada"}\n', ["Ada"]),
    ):
        reader = Reader("-", PredictArguments(schema="person"), io.BytesIO(content))
        assert texts(reader.read()) == expected
    reader = Reader("-", PredictArguments(input_format="csv", schema="person"), io.BytesIO(b"text\nAda\n"))
    assert texts(reader.read()) == ["Ada"]


@pytest.mark.parametrize(
    ("name", "content", "options", "reason"),
    [
        ("a.txt", "", {}, "holds nothing to answer"),
        ("a.txt", "Ada", {"schema": None}, "no schema (give --schema"),
        ("a.txt", "Ada", {"schema": "none.json"}, "no such schema file"),
        ("a.json", '[{"text": "Ada"}]', {}, "is one JSON array"),
        ("a.txt", "Ada", {"task": ["nre"]}, 'unknown task "nre"'),
        ("a.csv", 'text\nAda\n"Bo\nCai\n', {}, "a.csv:4: unexpected end of data"),
        ("a.tsv", 'text\n"Ada" Bell\n', {}, "in a cell in quotation marks double each of its own"),
    ],
)
def test_an_input_that_cannot_be_used_at_all_is_an_error(tmp_path, name, content, options, reason):
    with pytest.raises((TrainerError, DataError)) as error:
        read(tmp_path, name, content, **options)
    assert reason in str(error.value)


def test_the_schema_beside_a_file_is_used(tmp_path):
    (tmp_path / "schema.yaml").write_text("types: [river]")
    (item,) = read(tmp_path, "a.txt", "Ada", schema=None)
    assert item.document.schema.types == ("river",)


def test_a_folder_of_texts_is_a_document_a_file(tmp_path):
    folder = tmp_path / "letters"
    folder.mkdir()
    (folder / "b.txt").write_text("Bo.\nCai.")
    (folder / "a.txt").write_text("小明", "utf-8")
    (folder / "empty.txt").write_text("")
    items = load_inputs(PredictArguments(model="m", input=str(folder), schema="person"))
    assert [(item.own["id"], item.document.text) for item in items] == [
        (str(folder / "a.txt"), "小明"),
        (str(folder / "b.txt"), "Bo.\nCai."),
        (str(folder / "empty.txt"), ""),
    ]


@pytest.mark.parametrize(
    ("content", "kind"),
    [
        (b"%PDF-1.7\n%\xe2", "a PDF file, not text .take its text out first: pdftotext"),
        (b"PK\x03\x04\x14\0", "a Word, Excel or zip file"),
        (b"\x89PNG\r\n", "a PNG image"),
        (b"\xff\xd8\xff\xe0", "a JPEG image"),
        (b"\x1f\x8b\x08", "a gzip file"),
        (b"\x28\xb5\x2f\xfd", r"packed by Zstandard.*zstandard"),
    ],
)
@pytest.mark.parametrize("name", ["letter.txt", "letter.csv", "letter.jsonl", "letter.docx"])
def test_a_file_that_holds_no_text_is_refused_by_its_first_bytes(tmp_path, content, kind, name):
    with pytest.raises(TrainerError, match=f"{name} is {kind}"):
        read(tmp_path, name, content)


def test_a_pipe_is_read_once_and_one_without_an_end_is_refused(tmp_path, monkeypatch):
    pipe = tmp_path / "pipe"
    os.mkfifo(pipe)
    with ThreadPoolExecutor() as writer:
        writing = writer.submit(pipe.write_text, "张三 in Ulm\nBo\n")
        assert texts(load_inputs(PredictArguments(input=str(pipe), schema="person"))) == ["张三 in Ulm", "Bo"]
        writing.result()
    monkeypatch.setattr(inputs, "_MOST", 1 << 20)  # 1 GB would make the test slow
    with pytest.raises(TrainerError, match=r"^/dev/zero is larger than 0 GB, or never ends"):
        load_inputs(PredictArguments(input="/dev/zero", schema="person"))


def test_a_line_that_is_too_long_is_an_item_and_keeps_its_beginning(tmp_path, monkeypatch):
    monkeypatch.setattr(inputs, "LINE_BYTES", 1 << 20)
    bad, good = read(tmp_path, "a.jsonl", json.dumps({"text": "x" * (1 << 20)}) + '\n{"text": "Bo"}\n')
    assert (good.own, len(bad.own["line"])) == ({"text": "Bo"}, 200)
    assert bad.error == f"{tmp_path}/a.jsonl:1: the line is longer than 1 MB (cut its text)"
    deep = read(tmp_path, "b.jsonl", '{"text": "Bo", "schema": ' + "[" * 900 + "]" * 900 + "}\n")
    assert deep[0].error.startswith(f"{tmp_path}/b.jsonl:1: ")


def test_the_folder_of_a_language_is_asked_as_the_corpus_is():
    root = sample_corpus()
    args = [PredictArguments("-", input=place, task=["ner"], language="en") for place in (root, f"{root}/IE-en")]
    whole, part = map(load_inputs, args)
    assert [row["id"] for row in part] == [row["id"] for row in whole]


def test_the_split_of_a_source_may_be_packed_and_is_asked_whole(tmp_path):
    (tmp_path / "schema.json").write_text('["city"]\n[]\n{}\n')
    (tmp_path / "test.json.gz").write_bytes(gzip.compress(b'{"text": "In Ulm", "entity": []}\n'))
    (row,) = load_inputs(PredictArguments(input=str(tmp_path)))
    assert "In Ulm" in row["instruction"]
    with pytest.raises(TrainerError, match=r"no test\[:3\]\.json in it \(another --split, no slice of it"):
        load_inputs(PredictArguments(input=str(tmp_path), split="test[:3]"))
