import json
import re
import subprocess

import pytest
import typer
from hypothesis import given, settings
from hypothesis import strategies as st
from jsonschema import Draft202012Validator
from typer.testing import CliRunner

from iepile.commands.validate import validate as command
from iepile_dataset.corpus.record_check import problems
from iepile_dataset.errors import DataError
from iepile_dataset.schema import Schema
from iepile_dataset.tasks import TASKS
from iepile_dataset.validation.shapes import defects, format_names, format_schema
from iepile_dataset.validation.validate import validate

from ..conftest import NER_SCHEMA

GOOD = {"text": "In Ulm", "entity": [{"entity": "Ulm", "entity_type": "city"}]}

app = typer.Typer()
app.command()(command)


def run(*arguments):
    return CliRunner().invoke(app, [*map(str, arguments)])


def told(report):
    return [(group.severity, group.kind, group.count) for group in report.sorted_groups()]


def reasons(path, **options):
    report = validate([path], **options)
    return [
        f"{place.line}: {place.reason}"
        for group in report.sorted_groups()
        for place in group.places
        if group.severity == "error"
    ]


def write(file, *lines):
    file.parent.mkdir(parents=True, exist_ok=True)
    text = [line if isinstance(line, str) else json.dumps(line, ensure_ascii=False) for line in lines]
    file.write_text("".join(line + "\n" for line in text), "utf-8")
    return file


def test_every_json_schema_is_a_valid_one_and_says_what_to_do():
    for name in format_names():
        schema = format_schema(name)
        Draft202012Validator.check_schema(schema)
        assert schema["title"]
        assert schema["description"]


def test_every_annotation_of_the_task_table_has_a_json_schema():
    assert {task.annotation for task in TASKS.values()} <= set(format_names())


def test_all_findings_of_a_record_are_told_with_file_line_and_remedy(source, tmp_path):
    folder = source(
        tmp_path / "IE-en/NER/towns",
        NER_SCHEMA,
        train=[
            GOOD,
            {"text": "In Ulm", "entity": [
                {"entity": "Uml", "entity_type": "town"}, {"entity": 5, "entity_type": "city"}, {"entity": "Ulm"}]},
            "",
            '{"text": "cut off, "entity',
            {"text": " ", "entity": None},
            {"text": "not annotated"},
            [1, 2],
        ],
        test=[{"text": "not annotated"}],
    )  # fmt: skip
    report = validate([tmp_path], examples=-1)
    found = {(place.line, place.reason) for group in report.groups.values() for place in group.places if place.line}
    assert {(line, re.sub("JSON: .*", "JSON", reason)) for line, reason in found} == {
        (2, 'entity "Uml" does not occur in the text'),
        (2, 'type "town" is not in the schema'),
        (2, "entity[1].entity is 5, not a string"),
        (2, 'no "entity[2].entity_type"'),
        (4, "not JSON"),
        (5, "the text is empty"),
        (5, "entity is None, not a list"),
        (6, 'no "entity"'),
        (7, "the value is [1, 2], not an object"),
        (7, 'no "entity"'),
    } - {(7, 'no "entity"')}
    assert all(place.remedy for group in report.groups.values() for place in group.places)
    assert report.errors == 9
    assert [group.kind for group in report.groups.values() if group.severity == "warning"] == ["no licence words"]
    assert {checked.file: checked.values for checked in report.files} == {
        f"{folder}/schema.json": 1, f"{folder}/train.json": 6, f"{folder}/test.json": 1,
    }  # fmt: skip


def test_like_findings_are_counted_together_and_only_the_first_are_kept(source, tmp_path):
    bad = [{"text": "In Ulm", "entity": [{"entity": f'"{n}"', "entity_type": "city"}]} for n in range(30)]
    source(tmp_path / "x", NER_SCHEMA, train=bad)
    report = validate([tmp_path / "x/train.json"], examples=3)
    (group,) = (group for group in report.groups.values() if group.severity == "error")
    assert (group.kind, group.count) == ("entity … does not occur in the text", 30)
    assert [place.line for place in group.places] == [1, 2, 3]


