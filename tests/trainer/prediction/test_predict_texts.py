"""`iepile predict` on texts: a line of extractions for a line of input, bad lines and interruptions included."""

import io
import json
import os
import shutil
import subprocess
import sys

import pytest

from iepile_dataset import Schema, instructions
from iepile_metric.files import score_file
from iepile_trainer.predict import PredictArguments, main
from iepile_trainer.prediction.run import run_prediction

SCHEMA = Schema(types=("person", "city"))


@pytest.fixture(scope="module")
def model_folder(tmp_path_factory, small_model):
    """An untrained model whose tokenizer knows the prompt; constrained, it answers in the shape that was asked."""
    from iepile_trainer.formats import use_format
    from iepile_trainer.models.scratch import new_tokenizer

    pairs = (("en", "Ada Bell lives in Ulm and in Rome."), ("zh", "小明住在北京。"))
    rows = [row for language, text in pairs for row in instructions(text, None, SCHEMA, "ner", language)]
    tokenizer = new_tokenizer(rows, 400)
    use_format(tokenizer)
    folder = tmp_path_factory.mktemp("model")
    small_model(tokenizer).save_pretrained(folder)
    tokenizer.save_pretrained(folder)
    return str(folder)


@pytest.fixture
def predicted(tmp_path, model_folder):
    """A function that predicts with options and gives the summary and what was written."""

    def predict(**options):
        output = tmp_path / options.pop("name", "out.jsonl")
        chosen = {"constrain": "extractive", "max_new_tokens": 24, **options}
        summary = run_prediction(PredictArguments(model=model_folder, output=str(output), **chosen))
        return summary, [json.loads(line) for line in output.read_text().splitlines()]

    return predict


def test_each_line_of_a_text_file_becomes_a_line_with_extractions(tmp_path, predicted):
    (tmp_path / "in.txt").write_text("Ada Bell lives in Ulm.\n\n小明住在北京。\n")
    summary, (english, chinese) = predicted(input=str(tmp_path / "in.txt"), schema="person,city")
    assert (summary.read, summary.predicted) == (2, 2)
    assert list(english)[:7] == ["id", "text", "task", "language", "extractions", "raw", "lost"]
    assert (english["id"], chinese["id"]) == (f"{tmp_path}/in.txt:1", f"{tmp_path}/in.txt:3")
    assert (english["language"], chinese["language"]) == ("en", "zh")
    for line in (english, chinese):
        for found in line["extractions"]:
            assert line["text"][found["start"] : found["end"]] == found["text"]
            assert 0 <= found["confidence"] <= 1


def test_bad_lines_stand_in_their_place_with_their_reason(tmp_path, predicted):
    lines = ['{"text": "Ada", "key": {"kept": [1]}}', "{nope", '{"text": ""}', '{"id": 7, "text": "Bo"}']
    (tmp_path / "in.jsonl").write_text("\n".join(lines))
    summary, (first, broken, empty, last) = predicted(input=str(tmp_path / "in.jsonl"), schema='["person"]')
    assert first["key"] == {"kept": [1]}
    assert broken["line"] == "{nope"
    assert broken["error"].startswith(f"{tmp_path}/in.jsonl:2: not JSON")
    assert empty["error"] == "the text is empty"
    assert last["id"] == 7
    assert summary.read == 4
    assert sum(summary.failed.values()) == sum("error" in line for line in (first, broken, empty, last))


