"""Records, schemas and folders, and the command that checks them."""

import json
import re

import pytest

from iepile_dataset.validation.validate import validate

from ..conftest import NER_SCHEMA
from .conftest import GOOD, kinds, reasons, run, write


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
    assert kinds(validate([tmp_path])) == []


def test_a_label_given_twice_is_a_warning(tmp_path):
    (tmp_path / "schema.json").write_text('["a", "a"]\n[]\n{}', "utf-8")
    assert kinds(validate([tmp_path])) == [("warning", "label … is given twice", 1)]


def test_meta_that_counts_other_records_is_a_warning(source, tmp_path):
    source(tmp_path / "x", NER_SCHEMA, train=[GOOD])
    write(tmp_path / "x/meta.json", {"lang": "en", "licence": "CC0", "splits": {"train": {"records": 2}, "dev": 7}})
    assert kinds(validate([tmp_path])) == [("warning", "meta.json counts other records", 1)]
    assert kinds(validate([tmp_path / "x/train.json"])) == [("warning", "meta.json counts other records", 1)]
    write(tmp_path / "x/meta.json", {"lang": "de", "splits": {"train": 1}})
    assert kinds(validate([tmp_path])) == [("error", "lang has another form", 1), ("warning", "no licence words", 1)]


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


def test_a_prepared_folder_passes_and_a_damaged_one_does_not(tmp_path):
    import pyarrow as pa
    import pyarrow.parquet as pq

    from iepile_dataset.export.prepare import prepare
    from iepile_dataset.options import Options

    prepare(tmp_path / "rows", tasks=["ner", "eea", "re"], options=Options(language="zh"))
    report = validate([tmp_path / "rows"])
    assert kinds(report) == []
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


def test_the_real_corpus_has_no_errors(corpus):
    assert validate([corpus]).errors == 0


def test_a_folder_prepared_from_bad_records_holds_no_error(tmp_path):
    lines = [
        '{"text": "Ann left.", "entity": [{"entity": "Ann", "entity_type": "person"}]}',
        '{"text": "  \\t", "entity": []}',
        '{"text": "", "entity": []}',
        '{"text": "cut off, "entity',
    ]
    from iepile_dataset.export.prepare import prepare

    (tmp_path / "towns").mkdir()
    (tmp_path / "towns/train.json").write_text("\n".join(lines) + "\n")
    (tmp_path / "towns/schema.json").write_text('["person"]\n[]\n{}\n')
    prepare(tmp_path / "rows", tmp_path / "towns", tasks=["ner"])
    assert len((tmp_path / "rows/quarantine.jsonl").read_text().splitlines()) == 3
    report = validate([tmp_path / "rows"])
    assert (report.errors, report.warnings) == (0, 3)  # in raw/, which keeps them all
