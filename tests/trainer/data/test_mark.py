"""A run is not gone on with when its data has changed, and is when it has not."""

import json
import os

import pytest
from transformers import TrainerCallback

from iepile_trainer import TrainerError
from iepile_trainer.data.arguments import DataArguments
from iepile_trainer.data.load import load_both
from iepile_trainer.data.mark import mark_of
from iepile_trainer.sft import run_training
from iepile_trainer.training.arguments import training_config
from iepile_trainer.training.parser import parse
from iepile_trainer.training.train import train


class Crash(RuntimeError):
    pass


@pytest.mark.parametrize("streaming", [False, True])
def test_a_checkpoint_of_other_rows_is_refused(streaming, rows_file, tmp_path, tokenizer, small_model):
    class Break(TrainerCallback):
        def on_step_end(self, args, state, control, **kwargs):
            if state.global_step == 3:
                raise Crash

    file = tmp_path / "rows.jsonl"
    file.write_bytes(rows_file.read_bytes())
    data = DataArguments(dataset=[str(file)], streaming=streaming)
    options = {
        "max_length": 200,
        "per_device_train_batch_size": 4,
        "max_steps": 5,
        "save_steps": 2,
        "disable_tqdm": True,
    }

    def run(callbacks=None):
        rows, config = load_both(data, False).rows, training_config(tmp_path / "run", **options)
        return train(small_model(tokenizer), tokenizer, rows, config, data, callbacks=callbacks)

    with pytest.raises(Crash):
        run([Break()])
    whole = file.read_text()
    lines = whole.splitlines()
    lines[-1] = json.dumps({**json.loads(lines[-1]), "output": "{}"})
    times = file.stat()
    file.write_text("\n".join(lines) + "\n")
    with pytest.raises(TrainerError, match=r"checkpoint-2 belongs to a run with digest of the rows = '\w+', now '\w+'"):
        run()
    file.write_text(whole)
    os.utime(file, ns=(times.st_atime_ns, times.st_mtime_ns))
    assert run()["resumed_from"] == 2


def test_a_new_model_names_the_rows_that_changed(rows_file, tmp_path):
    file, words = tmp_path / "rows.jsonl", ["--config", "tiny", "--max_steps", "4", "--save_steps", "2"]
    file.write_bytes(rows_file.read_bytes())
    words += ["--dataset", str(file), "--output_dir", str(tmp_path / "run")]

    class Break(TrainerCallback):
        def on_step_end(self, args, state, control, **kwargs):
            if state.global_step == 3:
                raise Crash

    with pytest.raises(Crash):
        run_training(*parse(words, "sft", ""), callbacks=[Break()])
    file.write_text(file.read_text().partition("\n")[0] + "\n")
    with pytest.raises(TrainerError, match=r"digest of the rows = .* \(repeat its options on the same rows"):
        run_training(*parse(words, "sft", ""))


def test_the_mark_does_not_depend_on_how_rows_are_cut_or_where_they_lie(rows_file, tmp_path):
    (tmp_path / "elsewhere.jsonl").write_bytes(rows_file.read_bytes())
    marks = set()
    for file in (rows_file, tmp_path / "elsewhere.jsonl"):
        data = DataArguments(dataset=[str(file)])
        marks.add(mark_of(load_both(data, False).rows, data))
    assert len(marks) == 1
