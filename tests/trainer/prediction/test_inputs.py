"""Every kind of input becomes rows or texts; a bad line becomes an item that says where and why."""

import io
import json

import pytest

from iepile_dataset import DataError
from iepile_trainer import TrainerError
from iepile_trainer.data.arguments import DataArguments
from iepile_trainer.data.load import load_rows
from iepile_trainer.predict import PredictArguments
from iepile_trainer.prediction.inputs import Reader
from iepile_trainer.prediction.load_inputs import load_inputs
from iepile_trainer.prediction.rows import in_orders, reordered


def read(tmp_path, name, content, **options):
    path = tmp_path / name
    path.write_bytes(content.encode() if isinstance(content, str) else content)
    return Reader(str(path), PredictArguments(**{"schema": "person,city", **options})).read()


def texts(items):
    return [item.document and item.document.text for item in items]


def asked(path, **options):
    return load_inputs(PredictArguments(model="m", input=str(path), **options))


@pytest.fixture
def towns(tmp_path):
    """A source: two annotated records and one that does not fit."""
    folder = tmp_path / "towns"
    folder.mkdir()
    (folder / "schema.json").write_text('["person", "city"]\n[]\n{}\n')
    records = (
        {"text": "Ada in Ulm", "entity": [{"entity": "Ulm", "entity_type": "city"}]},
        {"text": "Bo", "entity": []},
        {"text": "Cai", "entity": [{"entity": "Cay", "entity_type": "person"}]},
    )
    (folder / "test.json").write_text("".join(json.dumps(record) + "\n" for record in records))
    return folder


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
        reader = Reader("-", PredictArguments(schema="person"), io.BytesIO(content).read)
        assert texts(reader.read()) == expected
    reader = Reader("-", PredictArguments(input_format="csv", schema="person"), io.BytesIO(b"text\nAda\n").read)
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


def test_annotated_records_become_rows_with_their_annotation_and_bad_ones_say_why(towns):
    first, second, bad = asked(towns)
    assert first["id"] == "en/NER/towns/test:1"
    assert (first["task"], first["source"], first["language"]) == ("NER", "towns", "en")
    assert json.loads(first["label"]) == [{"entity": "Ulm", "entity_type": "city"}]
    assert second["label"] == "[]"
    assert bad["error"] == (
        f'{towns}/test.json:3: entity "Cay" does not occur in the text (an annotation must quote the text letter for letter)'
    )
    assert asked(towns / "test.json")[0] == first


def test_rows_of_a_source_are_those_of_the_dataset():
    from iepile_dataset.corpus.sources import choose_sources
    from iepile_dataset.options import Options

    for task in ("ner", "re", "ee", "eet", "eea"):
        source = choose_sources([task], Options(language="zh"))[0][0]
        of_dataset = load_rows(DataArguments(task=[task], source=[source.name], language="zh"), "test").to_list()
        assert asked(source.path, task=[task], language="zh") == of_dataset


def test_annotated_records_can_be_extracted_from_all_the_same(towns):
    items = asked(towns, extract=True)
    assert texts(items) == ["Ada in Ulm", "Bo", "Cai"]


def test_orders_are_permutations_drawn_from_the_row_alone(towns):
    rows = asked(towns, schema="a,b,c,person,city", orders=4)[:8]
    assert [row["order"] for row in rows] == [0, 1, 2, 3] * 2
    assert [row["id"] for row in rows] == ["en/NER/towns/test:1"] * 4 + ["en/NER/towns/test:2"] * 4
    schemas = [json.loads(row["instruction"])["schema"] for row in rows]
    assert schemas[0] == ["a", "b", "c", "person", "city"]
    assert len({tuple(schema) for schema in schemas[:4]}) == 4
    assert {tuple(sorted(schema)) for schema in schemas} == {("a", "b", "c", "city", "person")}
    assert list(in_orders([rows[0]], 4))[1:] == rows[1:4]


def test_another_order_changes_nothing_but_the_order():
    row = {"instruction": '{"instruction": "x \\" y", "schema": {"a": "人", "b": ""}, "input": "一 \\n"}'}
    orders = {each["instruction"] for each in in_orders([row], 2)}
    assert orders == {row["instruction"], row["instruction"].replace('"a": "人", "b": ""', '"b": "", "a": "人"')}
    assert reordered("no JSON", 1) == "no JSON"
    assert [each["order"] for each in in_orders([{"error": "bad line"}], 2)] == [0, 1]


def test_batch_sizes_ask_the_same_labels_in_other_batches(towns):
    rows = asked(towns, schema="a,b,c,person,city", split_nums=[1, 4])
    sizes = [
        (row["split_num"], len(json.loads(row["instruction"])["schema"]))
        for row in rows
        if row.get("id") == "en/NER/towns/test:1"
    ]
    assert sizes == [(1, 1)] * 5 + [(4, 3), (4, 2)]
    generated = asked("iepile", task=["ner"], source=["city_news"], split_nums=[1, 8], max_rows=20)
    assert {row["split_num"] for row in generated} == {1, 8}
    assert all(len(json.loads(row["instruction"])["schema"]) == 1 for row in generated if row["split_num"] == 1)


