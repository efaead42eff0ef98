"""Every row is trained on exactly once an epoch: on 1, 2 and 3 real processes, map-style and streaming.

Each process writes down the ids of the rows that it learns from, step by step.
"""

import json
from collections import Counter
from functools import cache
from itertools import chain

import pytest

from ...forked import run

ROWS = 37  # divides by none of the numbers of rows in a step: 4, 8 and 12
BATCH = 4
CRASH = 5
SAVED = 3

# Several trainings one after the other in the same processes: starting those takes longer than training.
DRIVER = """
import json, sys
from transformers import TrainerCallback
from iepile_trainer.training.parser import parse
from iepile_trainer.data.load import load_both, first_rows
from iepile_trainer.models.scratch import new_model, new_tokenizer
from iepile_trainer.training.train import train

class Crash(TrainerCallback):
    def on_step_end(self, args, state, control, **kwargs):
        if state.global_step == int(sys.argv[2]):
            raise RuntimeError("power cut")

def run(argv, crash=False):
    data, run, config, *_ = parse(argv)
    rows = load_both(data, evaluate=False).rows
    tokenizer = new_tokenizer(first_rows(rows), 400)
    model = new_model(tokenizer, 32, 1, 512, config.seed)
    train(model, tokenizer, rows, config, data, record_ids=run.record_ids, callbacks=[Crash()] if crash else None)

for argv in json.load(open(sys.argv[1])):
    if "--crash" in argv:
        argv.remove("--crash")
        try:
            run(argv, crash=True)
        except RuntimeError as problem:
            assert "power cut" in str(problem), problem
    else:
        run(argv)
"""


@pytest.fixture(scope="module")
def trained(tmp_path_factory, row_list):
    """A function that trains with a number of processes, once: name of a training → ids that each process saw."""
    return cache(lambda processes: train_all(processes, tmp_path_factory.mktemp("seen"), row_list))


@pytest.fixture
def seen(request, trained):
    """(processes, name of a training → ids that each process saw)."""
    return request.param, trained(request.param)


def train_all(world, folder, row_list):
    # Texts of many lengths, one shard, and six shards of very different sizes (two of them empty).
    rows = [row_list(i + 1, tail=" Yes." * (i * 7 % 11))[i] for i in range(ROWS)]
    one, six = folder / "train.jsonl", folder / "six"
    one.write_text("".join(json.dumps(row) + "\n" for row in rows))
    six.mkdir()
    for shard in range(6):
        part = [row for at, row in enumerate(rows) if at * at % 6 == shard]
        (six / f"train-{shard}.jsonl").write_text("".join(json.dumps(row) + "\n" for row in part))
    steps = -(-ROWS // (BATCH * world))
    # The shards hold 7, 12, 0, 6, 12 and 0 rows. The process with the most rows decides how long a pass is: all 37
    # on one; as they are shuffled 31 on two (the other has 6), and 19 on three (the others have 6 and 12).
    sharded = {1: 10, 2: 8, 3: 5}[world]
    grouped, stream = ["--train_sampling_strategy", "group_by_length"], ["--streaming", "--max_steps"]
    two_epochs = ["--num_train_epochs", "2", "--save_strategy", "steps", "--save_steps", str(SAVED)]
    trainings = {
        "by length": [one, "--num_train_epochs", "2", *grouped],
        "stream by length": [one, *stream, str(2 * steps), *grouped],
        "shards": [six, *stream, str(sharded)],
        "whole": [one, *two_epochs],
        "crashed": [one, *two_epochs, "--crash"],
        "stream whole": [one, *stream, str(2 * steps), *two_epochs[2:]],
        "stream crashed": [one, *stream, str(2 * steps), *two_epochs[2:], "--crash"],
    }
    if world < 3:
        del trainings["stream by length"]
    if world != 2:  # a crash is tried on one process elsewhere, in less time, and three are as two
        del trainings["crashed"], trainings["stream crashed"]
    common = ["--per_device_train_batch_size", str(BATCH), "--report_to", "none", "--disable_tqdm", "true"]
    jobs = []
    for name, (source, *options) in trainings.items():
        saving = [] if "--save_steps" in options else ["--save_strategy", "no"]
        out = folder / "runs" / name
        job = ["--dataset", source, *options, *common, *saving, "--output_dir", out]
        jobs.append([str(word) for word in [*job, "--record_ids", folder / name]])
        if "--crash" in options:  # the same command once more
            again = [word for word in jobs[-1] if word != "--crash"]
            jobs.append([*again[:-1], str(folder / f"{name} resumed")])
    (folder / "driver.py").write_text(DRIVER)
    (folder / "jobs.json").write_text(json.dumps(jobs))
    run(folder / "driver.py", folder / "jobs.json", CRASH, cwd=folder, processes=world)
    found = {}
    for name in (file.name.removesuffix(".0") for file in folder.glob("*.0")):
        found[name] = [(folder / f"{name}.{rank}").read_text().split() for rank in range(world)]
    return found


def each(times):
    return {f"en/NER/homes/train:{at}": times for at in range(1, ROWS + 1)}


TRAININGS = ["whole", "by length", "stream whole"]
ONCE = [(world, name) for world in (1, 2, 3) for name in TRAININGS] + [(3, "stream by length")]


@pytest.mark.slow
@pytest.mark.parametrize(("seen", "name"), ONCE, indirect=["seen"])
def test_each_row_is_seen_once_an_epoch(seen, name):
    _, found = seen
    assert all(found[name])  # every process took part
    assert Counter(chain.from_iterable(found[name])) == each(2)


@pytest.mark.slow
@pytest.mark.parametrize("seen", [1, 2, 3], indirect=True)
def test_shards_of_very_different_sizes_are_read_once(seen):
    _, found = seen
    assert all(found["shards"])
    assert Counter(chain.from_iterable(found["shards"])) == each(1)


@pytest.mark.slow
@pytest.mark.parametrize("kind", ["", "stream "])
@pytest.mark.parametrize("seen", [2], indirect=True)  # on one process the weights are compared elsewhere
def test_after_a_crash_the_rows_go_on_where_the_checkpoint_was(seen, kind):
    world, found = seen
    blanks = -ROWS % (BATCH * world)  # in an epoch; they have no id
    for whole, crashed, resumed in zip(*(found[f"{kind}{name}"] for name in ("whole", "crashed", "crashed resumed"))):
        assert crashed == whole[: len(crashed)]
        assert resumed == whole[-len(resumed) :]
        assert 0 <= SAVED * BATCH - (len(whole) - len(resumed)) <= blanks