def test_roles_belong_to_their_event_type_and_chinese_mentions_are_found(source, tmp_path):
    schema = '["起诉", "收购"]\n["原告", "买方"]\n{"起诉": ["原告"], "收购": ["买方"]}\n'

    def event(role, argument="甲公司", trigger="起诉"):
        return {"text": "甲公司起诉乙公司。", "event": [
            {"event_trigger": trigger, "event_type": "起诉", "arguments": [{"argument": argument, "role": role}]}]}  # fmt: skip

    records = [event("原告"), event("买方"), event("原告", "丙公司"), event("原告", "NAN", ""), event("原告", None)]
    folder = source(tmp_path / "IE-zh/EE/x", schema, train=records)
    assert reasons(folder) == [
        '3: argument "丙公司" does not occur in the text',
        '2: role of "起诉" "买方" is not in the schema',
    ]


@pytest.mark.parametrize(
    ("schema", "line", "reason"),
    [
        ('["a", 5]\n[]\n{}', 1, "the line[1] is 5, not a string"),
        ('["a"]\n{}\n{}', 2, "the line is {}, not a list"),
        ('["a"]\n[]\n{"a": [""]}', 3, "the line.a[0] is \"\", too short"),
        ('{"types": ["a", 5]}', 0, "types[1] is 5, not a string"),
        ('{"types": {"a": {"meaning": "x"}}}', 0, None),
        ("types: [a", 0, None),
        ("{}", 0, 'no "types" or "relations" or "roles" or "triples"'),
        ("[]\n[]\n{}", 0, "the schema has no labels"),
    ],
)  # fmt: skip
def test_a_bad_schema_is_told_with_its_line(tmp_path, schema, line, reason):
    (tmp_path / "schema.json").write_text(schema, "utf-8")
    report = validate([tmp_path / "schema.json"])
    place = report.sorted_groups()[0].places[0]
    assert place.line == line
    assert report.errors
    if reason:
        assert place.reason == reason


@pytest.mark.parametrize(
    "schema",
    [
        NER_SCHEMA,
        '[]\n["in"]\n{"in": [["city", "country"]]}',
        '{"types": ["a"], "roles": {"a": ["b"]}}',
        "types: {sue: [plaintiff, place]}",
        "types: {city: {description: a town, examples: [Ulm]}}",
        '{"relations": ["in"], "triples": {"in": [["city", "country"]]}}',
    ],
)
def test_every_form_of_schema_that_can_be_read_passes(tmp_path, schema):
    (tmp_path / "schema.yaml").write_text(schema, "utf-8")
    assert told(validate([tmp_path])) == []


def test_a_label_given_twice_is_a_warning(tmp_path):
    (tmp_path / "schema.json").write_text('["a", "a"]\n[]\n{}', "utf-8")
    assert told(validate([tmp_path])) == [("warning", "label … is given twice", 1)]


def test_meta_that_counts_other_records_is_a_warning(source, tmp_path):
    source(tmp_path / "x", NER_SCHEMA, train=[GOOD])
    write(tmp_path / "x/meta.json", {"lang": "en", "licence": "CC0", "splits": {"train": {"records": 2}, "dev": 7}})
    assert told(validate([tmp_path])) == [("warning", "meta.json counts other records", 1)]
    assert told(validate([tmp_path / "x/train.json"])) == [("warning", "meta.json counts other records", 1)]
    write(tmp_path / "x/meta.json", {"lang": "de", "splits": {"train": 1}})
    assert told(validate([tmp_path])) == [("error", "lang has another form", 1), ("warning", "no licence words", 1)]


def test_records_without_a_schema_are_still_checked_for_the_rest(source, tmp_path):
    source(tmp_path / "x", None, train=[{"text": "In Ulm", "entity": [{"entity": "Uml", "entity_type": "any"}]}])
    assert reasons(tmp_path) == [
        '1: entity "Uml" does not occur in the text',
        "0: no schema.json beside the split files",
    ]


