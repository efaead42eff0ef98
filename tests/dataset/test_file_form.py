"""Corpora that are no UTF-8 JSON lines: every command says what they are and what to do."""

import json

import pytest
from typer.testing import CliRunner

from iepile.cli import app

ROWS = [
    {"text": f"{name}住在北京。", "entity": [{"entity": name, "entity_type": "人物"}]}
    for name in ("张三", "李四", "王五")
]
LINES = [json.dumps(row, ensure_ascii=False) for row in ROWS]
FORMS = {
    "UTF-16": ("\n".join(LINES).encode("utf-16"), "iconv -f UTF-16"),
    "GBK": ("\n".join(LINES).encode("gbk"), "iconv -f GB18030"),
    "one JSON array": (json.dumps(ROWS, ensure_ascii=False, indent=1).encode(), "jq -c"),
    "carriage return alone": ("\r".join(LINES).encode(), "tr "),
}


@pytest.mark.parametrize("command", ["prepare", "stats", "clean", "validate"])
@pytest.mark.parametrize("form", FORMS)
def test_the_form_its_place_and_the_remedy_are_named(tmp_path, command, form):
    content, remedy = FORMS[form]
    folder = tmp_path / "towns"
    folder.mkdir()
    (folder / "schema.json").write_text('["人物"]\n[]\n{}\n', encoding="utf-8")
    (folder / "train.json").write_bytes(content)
    out = ["--out", str(tmp_path / "out")] if command in ("prepare", "clean") else []
    result = CliRunner().invoke(app, [command, str(folder), *out], env={"COLUMNS": "200", "TERM": "dumb"})
    assert result.exit_code
    printed = " ".join(result.output.split())
    for words in (form, remedy, "train.json"):
        assert words in printed, printed
