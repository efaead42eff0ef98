"""What stands in data is shown; the terminal does not obey it, and no spreadsheet computes it."""

import csv
import json
import re

import pytest
from typer.testing import CliRunner

from iepile.cli import app
from iepile_dataset.errors import visible

HOSTILE = "\x1b[31m\x1b]0;owned\x07\x9b2J\u202edrow\x08\x7f"
OBEYED = re.compile(r"[\0-\x08\x0b-\x1f\x7f-\x9f\u202a-\u202e\u2066-\u2069]")
TEXT = f"In Ulm{HOSTILE} am Rhein"


@pytest.fixture
def corpus(tmp_path):
    folder = tmp_path / f"in/IE-en/NER/a{HOSTILE}"
    folder.mkdir(parents=True)
    labels = [f"city{HOSTILE}", "river"]
    (folder / "schema.json").write_text(f"{json.dumps(labels)}\n[]\n{{}}\n")
    (folder / "meta.json").write_text(json.dumps({"licence": f"MIT{HOSTILE}", "domain": f"news{HOSTILE}"}))
    good = {"text": TEXT, "entity": [{"entity": f"Ulm{HOSTILE}", "entity_type": labels[0]}]}
    bad = {"text": TEXT, "entity": [{"entity": f"Bonn{HOSTILE}", "entity_type": f"x{HOSTILE}"}]}
    (folder / "train.json").write_text("".join(json.dumps(record) + "\n" for record in (good, good, bad)))
    return tmp_path / "in"


def test_no_command_lets_data_speak_to_the_terminal(corpus, tmp_path):
    rows = tmp_path / f"rows{HOSTILE}.jsonl"
    label = json.dumps([{"entity": f"Ulm{HOSTILE}", "entity_type": f"city{HOSTILE}"}])
    row = {"task": "NER", "source": f"a{HOSTILE}", "output": json.dumps({f"city{HOSTILE}": ["x"]}), "label": label}
    rows.write_text(json.dumps(row) + f"\n{HOSTILE}\n")
    source = str(next(corpus.glob("IE-en/NER/*/train.json")))
    for command in (
        ["prepare", str(corpus), "--out", str(tmp_path / f"out{HOSTILE}")],
        ["validate", str(corpus)],
        ["stats", str(corpus)],
        ["clean", str(corpus), "--out", str(tmp_path / f"clean{HOSTILE}")],
        ["negatives", "mine", str(corpus), "--out", str(tmp_path / f"K{HOSTILE}.json")],
        ["score", str(rows), "--errors"],
        ["export", source, "--to", "doccano", "--out", str(tmp_path / f"x{HOSTILE}.jsonl")],
        ["import", str(rows), "--out", str(tmp_path / "y")],
        ["prepare", f"/no/such{HOSTILE}", "--out", "x"],
        ["recipes", "show", HOSTILE],
        ["prepare", str(corpus), "--out", str(tmp_path / "z"), "--split-num", HOSTILE],
    ):
        done = CliRunner().invoke(app, command)
        said = done.stdout + done.stderr
        assert not isinstance(done.exception, UnicodeError), command
        assert said
        assert not OBEYED.search(said), (command, said)


def test_what_is_visible_can_be_printed_and_told_apart():
    assert visible("a\tb\nc\r") == "a\tb\nc\\r"
    assert visible("张三 é \ud83d") == "张三 é \\ud83d"
    assert visible(HOSTILE).isprintable()


def test_no_cell_of_a_table_is_a_formula(tmp_path):
    rows, table = tmp_path / "rows.jsonl", tmp_path / "table.csv"
    ids = ["=1+1", "+1", "-1", "@SUM(1)", "\t=1", "plain", "a=1"]
    row = {"task": "NER", "source": "=cmd|' /C calc'!A0", "output": '{"=x": ["=y"]}', "label": "[]"}
    rows.write_text("".join(json.dumps({**row, "id": id}) + "\n" for id in ids))
    assert CliRunner().invoke(app, ["score", str(rows), "--table", str(table)]).exit_code == 0
    with table.open(newline="") as file:
        cells = list(csv.DictReader(file))
    assert [cell["id"] for cell in cells] == ["'=1+1", "'+1", "'-1", "'@SUM(1)", "'\t=1", "plain", "a=1"]
    assert {cell["source"] for cell in cells} == {"'=cmd|' /C calc'!A0"}
    assert not any(value.startswith(tuple("=+-@\t\r")) for cell in cells for value in cell.values())
