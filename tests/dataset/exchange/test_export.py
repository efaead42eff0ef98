"""`iepile export`: predictions and records for the tools in which people correct them, and back."""

import json

import pytest
from typer.testing import CliRunner

from iepile.cli import app
from iepile_dataset.errors import DataError
from iepile_dataset.exchange import read
from iepile_dataset.exchange.exporting import export_file

from .conftest import entities, events, relations


def mention(label, text, start, confidence=None):
    return {"label": label, "text": text, "start": start, "end": start + len(text), "confidence": confidence}


def predicted(text, *extractions, task="ner"):
    """A line as `iepile predict` writes it for a text."""
    return {
        "text": text,
        "task": task,
        "language": "en",
        "extractions": list(extractions),
        "raw": [],
        "error": None,
        "lost": [],
    }


PREDICTIONS = [
    predicted("In Ulm", mention("city", "Ulm", 3, 0.9)),
    predicted("Ada left Bonn", mention("person", "Ada", 0, 0.8), mention("city", "Bonn", 9, 0.4)),
    predicted("Nobody wrote."),
    predicted("In Oslo", mention("city", "Oslo", 3, 0.7)),
]


@pytest.fixture
def file(tmp_path):
    def write(values, name="found.jsonl"):
        (tmp_path / name).write_text("".join(json.dumps(value, ensure_ascii=False) + "\n" for value in values), "utf-8")
        return tmp_path / name

    return write


def run(*words):
    return CliRunner().invoke(app, [*map(str, words)])


def test_the_least_certain_come_first_with_their_confidences(file, tmp_path):
    result = run("export", file(PREDICTIONS), "--to", "label-studio", "--order", "uncertain")
    assert result.exit_code == 0, result.output
    tasks = json.loads((tmp_path / "found.label-studio.json").read_text("utf-8"))
    assert [task["data"]["text"] for task in tasks] == ["Ada left Bonn", "In Oslo", "In Ulm", "Nobody wrote."]
    (prediction,) = tasks[0]["predictions"]
    assert prediction["score"] == 0.4
    assert [one["score"] for one in prediction["result"]] == [0.8, 0.4]
    assert f"4 texts in {tmp_path / 'found.label-studio.json'} (read as iepile)" in result.output.replace("\n", "")


def test_a_sample_has_each_label(file, tmp_path):
    done = export_file(file(PREDICTIONS), "doccano", order="uncertain", sample=2)
    assert done.records == 2
    labels = {label for record in read(done.out) for _, label in entities(record)}
    assert labels == {"person", "city"}


def test_a_corrected_export_comes_back_as_a_source(file, tmp_path):
    out = export_file(file(PREDICTIONS), "label-studio").out
    tasks = json.loads(out.read_text("utf-8"))
    for task in tasks:  # as Label Studio exports what people accepted
        results = [result for one in task.pop("predictions", []) for result in one["result"]]
        task["annotations"] = [
            {"result": [one for one in results if one["value"]["text"] != "Bonn"], "was_cancelled": False}
        ]
    out.write_text(json.dumps(tasks), "utf-8")
    result = run("import", out, "--out", tmp_path / "my/IE-xx/NER/corrected")
    assert result.exit_code == 0, result.output
    lines = (tmp_path / "my/IE-en/NER/corrected/train.json").read_text("utf-8").splitlines()
    assert [entities(json.loads(line)) for line in lines] == [
        [("Ulm", "city")],
        [("Ada", "person")],
        [],
        [("Oslo", "city")],
    ]
    assert run("validate", tmp_path / "my").exit_code == 0


