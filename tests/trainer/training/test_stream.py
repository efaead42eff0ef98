"""Training on a stream: the shard rule, the same rows and counts as without, and no silent end."""

import json

import pytest
import torch

from iepile_trainer import TrainerError
from iepile_trainer.data.arguments import DataArguments
from iepile_trainer.data.load import load_both
from iepile_trainer.run_folder import read_run
from iepile_trainer.tokenization.encode import encode
from iepile_trainer.training.arguments import training_config
from iepile_trainer.training.stream import EpochStream, check_stream
from iepile_trainer.training.train import train


def config(folder, **options):
    defaults = {"max_length": 200, "per_device_train_batch_size": 4, "logging_steps": 1, "disable_tqdm": True}
    return training_config(folder, **{**defaults, **options})


@pytest.fixture
def files(tmp_path, row_list):
    """30 rows in three files: a stream of three shards."""
    rows = row_list(30)
    for shard in range(3):
        part = "".join(json.dumps(row) + "\n" for row in rows[shard::3])
        (tmp_path / f"train-{shard}.jsonl").write_text(part)
    return tmp_path


@pytest.mark.slow
def test_a_stream_gives_the_rows_of_the_dataset(tokenizer):
    options = {"task": ["ner", "re"], "language": "en"}
    whole, report = encode(load_both(DataArguments(**options), False).rows, tokenizer, 400)
    streams, first = encode(load_both(DataArguments(**options, streaming=True), False).rows, tokenizer, 400)
    assert first == report
    read = [row for row in streams[0] if row["fate"] in ("kept", "window", "continued")]
    assert sorted(row["input_ids"] for row in read) == sorted(whole["input_ids"])
    assert {row["source"] for row in read} == set(whole["source"][:])


def test_a_pass_fills_its_last_batch_with_blank_rows(files, tokenizer, tmp_path):
    rows = load_both(DataArguments(dataset=str(files), streaming=True), False).rows
    streams, _ = encode(rows, tokenizer, 200)
    passes = iter(EpochStream(streams, config(tmp_path), tokenizer.pad_token_id))
    # 30 rows in batches of 4: 8 batches, the last with 2 blank rows.
    first, second = ([next(passes) for _ in range(32)] for _ in range(2))
    assert [row["id"] for row in first].count("") == 2
    assert [row["id"] for row in first[-2:]] == ["", ""]
    assert sorted(row["id"] for row in first) == sorted(row["id"] for row in second)
    assert [row["id"] for row in first] != [row["id"] for row in second]  # another order


def test_each_pass_takes_the_next_draw_of_the_labels(tokenizer, tmp_path):
    data = DataArguments(task=["ner"], source=["city_news"], negatives="0.5", redraw=2, streaming=True)
    streams, _ = encode(load_both(data, False).rows, tokenizer, None)
    sizes = [sum(1 for _ in stream) for stream in streams]
    made = EpochStream(streams, config(tmp_path, per_device_train_batch_size=1, max_length=None), 0)
    passes = iter(made)
    first, second, third = ([tuple(next(passes)["input_ids"]) for _ in range(sizes[at % 2])] for at in range(3))
    assert set(first) == set(third) != set(second)
    assert made.tally.report().rows == sizes[0]  # the figures are those of one pass


@pytest.mark.slow
@pytest.mark.parametrize("packing", [False, True])
def test_a_stream_trains_resumes_exactly_and_counts_what_it_read(packing, tmp_path, files, tokenizer, small_model):
    from transformers import TrainerCallback

    class Crash(TrainerCallback):
        def on_step_end(self, args, state, control, **kwargs):
            if state.global_step == 6:
                raise RuntimeError("power cut")

    def run(folder, callbacks=None):
        data = DataArguments(dataset=str(files), streaming=True)
        options = config(folder, max_steps=10, save_steps=4, learning_rate=1e-3, packing=packing)
        rows = load_both(data, False).rows
        return train(small_model(tokenizer), tokenizer, rows, options, data, callbacks=callbacks)

    run(tmp_path / "straight")
    with pytest.raises(RuntimeError, match="power cut"):
        run(tmp_path / "crashed", [Crash()])
    record = run(tmp_path / "crashed")
    from safetensors.torch import load_file

    straight, resumed = (load_file(tmp_path / name / "model.safetensors") for name in ("straight", "crashed"))
    assert all(torch.equal(straight[name], resumed[name]) for name in straight)
    assert record["lengths"]["rows"] == record["data"][0]["rows"] == 30
    assert read_run(tmp_path / "crashed")["plan"]["epochs"] is None


def test_what_cannot_be_had_of_a_stream_is_said_at_once(files, tmp_path, tokenizer, small_model):
    data = DataArguments(dataset=str(files), streaming=True)
    rows = load_both(data, False).rows
    with pytest.raises(TrainerError, match=r"needs --max_steps, since a stream has no end"):
        train(small_model(tokenizer), tokenizer, rows, config(tmp_path / "run"), data)
    assert not (tmp_path / "run").exists()
    for options, reason in (
        ({"max_rows": 5}, "--max_rows needs to know how many rows there are: leave out --streaming"),
        ({"max_rows_per_source": 5}, "--max_rows_per_source needs to know"),
        ({"train_split": "train[:5]"}, "a stream has no slices"),
    ):
        with pytest.raises(TrainerError, match=reason):
            load_both(DataArguments(dataset=str(files), streaming=True, **options), False)
    with pytest.raises(TrainerError, match="a stream has none to hold out"):
        load_both(data, evaluate=True)


def test_shards_must_be_shared_out_evenly(tmp_path):
    def refusal(shards, **options):
        with pytest.raises(TrainerError) as error:
            check_stream(Several(**{"max_steps": 5, **options}), shards)
        return str(error.value)

    class Several:
        world_size = 2
        dataloader_num_workers = 0

        def __init__(self, **options):
            self.__dict__.update(options)

    assert refusal(3).startswith("3 shards cannot be shared out among 2 processes")
    assert "--dataloader_num_workers 0" in refusal(2, dataloader_num_workers=1)
    with pytest.raises(TrainerError, match=r"--save_strategy epoch: a stream has no epochs \(--save_strategy steps\)"):
        check_stream(config(tmp_path, max_steps=5, save_strategy="epoch"), 1)
    for shards in (1, 2, 4):
        check_stream(Several(max_steps=5), shards)


def test_a_stream_without_a_row_to_learn_from_ends(tmp_path, files, tokenizer):
    data = DataArguments(dataset=str(files), streaming=True)
    streams, _ = encode(load_both(data, False).rows, tokenizer, 5, "drop")
    with pytest.raises(TrainerError, match=r"no row of the stream can be trained on; rows 30: kept 0 .*dropped 30"):
        next(iter(EpochStream(streams, config(tmp_path, max_length=5), 0)))
    (tmp_path / "train-0.jsonl").write_text("")
    empty = DataArguments(dataset=str(tmp_path / "train-0.jsonl"), streaming=True)
    with pytest.raises(TrainerError, match="the stream is empty"):
        encode(load_both(empty, False).rows, tokenizer, 200)