def test_one_array_instead_of_lines_is_said_once(source, tmp_path):
    source(tmp_path / "IE-en/NER/x", NER_SCHEMA, train=["[", json.dumps(GOOD), "]"])
    assert reasons(tmp_path) == ["0: the file is one JSON array"]


def test_ids_of_records_may_not_be_repeated(source, tmp_path):
    records = [{"id": name, **GOOD} for name in ("a", "b", "a", 1, None, None)]
    source(tmp_path / "x", NER_SCHEMA, train=records)
    assert reasons(tmp_path) == ["3: the id of a record is given twice, first at line 1"]


def row(**changes):
    question = {"instruction": "Find.", "schema": ["city", "person"], "input": "In Ulm"}
    made = {
        "id": "en/NER/towns/test:1", "task": "NER", "source": "towns", "language": "en",
        "instruction": json.dumps(question), "output": '{"city": ["Ulm"], "person": []}',
        "label": json.dumps(GOOD["entity"]),
    }  # fmt: skip
    return {**made, **changes}


def asking(*labels, text="In Ulm"):
    return json.dumps({"instruction": "Find.", "schema": labels, "input": text})


@pytest.mark.parametrize(
    ("changes", "reason"),
    [
        ({}, None),
        ({"output": "", "label": ""}, None),
        ({"output": ""}, "output is empty although label is not"),
        ({"output": "city: Ulm"}, "output is not JSON"),
        ({"output": '{"person": [], "city": []}'}, "output answers ['person', 'city'], asked were ['city', 'person']"),
        ({"output": '{"city": ["Uml"], "person": []}'}, 'output holds "Uml", which does not occur in the text'),
        ({"output": '{"city": [5], "person": []}'}, "output holds 5, which does not occur in the text"),
        ({"label": '[{"entity": "Ulm"}]'}, 'label: no "entity[0].entity_type"'),
        ({"label": "{}"}, "label: entity is {}, not a list"),
        ({"instruction": '{"schema": []}'}, 'instruction: no "instruction"'),
        ({"instruction": "Find."}, "instruction is not JSON"),
        ({"task": "NERR", "id": "en/NERR/towns/test:1"}, 'task "NERR" is unknown'),
        ({"source": "other"}, 'id "en/NER/towns/test:1" does not begin with "en/NER/other/"'),
        ({"id": "1"}, 'id is "1"'),
        ({"language": "de"}, 'language is "de"'),
        ({"label": None}, "label is None, not a string"),
    ],
)
def test_question_answer_and_gold_of_a_row_belong_together(tmp_path, changes, reason):
    found = reasons(write(tmp_path / "rows.jsonl", row(**changes)))
    assert (found == []) if reason is None else any(line.startswith(f"1: {reason}") for line in found)


def test_two_rows_of_one_record_may_not_ask_the_same_nor_have_two_golds(tmp_path):
    answer = '{"city": ["Ulm"]}'
    lines = [
        row(instruction=asking("city"), output=answer),
        row(instruction=asking("person"), output='{"person": []}'),
        row(instruction=asking("city"), output=answer),
        row(instruction=asking("city", text="again"), output='{"city": []}'),  # another window of the text
        row(instruction=asking("river"), output='{"river": []}', label="[]"),
    ]
    assert reasons(write(tmp_path / "rows.jsonl", *lines)) == [
        "3: the id of a row asks the same again, first at line 1",
        "5: the id of a row is given twice, first at line 4",
    ]


def test_what_a_model_said_is_not_the_predictions_file_s_fault(tmp_path):
    file = write(tmp_path / "predictions.jsonl", row(output="I do not know."), {"output": "{}", "label": "[]"})
    assert told(validate([file])) == []
    assert reasons(write(tmp_path / "predictions.jsonl", row(label=[]))) == ["1: label is [], not a string"]


