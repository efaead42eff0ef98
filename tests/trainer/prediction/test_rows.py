"""Annotated records become rows to score: in batches, under orders, the first of them; rows pass as they are."""

import json

import pytest

from iepile_dataset import DataError
from iepile_trainer import TrainerError
from iepile_trainer.data.arguments import DataArguments
from iepile_trainer.data.load import load_rows
from iepile_trainer.predict import PredictArguments
from iepile_trainer.prediction.load_inputs import load_inputs
from iepile_trainer.prediction.rows import in_orders, reordered


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
    assert [item.document.text for item in items] == ["Ada in Ulm", "Bo", "Cai"]


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