def test_an_interrupted_file_of_texts_is_continued_with_what_is_missing(tmp_path, predicted):
    (tmp_path / "in.txt").write_text("".join(f"Ada {number} lives in Ulm.\n" for number in range(9)))
    options = {"input": str(tmp_path / "in.txt"), "schema": "person,city"}
    _, whole = predicted(**options)
    written = (tmp_path / "out.jsonl").read_bytes()
    for cut in (0, 100, len(written) // 2, len(written) - 1):
        (tmp_path / "out.jsonl").write_bytes(written[:cut])
        summary, again = predicted(**options)
        assert [line["id"] for line in again] == [line["id"] for line in whole]
        assert [line["raw"] for line in again] == [line["raw"] for line in whole]
        assert summary.read == 9


def test_another_schema_or_option_is_refused_for_the_same_file(tmp_path, predicted):
    (tmp_path / "in.txt").write_text("Ada\n")
    predicted(input=str(tmp_path / "in.txt"), schema="person")
    for changed in ({"schema": "city"}, {"schema": "person", "min_confidence": 0.5}):
        with pytest.raises(ValueError, match="was made with"):
            predicted(input=str(tmp_path / "in.txt"), **changed)


def test_a_schema_file_that_has_changed_is_another_input(tmp_path, predicted):
    (tmp_path / "in.txt").write_text("Ada\n")
    (tmp_path / "schema.json").write_text('["person"]\n[]\n{}')
    predicted(input=str(tmp_path / "in.txt"))
    (tmp_path / "schema.json").write_text('["person", "city"]\n[]\n{}')
    with pytest.raises(ValueError, match="was made with input_digest"):
        predicted(input=str(tmp_path / "in.txt"))


def test_annotated_records_become_rows_that_can_be_scored_with_their_confidences(tmp_path, predicted):
    record = {"text": "Ada lives in Ulm.", "entity": [{"entity": "Ulm", "entity_type": "city"}]}
    (tmp_path / "schema.json").write_text('["person", "city"]\n[]\n{}')
    (tmp_path / "test.json").write_text(json.dumps(record) + "\n")
    _, rows = predicted(input=str(tmp_path / "test.json"), orders=2)
    assert [row["order"] for row in rows] == [0, 1]
    for row in rows:
        counted = sum(len(mentions) for mentions in json.loads(row["output"]).values())
        assert len(row["confidence"]["entity"]) == counted
    scores, bad = score_file(tmp_path / "out.jsonl")
    assert (scores["records"], bad) == (1, [])
    _, plain = predicted(input=str(tmp_path / "test.json"), confidence=False, name="plain.jsonl")
    assert "confidence" not in plain[0]
    _, found = predicted(input=str(tmp_path / "test.json"), extract=True, name="found.jsonl")
    assert found[0]["entity"] == record["entity"]
    assert "extractions" in found[0]


def test_unsure_results_are_left_out_and_counted(tmp_path, predicted):
    (tmp_path / "in.txt").write_text("Ada lives in Ulm.\n")
    _, (line,) = predicted(input=str(tmp_path / "in.txt"), schema="person,city", min_confidence=1.0)
    assert line["extractions"] == []
    assert all("below 1" in lost for lost in line["lost"])


def test_a_cut_answer_says_so_and_keeps_what_it_held(tmp_path, predicted):
    (tmp_path / "in.txt").write_text("Ada lives in Ulm.\n")
    summary, (line,) = predicted(input=str(tmp_path / "in.txt"), schema="person,city", max_new_tokens=2)
    assert line["error"] == "the answer was cut off"
    assert summary.failed == {"the answer was cut off": 1}
    assert "predicted 0, failed 1" in str(summary)
    assert "1 failed: the answer was cut off" in str(summary)
    again, _ = predicted(input=str(tmp_path / "in.txt"), schema="person,city", max_new_tokens=2, retry_failed=True)
    assert again.now == 0  # the model would say the same


def test_every_failed_line_is_counted_and_ten_reasons_are_shown(tmp_path, predicted):
    (tmp_path / "in.jsonl").write_text('{"text": "Ada"}\n' + "{nope\n" * 12)  # each reason names its own line
    summary, _ = predicted(input=str(tmp_path / "in.jsonl"), schema="person")
    assert len(summary.failed) == 12
    assert "rows read 13, predicted 1, failed 12" in str(summary)
    assert str(summary).count(" failed: ") == 10


def test_long_texts_are_cut_as_the_training_of_the_run_was(tmp_path, model_folder):
    from iepile_trainer import Extractor

    folder = shutil.copytree(model_folder, tmp_path / "run")
    lengths = {"max_length": 90, "percentiles": {"100%": 90}, "answer_tokens": 10, "kept": 1}
    (folder / "run.json").write_text(json.dumps({"base_model": None, "lengths": lengths}))
    text = "Ada lives in Ulm. " * 20
    (tmp_path / "in.txt").write_text(text + "\n")
    numbers = []
    for name in (model_folder, str(folder)):
        output = tmp_path / f"{len(numbers)}.jsonl"
        args = {"input": str(tmp_path / "in.txt"), "schema": "person,city", "max_new_tokens": 8, "output": str(output)}
        run_prediction(PredictArguments(model=name, **args))
        numbers.append(len(json.loads(output.read_text())["raw"]))
        assert len(Extractor.from_pretrained(name, max_new_tokens=8)(text, ["person", "city"]).raw) == numbers[-1]
    assert numbers[0] < numbers[1]


@pytest.mark.parametrize(
    ("options", "reason"),
    [
        (["--input", "-"], "no schema (give --schema"),
        (["--input", "IN", "--schema", "none.json"], "none.json: no such schema file"),
        (["--input", "IN", "--schema", "person", "--task", "spo"], "the schema has no labels for SPO"),
        (["--input", "IN", "--schema", "person", "--orders", "3"], "--orders needs rows or annotated records"),
    ],
)
def test_what_the_user_can_put_right_is_one_line(tmp_path, model_folder, monkeypatch, options, reason):
    (tmp_path / "in.txt").write_text("Ada\n")
    monkeypatch.setattr(sys, "stdin", io.TextIOWrapper(io.BytesIO(b"Ada\n")))
    options = [str(tmp_path / "in.txt") if option == "IN" else option for option in options]
    with pytest.raises(SystemExit) as stop:
        main(["--model", model_folder, "--output", str(tmp_path / "out.jsonl"), *options])
    assert reason in stop.value.code
    assert "\n" not in stop.value.code


@pytest.mark.parametrize(
    ("options", "code", "reasons"),
    [
        (["--min_confidence", "3"], 1, ["error: --min_confidence 3 is out of range (0 to 1)\n"]),
        (["--constrain", "xml"], 2, ["'xml' is not one of", "'extractive'"]),
        (["--schemas", "person"], 2, ["No such option", "--schemas", "--schema"]),
    ],
)
def test_a_wrong_value_or_option_is_named_with_what_is_right(capsys, options, code, reasons):
    with pytest.raises(SystemExit) as stop:
        main(["--model", "m", "--input", "in.txt", *options])
    assert stop.value.code == code
    said = capsys.readouterr().err
    assert all(reason in said for reason in reasons)


@pytest.mark.slow
def test_the_command_reads_standard_input(tmp_path, model_folder):
    command = [sys.executable, "-m", "iepile.cli", "predict", "--model", model_folder, "--input", "-"]
    command += ["--schema", "person,city", "--output", str(tmp_path / "out.jsonl"), "--max_new_tokens", "24"]
    command += ["--constrain", "json"]
    env = {**os.environ, "OMP_NUM_THREADS": "1"}
    done = subprocess.run(command, input="Ada lives in Ulm.\nBo too.\n", capture_output=True, text=True, env=env)
    assert done.returncode == 0, done.stderr
    assert "rows read 2" in done.stdout
    ids = [json.loads(line)["id"] for line in (tmp_path / "out.jsonl").read_text().splitlines()]
    assert ids == ["standard input:1", "standard input:2"]
