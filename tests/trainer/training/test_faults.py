"""Killed, interrupted, out of disk, a loss that is no number: the last good checkpoint stays, one line says why."""

import json
import os
import random
import signal
import subprocess
import time

import pytest
import torch
from safetensors.torch import load_file

from iepile_trainer import TrainerError
from iepile_trainer.models.load import load
from iepile_trainer.run_folder import last_checkpoint
from iepile_trainer.sft import main, train
from iepile_trainer.training.arguments import training_config

from ...forked import start

SMALL = ["--scratch", "--scratch_hidden", "32", "--scratch_layers", "1", "--scratch_vocab", "400"]
SMALL += ["--report_to", "none"]


@pytest.fixture
def rows_file(tmp_path, row_list):
    path = tmp_path / "rows.jsonl"
    path.write_text("".join(json.dumps(row) + "\n" for row in row_list(40)))
    return path


def started(options, cwd):
    """A training in a process group of its own, which prints to `log`."""
    return start("iepile_trainer.sft:main", *options, cwd=cwd, log=cwd / "log")


def wait_for(pattern, folder, process):
    """Until a file of that name is there; the process must still be at work then."""
    deadline = time.monotonic() + 120
    while not list(folder.glob(pattern)):
        assert process.exitcode is None, (folder.parent / "log").read_text()
        assert time.monotonic() < deadline
        time.sleep(0.002)


@pytest.mark.slow
def test_a_killed_run_ends_with_the_weights_of_one_that_was_not(tmp_path, rows_file):
    options = [*SMALL, "--dataset", rows_file, "--max_steps", 60, "--save_steps", 5, "--learning_rate", 0.01]
    options += ["--per_device_train_batch_size", 4, "--logging_steps", 5, "--disable_tqdm", "true"]
    main([*map(str, options), "--output_dir", str(tmp_path / "straight")])
    out = tmp_path / "killed"
    # At any step, and twice; the first time a folder has just been made, so that it is most likely half written.
    for step, pause in ((5, 0.0), (random.choice((15, 20, 25, 30)), random.random() / 20)):
        process = started([*options, "--output_dir", out], tmp_path)
        wait_for(f"checkpoint-{step}", out, process)
        time.sleep(pause)
        os.killpg(process.pid, signal.SIGKILL)
        process.join()
        assert process.exitcode == -signal.SIGKILL
        assert not (out / "run.json").exists()
    (tmp_path / "log").unlink()
    process = started([*options, "--output_dir", out], tmp_path)
    process.join(180)
    printed = (tmp_path / "log").read_text()
    assert process.exitcode == 0, printed
    assert f"resuming from {out}/checkpoint-" in printed
    straight, resumed = (load_file(each / "model.safetensors") for each in (tmp_path / "straight", out))
    assert all(torch.equal(straight[name], resumed[name]) for name in straight)
    record = json.loads((out / "run.json").read_text())
    assert [entry["step"] for entry in record["history"]] == list(range(5, 61, 5))


@pytest.mark.slow
def test_a_clock_that_went_back_costs_no_checkpoint(tmp_path, rows_file):
    out = tmp_path / "run"
    options = [*SMALL, "--dataset", rows_file, "--max_steps", 100_000, "--save_steps", 5, "--output_dir", out]
    for step in (15, 30):
        process = started([*options, "--save_total_limit", 1, "--disable_tqdm", "true"], tmp_path)
        wait_for(f"checkpoint-{step}", out, process)  # the one before is whole then
        os.killpg(process.pid, signal.SIGKILL)
        process.join()
        assert int(last_checkpoint(out).name.removeprefix("checkpoint-")) >= step - 5
        for path in out.iterdir():
            os.utime(path, (later := time.time() + 86_400, later))


@pytest.mark.slow
def test_ctrl_c_ends_in_one_line_and_leaves_a_run_that_can_be_resumed(tmp_path, rows_file):
    out = tmp_path / "run"
    options = [*SMALL, "--dataset", rows_file, "--max_steps", 100_000, "--save_steps", 5, "--output_dir", out]
    process = started([*options, "--save_total_limit", 2, "--disable_tqdm", "true"], tmp_path)
    wait_for("checkpoint-??*", out, process)  # the one before, of step 5, is whole then
    os.killpg(process.pid, signal.SIGINT)
    process.join(60)
    printed = (tmp_path / "log").read_text()
    assert process.exitcode == 130
    assert "Traceback" not in printed
    assert printed.rstrip().endswith("interrupted; the same command resumes from the last checkpoint")
    assert last_checkpoint(out) is not None


