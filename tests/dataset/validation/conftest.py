import json

import typer
from typer.testing import CliRunner

from iepile.commands.validate import validate as command
from iepile_dataset.validation.validate import validate

GOOD = {"text": "In Ulm", "entity": [{"entity": "Ulm", "entity_type": "city"}]}

app = typer.Typer()
app.command()(command)


def run(*arguments):
    return CliRunner().invoke(app, [*map(str, arguments)])


def kinds(report):
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