def test_the_original_s_own_layout_is_known(tmp_path):
    train = {"task": "NER", "source": "x", "instruction": asking("city"), "output": '{"city": ["Ulm"]}'}
    test = {"id": "7f", "task": "NER", "source": "x", "instruction": asking("city"), "label": "[]"}
    assert told(validate([write(tmp_path / "a.jsonl", train, test)])) == []
    assert reasons(write(tmp_path / "b.jsonl", {**train, "output": "{"}))[0].startswith("1: output is not JSON")


@pytest.mark.parametrize(
    ("name", "value", "found"),
    [
        ("K.json", {"city": ["river"]}, []),
        ("K.json", {"city": ["river", 5]}, ["0: city[1] is 5, not a string"]),
        ("K.json", {"NER": {"towns": {"city": ["river"]}}}, []),
        ("K.json", {"NER": {"towns": {"city": "river"}}}, ['0: NER.towns.city is "river", not a list']),
        ("manifest.json", {"rows": 1, "options": {}, "versions": {}, "sources": []}, []),
        ("manifest.json", {"rows": -1}, None),
        ("quarantine.jsonl", {"file": "a", "line": 1, "reason": "r", "remedy": "m", "raw": ""}, []),
        ("quarantine.jsonl", {"file": "a", "line": "1", "reason": "r", "remedy": "m", "raw": ""},
         ['1: line is "1", not a whole number']),
    ],
)  # fmt: skip
def test_the_other_formats_are_recognised_and_checked(tmp_path, name, value, found):
    result = reasons(write(tmp_path / name, value))
    assert result == found if found is not None else result


def test_a_pretty_printed_dictionary_is_recognised(tmp_path):
    (tmp_path / "K.json").write_text(json.dumps({"city": ["river", None]}, indent=2), "utf-8")
    assert reasons(tmp_path / "K.json") == ["0: city[1] is None, not a string"]


def test_a_file_of_no_known_format_is_named_and_can_be_told(tmp_path):
    file = write(tmp_path / "x.json", {"a": 1})
    assert reasons(file) == ["0: its format is not recognised"]
    assert reasons(file, as_format="negatives-flat") == ["0: a is 1, not a list"]
    write(tmp_path / "K.json", {"city": []})
    assert validate([tmp_path]).skipped == [str(file)]
    with pytest.raises(DataError, match="unknown format"):
        validate([file], as_format="nothing")
    with pytest.raises(DataError, match="no such file or folder"):
        validate([tmp_path / "absent"])
    (tmp_path / "empty").mkdir()
    with pytest.raises(DataError, match="nothing to check"):
        validate([tmp_path / "empty"])


def test_a_prepared_folder_passes_and_a_damaged_one_does_not(tmp_path):
    import pyarrow as pa
    import pyarrow.parquet as pq

    from iepile_dataset.export.prepare import prepare
    from iepile_dataset.options import Options

    prepare(tmp_path / "rows", tasks=["ner", "eea", "re"], options=Options(language="zh"))
    report = validate([tmp_path / "rows"])
    assert told(report) == []
    assert {"manifest", "row", "raw"} <= {checked.format for checked in report.files}
    (file,) = (tmp_path / "rows/ner").glob("test-*.parquet")
    table = pq.read_table(file)
    pq.write_table(pa.concat_tables([table, table.slice(0, 1)]), file)
    assert reasons(tmp_path / "rows") == [f"{len(table) + 1}: the id of a row asks the same again, first at line 1"]
    file.write_bytes(b"PAR1")
    assert reasons(tmp_path / "rows")[0].startswith("0: not Parquet")