FULL = """
import resource, sys
import iepile_trainer.training.train as training
from transformers import TrainerCallback
from iepile_trainer.sft import main
from iepile_trainer.training import trainer as training

class Full(TrainerCallback):
    def on_step_end(self, args, state, control, **kwargs):
        if state.global_step == 7:  # from here on the weights (110 kB) can be written, the optimizer (220 kB) cannot
            resource.setrlimit(resource.RLIMIT_FSIZE, (150_000, resource.RLIM_INFINITY))

make = training.new_trainer
def with_callback(*args, **options):
    trainer = make(*args, **options)
    trainer.add_callback(Full())
    return trainer
training.new_trainer = with_callback
main(sys.argv[1:])
"""


@pytest.mark.slow
def test_a_full_disk_stops_the_run_with_its_last_checkpoint_whole(tmp_path, rows_file):
    out, script = tmp_path / "run", tmp_path / "full.py"
    options = [*SMALL, "--dataset", rows_file, "--max_steps", 12, "--save_steps", 5, "--learning_rate", 0.01]
    options = [str(word) for word in [*options, "--disable_tqdm", "true"]]
    script.write_text(FULL)
    process = start(script, *options, "--output_dir", out, cwd=tmp_path, log=tmp_path / "log")
    process.join(180)
    assert process.exitcode == 1
    printed = (tmp_path / "log").read_text()
    last = printed.rstrip().splitlines()[-1]
    assert last.startswith(f"error: cannot write {out}/checkpoint-10: "), printed
    assert f"the same command resumes from {out}/checkpoint-5" in last
    assert "Traceback" not in printed
    assert [path.name for path in out.glob("checkpoint-*")] == ["checkpoint-5"]
    load(str(out / "checkpoint-5"))
    main([*options, "--output_dir", str(tmp_path / "straight")])
    main([*options, "--output_dir", str(out)])  # there is room again
    straight, resumed = (load_file(each / "model.safetensors") for each in (tmp_path / "straight", out))
    assert all(torch.equal(straight[name], resumed[name]) for name in straight)


@pytest.mark.skipif(os.geteuid() != 0, reason="only root can mount a small file system")
def test_a_file_system_that_is_really_full(tmp_path, tokenizer, small_model, dataset):
    place = tmp_path / "small"
    place.mkdir()
    if subprocess.run(["mount", "-t", "tmpfs", "-o", "size=2m", "tmpfs", place], capture_output=True).returncode:
        pytest.skip("no mount allowed here")
    try:
        # Weights of 0.4 MB and a state of 0.8 MB: one checkpoint fits into 2 MB, the second does not.
        options = training_config(place / "run", max_steps=4, save_steps=2, max_length=200, disable_tqdm=True)
        with pytest.raises(TrainerError, match=r"checkpoint-4: No space left on device.*resumes from .*/checkpoint-2"):
            train(small_model(tokenizer), tokenizer, dataset(20), options)
        assert [path.name for path in (place / "run").glob("checkpoint-*")] == ["checkpoint-2"]
        assert last_checkpoint(place / "run") == place / "run/checkpoint-2"
    finally:
        subprocess.run(["umount", "--lazy", place], check=True)  # the traceback holds a file open


@pytest.mark.parametrize("family", ["llama", "t5"])
def test_a_loss_that_is_no_number_stops_the_run_before_anything_is_learnt_from_it(
    family, tmp_path, tokenizer, small_model, dataset
):
    from transformers import TrainerCallback

    class Poison(TrainerCallback):
        def on_step_begin(self, args, state, control, model=None, **kwargs):
            if state.global_step == 4:
                next(model.parameters()).data[:] = float("nan")

    options = training_config(
        tmp_path, max_steps=8, save_steps=2, max_length=200, learning_rate=0.01, lr_scheduler_type="constant"
    )
    with pytest.raises(TrainerError) as told:
        train(small_model(tokenizer, family), tokenizer, dataset(40), options, callbacks=[Poison()])
    assert str(told.value) == (
        f"the loss is nan in step 5 at learning rate 0.01; the last good checkpoint is {tmp_path}/checkpoint-4 (try a "
        "lower --learning_rate or --max_grad_norm, or another --dtype, and another --output_dir, to go on from there "
        f"add --model_name_or_path {tmp_path}/checkpoint-4)"
    )
    kept = load_file(tmp_path / "checkpoint-4" / "model.safetensors")
    assert all(weight.isfinite().all() for weight in kept.values())


def test_a_gradient_that_is_no_number_never_reaches_the_weights(tmp_path, tokenizer, small_model, dataset):
    model = small_model(tokenizer)
    model.lm_head.weight.register_hook(lambda gradient: gradient * float("inf"))
    options = training_config(tmp_path, max_steps=2, save_steps=1, max_length=200)
    with pytest.raises(TrainerError, match=r"the gradient is (nan|inf) in step 1 .*no checkpoint was written before"):
        train(model, tokenizer, dataset(16), options)
    assert all(weight.isfinite().all() for weight in model.parameters())


