"""A run folder is fresh, interrupted or finished, and never overwritten unasked."""

import json

import pytest
import torch
from safetensors.torch import save_file

from iepile_trainer import TrainerError
from iepile_trainer.run_folder import claim, last_checkpoint, read_run, write_run

PLAN = {"base_model": "small", "options": {"learning_rate": 0.001, "sizes": (1, 2)}}


def checkpoint(folder, step, whole=True):
    path = folder / f"checkpoint-{step}"
    path.mkdir(parents=True)
    save_file({"weight": torch.ones(4)}, path / "model.safetensors")
    torch.save({"step": step}, path / "optimizer.pt")
    if whole:
        (path / "trainer_state.json").write_text("{}")
    return path


def test_a_fresh_folder_is_claimed_without_a_checkpoint(tmp_path):
    assert claim(tmp_path / "run", PLAN) is None
    assert claim(tmp_path / "run", PLAN) is None  # it crashed before the first checkpoint


def test_the_newest_whole_checkpoint_is_taken_up(tmp_path):
    claim(tmp_path, PLAN)
    checkpoint(tmp_path, 9)
    newest = checkpoint(tmp_path, 10)
    checkpoint(tmp_path, 11, whole=False)  # killed while it was written
    assert last_checkpoint(tmp_path) == newest
    assert claim(tmp_path, PLAN) == newest


@pytest.mark.parametrize("cut", ["model.safetensors", "optimizer.pt", "trainer_state.json"])
def test_a_checkpoint_with_a_file_cut_short_is_not_whole(cut, tmp_path):
    claim(tmp_path, PLAN)
    before = checkpoint(tmp_path, 9)
    damaged = checkpoint(tmp_path, 10)
    (damaged / cut).write_bytes((damaged / cut).read_bytes()[:-1])
    assert last_checkpoint(tmp_path) == before
    assert claim(tmp_path, PLAN) == before
    assert not damaged.exists()  # it would be in the way


def test_the_checkpoint_of_another_plan_is_refused_with_the_difference(tmp_path):
    claim(tmp_path, PLAN)
    checkpoint(tmp_path, 5)
    with pytest.raises(TrainerError, match=r"checkpoint-5 belongs to a run with base_model = 'small', now 'large'"):
        claim(tmp_path, {**PLAN, "base_model": "large"})
    assert claim(tmp_path, {**PLAN, "base_model": "large"}, overwrite=True) is None
    assert not list(tmp_path.glob("checkpoint-*"))


def test_a_difference_deep_in_the_plan_is_named(tmp_path):
    claim(tmp_path, PLAN)
    checkpoint(tmp_path, 5)
    other = {**PLAN, "options": {**PLAN["options"], "learning_rate": 0.01}}
    with pytest.raises(TrainerError, match=r"with options\.learning_rate = 0\.001, now 0\.01 "):
        claim(tmp_path, other)


def test_a_finished_run_is_refused_and_overwriting_removes_only_what_is_its_own(tmp_path):
    write_run(tmp_path, {"method": "lora"})
    for name in ("adapter_model.safetensors", "predictions.jsonl", "notes.txt"):
        (tmp_path / name).write_text("")
    with pytest.raises(TrainerError, match=r"holds a finished run .*--overwrite"):
        claim(tmp_path, PLAN)
    claim(tmp_path, PLAN, overwrite=True)
    assert sorted(path.name for path in tmp_path.iterdir()) == ["notes.txt", "started.json"]


def test_overwriting_never_touches_a_folder_without_a_run(tmp_path):
    (tmp_path / "README.md").write_text("mine")
    claim(tmp_path, PLAN, overwrite=True)
    assert (tmp_path / "README.md").read_text() == "mine"


def test_a_record_has_every_key_and_is_read_back(tmp_path):
    write_run(tmp_path / "a", {"method": "full", "history": [{"step": 1, "loss": 2.0}]})
    record = read_run(tmp_path / "a")
    assert record["name"] == "a"
    assert record["history"] == [{"step": 1, "loss": 2.0}]
    assert record["seconds"] is None
    assert {"torch", "trl", "datasets"} <= set(record["versions"])
    with pytest.raises(TrainerError, match="not the folder of a finished run"):
        read_run(tmp_path / "b")
    (tmp_path / "a" / "run.json").write_text(json.dumps(record)[:40])
    with pytest.raises(TrainerError, match=r"run\.json is damaged"):
        read_run(tmp_path / "a")


def test_a_place_where_no_folder_can_be_is_said(tmp_path):
    (tmp_path / "file").write_text("mine")
    with pytest.raises(TrainerError, match=r"file cannot be the folder of a run: it is a file \(give another"):
        claim(tmp_path / "file", PLAN)
    with pytest.raises(TrainerError, match=r"file/run cannot be the folder of a run: Not a directory"):
        claim(tmp_path / "file" / "run", PLAN)
    assert (tmp_path / "file").read_text() == "mine"
