import json

import pytest
from typer.testing import CliRunner

from iepile.commands.clean import clean as command
from iepile_dataset.cleaning.clean import clean
from iepile_dataset.options import CleanOptions
from iepile_trainer.command_line import Commands

from ..conftest import NER_SCHEMA

app = Commands()
app.command()(command)

CITY = {"entity": "Ulm", "entity_type": "city"}
RIVER = {"entity": "Ulm", "entity_type": "river"}


def record(text, *items):
    return {"text": text, "entity": list(items)}


def run(*arguments):
    return CliRunner().invoke(app, [*map(str, arguments)])


def texts(folder, split="train"):
    return [json.loads(line)["text"] for line in (folder / f"{split}.json").open(encoding="utf-8")]


def dropped(out, rule):
    file = out / "dropped" / f"{rule}.jsonl"
    lines = [json.loads(line) for line in file.open(encoding="utf-8")] if file.exists() else []
    return [(line["file"].rpartition("/")[2], line["line"], line["twin"] and line["twin"]["line"]) for line in lines]


def contents(folder):
    return {
        str(file.relative_to(folder)): file.read_bytes()
        for file in sorted(folder.rglob("*"))
        if file.is_file() and file.name != "cleaned.json" and "dropped" not in file.parts
    }


@pytest.fixture
def cleaned(source, tmp_path):
    """Cleans one source, by the rules that are named."""

    def make(*only, language="en", **splits):
        options = {name: splits.pop(name) for name in ("threshold", "leak_from") if name in splits}
        source(tmp_path / f"in/IE-{language}/NER/towns", NER_SCHEMA, **splits)
        done = clean(tmp_path / "out", str(tmp_path / "in"), options=CleanOptions(only=only, **options))
        return done, tmp_path / f"out/IE-{language}/NER/towns"

    return make