def test_pickled_weights_are_not_read(tmp_path, tokenizer, small_model):
    model = small_model(tokenizer)
    model.config.save_pretrained(tmp_path / "old")
    tokenizer.save_pretrained(tmp_path / "old")
    torch.save(model.state_dict(), tmp_path / "old" / "pytorch_model.bin")
    with pytest.raises(TrainerError, match=r"no weights in safetensors, only pytorch_model\.bin .*convert it"):
        load(str(tmp_path / "old"))
    with pytest.raises(SystemExit, match=r"no weights in safetensors, only pytorch_model\.bin"):
        main(["--model_name_or_path", str(tmp_path / "old"), "--output_dir", str(tmp_path / "run")])


def test_a_pickled_adapter_is_not_read(tmp_path, tokenizer, small_model):
    from peft import LoraConfig, get_peft_model

    small_model(tokenizer).save_pretrained(tmp_path / "base")
    tokenizer.save_pretrained(tmp_path / "base")
    adapter = get_peft_model(load(str(tmp_path / "base"))[0], LoraConfig(task_type="CAUSAL_LM"))
    adapter.save_pretrained(tmp_path / "adapter")
    weights = load_file(tmp_path / "adapter" / "adapter_model.safetensors")
    torch.save(weights, tmp_path / "adapter" / "adapter_model.bin")
    (tmp_path / "adapter" / "adapter_model.safetensors").unlink()
    with pytest.raises(TrainerError, match=r"has no adapter_model\.safetensors \(a pickled file is not read\)"):
        load(str(tmp_path / "adapter"))


@pytest.mark.parametrize("revision", [None, "main", "v1.0", "abc1234"])
def test_remote_code_needs_a_whole_commit_id(revision, tmp_path):
    pinned = [] if revision is None else ["--model_revision", revision]
    options = ["--model_name_or_path", str(tmp_path), "--trust_remote_code", *pinned]
    with pytest.raises(SystemExit, match=r"pin it with a revision \(a commit id\)"):
        main([*options, "--output_dir", str(tmp_path / "run")])


def test_remote_code_is_not_run_unasked(tmp_path, tokenizer):
    folder = tmp_path / "model"
    tokenizer.save_pretrained(folder)
    code = {"AutoConfig": "mine.Mine", "AutoModelForCausalLM": "mine.Mine"}
    (folder / "config.json").write_text(json.dumps({"model_type": "mine", "auto_map": code}))
    (folder / "mine.py").write_text(f"from pathlib import Path\nPath({str(tmp_path / 'ran')!r}).touch()\n")
    with pytest.raises(SystemExit, match="cannot load the model"):
        main(["--model_name_or_path", str(folder), "--output_dir", str(tmp_path / "run")])
    assert not (tmp_path / "ran").exists()


def test_a_template_asked_for_that_is_not_there_is_refused(tmp_path, tokenizer, small_model, dataset):
    from iepile_trainer.data.arguments import DataArguments

    own = DataArguments(dataset="rows", prompt_format="tokenizer")
    with pytest.raises(TrainerError, match="the tokenizer has no chat template of its own"):
        train(small_model(tokenizer), tokenizer, dataset(8), training_config(tmp_path, max_steps=1), own)


def test_a_tokenizer_that_is_not_there_or_not_the_models_is_named(tmp_path, rows_file, tokenizer, small_model):
    import copy

    def refusal():
        with pytest.raises(SystemExit) as stop:
            main([*map(str, ("--model_name_or_path", tmp_path / "base", "--dataset", rows_file, *out))])
        return stop.value.code

    out = ("--output_dir", tmp_path / "run", "--max_steps", 1, "--report_to", "none")
    small_model(tokenizer).save_pretrained(tmp_path / "base")
    assert refusal().startswith(f"error: {tmp_path / 'base'} holds no tokenizer")
    larger = copy.deepcopy(tokenizer)
    larger.add_tokens([" lives in "])
    larger.save_pretrained(tmp_path / "base")
    known = len(tokenizer)
    told = f"error: the tokenizer has {known + 1:,} tokens, the model only {known:,}: they do not belong together"
    assert refusal().startswith(told)


def test_a_run_is_not_resumed_by_another_number_of_processes(tmp_path, rows_file, capsys):
    options = [*SMALL, "--dataset", str(rows_file), "--max_steps", "2", "--save_steps", "1", "--output_dir"]
    main([*options, str(tmp_path / "run")])
    before = json.loads((tmp_path / "run" / "run.json").read_text())
    assert before["hardware"]["processes"] == 1
    (tmp_path / "run" / "run.json").unlink()
    (tmp_path / "run" / "started.json").write_text(json.dumps({"processes": 2}))
    with pytest.raises(SystemExit, match="belongs to a run with processes = 2, now 1"):
        main([*options, str(tmp_path / "run")])