def test_the_command_reports_as_table_json_and_html_and_exits_with_1_only_for_errors(source, tmp_path):
    fine = source(tmp_path / "fine", NER_SCHEMA, train=[GOOD])
    assert run(fine).exit_code == 0
    assert "no licence words" in run(fine).output
    bad = source(
        tmp_path / "bad", NER_SCHEMA, train=[{"text": "<b>Ulm", "entity": [{"entity": "<i>", "entity_type": "city"}]}]
    )
    table = run(bad)
    assert table.exit_code == 1
    assert "entity … does not occur in the text (1)" in table.output
    machine = run(bad, "--format", "json")
    assert machine.exit_code == 1
    assert json.loads(machine.stdout)["findings"][0]["places"][0]["line"] == 1
    page = run(bad, "--format", "html", "--out", tmp_path / "report.html")
    assert page.exit_code == 1
    text = (tmp_path / "report.html").read_text("utf-8")
    assert "&lt;i&gt;" in text
    assert "<i>" not in text
    assert not re.search(r"(src|href)=", text)
    assert "1 errors" in page.output
    assert run(bad, "--out", tmp_path / "report.txt").exit_code == 1
    assert "does not occur" in (tmp_path / "report.txt").read_text("utf-8")
    missing = run(tmp_path / "absent")
    assert missing.exit_code == 1
    assert missing.stderr.count("\n") == 1


def test_a_gzipped_file_is_read_too(tmp_path):
    file = write(tmp_path / "rows.jsonl", row(), row(output="{"))
    subprocess.run(["gzip", str(file)], check=True)
    assert reasons(f"{file}.gz")[0].startswith("2: output is not JSON")


# Small alphabets, so that mentions, labels and roles are often right.
_words = st.sampled_from(["a", "b", "", "NAN", " ", "ab"])
_any = st.one_of(_words, st.none(), st.integers(0, 1), st.just([]), st.just({}), st.just(["a"]))
_argument = st.dictionaries(st.sampled_from(["argument", "role"]), _any, max_size=2)
_items = {
    "entity": st.fixed_dictionaries({}, optional={"entity": _any, "entity_type": _any}),
    "relation": st.fixed_dictionaries({}, optional=dict.fromkeys(("head", "relation", "tail", "head_type"), _any)),
    "event": st.fixed_dictionaries(
        {"event_type": _any}, optional={"event_trigger": _any, "arguments": st.one_of(_any, st.lists(_argument, max_size=2))}
    ),
}  # fmt: skip
_SCHEMA = Schema(types=("a", "b"), relations=("a",), roles={"a": ("a", "b")})


@pytest.mark.parametrize("key", _items)
@given(data=st.data())
@settings(deadline=None, max_examples=150)
def test_a_record_has_defects_where_the_reference_validator_finds_some_and_any_label_passes_without_a_schema(key, data):
    items = st.one_of(_any, st.lists(st.one_of(_items[key], _any), max_size=2))
    record = data.draw(st.one_of(_any, st.fixed_dictionaries({"text": _any}, optional={key: items, "id": _any})))
    fits = Draft202012Validator(format_schema(key)).is_valid(record)
    assert fits is (not list(defects(record, key)))
    meant = list(problems(record, key, None))
    assert [finding for finding in problems(record, key, _SCHEMA) if "is not in the schema" not in finding[0]] == meant
    assert not (fits and any("does not occur" not in reason and "is empty" not in reason for reason, _ in meant))


@pytest.mark.parametrize("name", ["row", "prediction", "original", "raw"])
@given(data=st.data())
@settings(deadline=None, max_examples=150)
def test_a_row_has_defects_where_the_reference_validator_finds_some(name, data):
    value = dict(row(**data.draw(st.dictionaries(st.sampled_from(sorted(row())), _any, max_size=2))))
    value["record"] = data.draw(_any)
    for column in data.draw(st.lists(st.sampled_from(sorted(row())), max_size=2)):
        value.pop(column, None)
    value["id"] = data.draw(st.sampled_from([value.get("id"), "en/NER/x/train:0", "zh/EE/a/b/test:12"]))
    assert Draft202012Validator(format_schema(name)).is_valid(value) is (not list(defects(value, name)))


def test_the_real_corpus_has_no_errors(corpus):
    assert validate([corpus]).errors == 0
