"""`iepile predict`: rows in, rows out; what was written is kept, and what is wrong is said in one line."""

import json
import time
from dataclasses import replace

import pytest

from iepile_trainer import TrainerError
from iepile_trainer.formats import use_format
from iepile_trainer.models.load import load
from iepile_trainer.predict import PredictArguments, main
from iepile_trainer.prediction.run import run_prediction

from ...forked import start


@pytest.fixture
def model_folder(tmp_path, tokenizer, small_model):
    use_format(tokenizer)
    small_model(tokenizer).save_pretrained(tmp_path / "model")
    tokenizer.save_pretrained(tmp_path / "model")
    return tmp_path / "model"


def write(path, rows):
    path.write_text("".join(json.dumps(row) + "\n" for row in rows))
    return str(path)


def test_a_file_is_answered_and_a_second_call_has_nothing_left_to_do(tmp_path, model_folder, row_list, capsys):
    rows = [{**row, "extra": {"kept": [1]}} for row in row_list(5)]
    options = ["--model", str(model_folder), "--input", write(tmp_path / "in.jsonl", rows), "--max_new_tokens", "5"]
    main(options)
    assert "rows read 5, predicted 5, failed 0" in capsys.readouterr().out
    written = (model_folder / "predictions.jsonl").read_text()
    for line, row in zip(written.splitlines(), rows, strict=True):
        answered = json.loads(line)
        assert answered.pop("cut", True)  # five tokens are soon used up
        assert {**answered, "output": None} == {**row, "output": None}
    main(options)
    assert "nothing left to do" in capsys.readouterr().out
    assert (model_folder / "predictions.jsonl").read_text() == written


def test_an_interrupted_file_is_continued_after_its_last_whole_row(tmp_path, model_folder, row_list):
    output, source = tmp_path / "out.jsonl", write(tmp_path / "in.jsonl", row_list(12))
    args = PredictArguments(model=str(model_folder), input=source, output=str(output), max_new_tokens=5)
    run_prediction(args)
    whole = output.read_bytes()
    for cut in (0, 1, len(whole) // 2, len(whole) - 1):
        output.write_bytes(whole[:cut])
        summary = run_prediction(args)
        assert output.read_bytes() == whole
        assert (summary.read, summary.predicted) == (12, 12)


def test_another_input_or_retrained_weights_are_refused(tmp_path, model_folder, row_list, small_model, tokenizer):
    source = write(tmp_path / "in.jsonl", row_list(3))
    args = PredictArguments(model=str(model_folder), input=source, max_new_tokens=3)
    run_prediction(args)
    write(tmp_path / "in.jsonl", row_list(4))
    with pytest.raises(TrainerError, match="was made with input_digest"):
        run_prediction(args)
    write(tmp_path / "in.jsonl", row_list(3))
    small_model(tokenizer, hidden=32).save_pretrained(model_folder)
    with pytest.raises(TrainerError, match="was made with model_digest"):
        run_prediction(args)
    assert run_prediction(replace(args, overwrite=True)).now == 3


def test_wrong_models_and_inputs_are_one_line_errors(tmp_path, model_folder, row_list):
    source = write(tmp_path / "in.jsonl", row_list(2))
    folder = str(model_folder)
    for options, reason in (
        ([], "no model: give --model"),
        (
            ["--model", str(tmp_path / "none"), "--input", source, "--output", str(tmp_path / "x")],
            "cannot load the model",
        ),
        (["--model", folder, "--input", str(tmp_path / "none")], "no dataset"),
        (["--model", folder, "--input", str(tmp_path / "none.jsonl")], "none.jsonl: no such file"),
        (["--model", folder, "--input", source, "--adapter", folder], "is no adapter"),
        (["--model", folder, "--input", source, "--max_new_tokens", "99999"], "leaves nothing for a prompt"),
        (["--model", folder, "--input", source, "--trust_remote_code"], "pin it with a revision"),
    ):
        with pytest.raises(SystemExit) as stop:
            main(options)
        assert reason in stop.value.code
        assert "\n" not in stop.value.code


def test_an_option_that_is_none_is_named_with_the_one_that_is_meant(capsys):
    with pytest.raises(SystemExit) as stop:
        main(["--model", "m", "--batchsize", "3"])
    assert stop.value.code == 2
    assert "--batch-size" in capsys.readouterr().err


def test_an_adapter_is_loaded_with_its_base_and_refused_with_another(tmp_path, model_folder, small_model, tokenizer):
    from peft import LoraConfig, get_peft_model
    from transformers import AutoModelForCausalLM

    base = AutoModelForCausalLM.from_pretrained(model_folder)
    get_peft_model(base, LoraConfig(target_modules="all-linear")).save_pretrained(tmp_path / "adapter")
    loaded, _ = load(str(tmp_path / "adapter"))
    assert type(loaded).__name__.startswith("PeftModel")
    assert not loaded.training
    assert load(str(model_folder), str(tmp_path / "adapter"))[1].chat_template
    (tmp_path / "other").mkdir()
    with pytest.raises(TrainerError, match=r"was trained on .*/model, not on .*/other"):
        load(str(tmp_path / "other"), str(tmp_path / "adapter"))


@pytest.mark.slow
def test_a_killed_prediction_loses_nothing(tmp_path, model_folder, row_list):
    output, source = tmp_path / "out.jsonl", write(tmp_path / "in.jsonl", row_list(120))
    options = ["--model", str(model_folder), "--input", source, "--output", str(output)]
    options += ["--batch_size", "4", "--max_new_tokens", "20"]
    process = start("iepile_trainer.predict:main", *options, cwd=tmp_path, log=tmp_path / "log")
    while not (output.exists() and output.stat().st_size) and process.exitcode is None:
        time.sleep(0.02)
    process.kill()
    process.join()
    assert process.exitcode == -9
    before = output.read_bytes()
    assert 0 < before.count(b"\n") < 120
    main(options)
    after = output.read_bytes()
    assert after.startswith(before[: before.rindex(b"\n") + 1])
    assert [json.loads(line)["id"] for line in after.splitlines()] == [row["id"] for row in row_list(120)]