def test_long_records_become_rows_of_windows(tmp_path, towns, row_list):
    from iepile_trainer.models.scratch import new_tokenizer

    new_tokenizer(row_list(20), 400).save_pretrained(tmp_path / "tokens")
    text = "".join(f"Ada lives in Ulm {number}. " for number in range(40))
    record = {"text": text, "entity": [{"entity": "Ulm", "entity_type": "city"}]}
    (towns / "test.json").write_text(json.dumps(record) + "\n")
    rows = asked(towns, max_prompt_tokens=420, tokenizer=str(tmp_path / "tokens"))
    windows = dict.fromkeys(json.loads(row["instruction"])["input"] for row in rows)
    assert len(windows) > 1
    assert "".join(windows) == text
    assert len({row["id"] for row in rows}) == 1


@pytest.mark.parametrize(
    ("options", "reason"),
    [
        ({"orders": 0}, "--orders 0"),
        ({"split_nums": [1], "split_num": 2}, "give one of them"),
        ({"task": ["ner", "re"]}, "one task at a time"),
        ({"min_confidence": 0.5}, "rows keep the model's whole answer"),
        ({"input_format": "xml"}, "input_format='xml' is unknown"),
        ({"split": "dev"}, "no dev.json in it"),
    ],
)
def test_options_that_do_not_go_together_are_refused(towns, options, reason):
    with pytest.raises(TrainerError, match=reason):
        asked(towns, **options)


@pytest.mark.parametrize("options", [{"max_rows": 0}, {"max_prompt_tokens": -1}, {"max_new_tokens": 0}])
def test_numbers_that_are_none_are_refused_before_a_model_is_loaded(towns, options):
    (name,) = options
    with pytest.raises(TrainerError, match=f"--{name} {options[name]} "):
        asked(towns, **options)
    with pytest.raises(TrainerError, match="--min_confidence 2 is out of range"):
        asked(towns, extract=True, min_confidence=2.0)
    with pytest.raises(DataError, match="split_num=0"):
        asked(towns, split_num=0)


def test_the_first_rows_are_those_of_whole_records(towns):
    schema = "a,b,c,d,e,f,person,city"  # 8 labels: two rows a record
    for most, rows in ((1, 1), (2, 2), (3, 2), (4, 4)):  # of half a record where there is no room for one
        assert len(asked(towns, schema=schema, max_rows=most)) == rows


def test_batch_sizes_are_compared_on_the_same_records(towns):
    rows = asked(towns, schema="a,b,c,person,city", split_nums=[1, 8], max_rows=6)
    # Of size 1 the six rows hold one record with its five labels, of size 8 they would hold all.
    assert [(row["split_num"], row["id"]) for row in rows] == [(1, "en/NER/towns/test:1")] * 5 + [
        (8, "en/NER/towns/test:1")
    ]


def test_rows_and_texts_in_one_file_are_refused(tmp_path, row_list):
    (row,) = row_list(1)
    (tmp_path / "a.jsonl").write_text(f'{{"text": "Ada"}}\n{json.dumps(row)}\n')
    with pytest.raises(TrainerError, match=r"a.jsonl:2 is a row with an instruction, .*a.jsonl:1 a text"):
        asked(tmp_path / "a.jsonl", schema="person")


def test_texts_have_no_gold_to_compare_orders_by(tmp_path):
    (tmp_path / "a.txt").write_text("Ada\n")
    for options in ({"orders": 2}, {"split_nums": [1, 4]}):
        with pytest.raises(TrainerError, match="needs rows or annotated records"):
            asked(tmp_path / "a.txt", schema="person", **options)


def test_rows_pass_as_they_are(tmp_path, row_list):
    rows = [{**row, "more": {"kept": 1}} for row in row_list(2)]
    (tmp_path / "rows.jsonl").write_text("\n".join(map(json.dumps, rows)) + "\n\nnonsense\n")
    first, second, bad = asked(tmp_path / "rows.jsonl")
    assert [first, second] == rows
    assert bad["line"] == "nonsense"
    assert bad["error"].startswith(f"{tmp_path}/rows.jsonl:4: not JSON")
    with pytest.raises(TrainerError, match="cut already"):
        asked(tmp_path / "rows.jsonl", split_nums=[1])
    with pytest.raises(TrainerError, match="--extract needs texts"):
        asked(tmp_path / "rows.jsonl", extract=True)


def test_rows_of_an_unannotated_record_ask_without_an_answer(towns):
    with open(towns / "test.json", "a") as file:
        file.write('{"text": "Dora"}\n')
    last = asked(towns)[-1]
    assert (last["label"], last["output"]) == ("", "")


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
    ],
)
@pytest.mark.parametrize("name", ["letter.txt", "letter.csv", "letter.jsonl", "letter.docx"])
def test_a_file_that_holds_no_text_is_refused_by_its_first_bytes(tmp_path, content, kind, name):
    with pytest.raises(TrainerError, match=f"{name} is {kind}"):
        read(tmp_path, name, content)