def test_relations_and_events_of_predictions(file):
    head, tail = mention("person", "Ada", 0), mention("", "Ulm", 7)
    (record,) = read(
        file([predicted("Ada in Ulm", {"label": "in", "head": head, "tail": tail, "confidence": 0.5}, task="re")])
    )
    assert relations(record) == [("Ada", "in", "Ulm")]
    event = {
        "label": "lawsuit",
        "trigger": mention("lawsuit", "sued", 4),
        "arguments": [mention("plaintiff", "Ada", 0)],
    }
    lone = {"label": "trip", "trigger": None, "arguments": [], "confidence": None}
    found = file([predicted("Ada sued", {**event, "confidence": 0.5}, lone, task="ee")])
    (record,) = read(found)
    assert events(record) == [("lawsuit", "sued", {("plaintiff", "Ada")}), ("trip", "", set())]
    done = export_file(found, "brat")
    assert {kind: tally.count for kind, tally in done.losses.items()} == {"an event without a trigger": 1}
    assert "confidence 0.5" in (done.out / "0000001.ann").read_text()


def test_rows_of_one_record_are_one_text(file):
    def row(schema, output, name="1"):
        question = json.dumps({"instruction": "?", "schema": schema, "input": "Ada in Ulm"})
        return {"id": name, "task": "NER", "instruction": question, "output": output, "label": "[]"}

    found = file([
        row(["city"], '{"city": ["Ulm"]}'), row(["person"], '{"person": ["Ada"]}'),
        row(["city"], '{"city": ["Rom', "2"), row(["city"], '{"city": ["Rome", "Ulm"]}', "3"),
    ])  # fmt: skip
    losses = []
    first, second, third = read(found, on_loss=losses.append)
    assert entities(first) == [("Ulm", "city"), ("Ada", "person")]
    assert (entities(second), entities(third)) == ([], [("Ulm", "city")])
    assert [loss.kind for loss in losses] == ["an answer that cannot be read", "a mention does not occur in the text"]


def test_what_a_format_cannot_hold_is_counted_or_refused(file, tmp_path):
    nested = {
        "text": "New York Times",
        "entity": [{"entity": "New York Times", "entity_type": "paper"}, {"entity": "New York", "entity_type": "city"}],
    }
    result = run("export", file([nested]), "--to", "conll")
    assert result.exit_code == 0
    assert "a mention inside or across another" in result.output
    relation = {"text": "Ada in Ulm", "relation": [{"head": "Ada", "relation": "in", "tail": "Ulm"}]}
    with pytest.raises(
        DataError, match=r"CoNLL columns cannot hold relation \(choose brat or label-studio or doccano or spacy\)"
    ):
        export_file(file([relation], "b.jsonl"), "conll")
    assert not list(tmp_path.glob(".b*"))
    with pytest.raises(DataError, match=r"unknown format \"gliner\""):
        export_file(file([relation], "b.jsonl"), "gliner")


def test_a_file_is_replaced_only_when_told(file):
    found = file(PREDICTIONS)
    export_file(found, "conll")
    with pytest.raises(DataError, match="is there already"):
        export_file(found, "conll")
    assert export_file(found, "conll", overwrite=True).records == 4


def test_a_mention_without_a_place_gets_the_next_whole_word(file):
    items = [{"entity": "in", "entity_type": "x"}] * 3
    done = export_file(file([{"text": "Berlin, in and in", "entity": items}]), "doccano")
    assert json.loads(done.out.read_text())["label"] == [[8, 10, "x"], [15, 17, "x"], [8, 10, "x"]]


def test_a_source_is_exported_without_what_its_import_set_aside(tmp_path):
    tagged = "".join(f"In O\nUlm{number} B-city\n\n" for number in range(9))
    (tmp_path / "a.conll").write_text(tagged + "In O\nbroken\n")
    words = ["import", str(tmp_path / "a.conll"), "--out", str(tmp_path / "mine")]
    assert CliRunner().invoke(app, words).exit_code == 0
    assert (tmp_path / "mine" / "quarantine.jsonl").is_file()
    words = ["export", str(tmp_path / "mine"), "--to", "doccano", "--out", str(tmp_path / "out.jsonl")]
    result = CliRunner().invoke(app, words)
    assert result.exit_code == 0, result.output
    assert len((tmp_path / "out.jsonl").read_text().splitlines()) == 9
