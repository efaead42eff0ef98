"""Weights and caps: how many rows of each source enter an epoch."""

from collections import Counter

import pytest

from iepile_trainer import TrainerError
from iepile_trainer.data.arguments import DataArguments
from iepile_trainer.data.load import load_both, load_rows, manifest
from iepile_trainer.data.mixture import Mix, mixed, mixed_stream
from iepile_trainer.training.parser import parse


@pytest.fixture
def rows():
    """10 rows of NER/a, 4 of NER/b, 6 of RE/c."""
    from datasets import Dataset

    sizes = (("NER", "a", 10), ("NER", "b", 4), ("RE", "c", 6))
    return Dataset.from_list(
        [
            {"id": f"{source}{at}", "task": task, "source": source, "instruction": f"{source} {at}"}
            for task, source, count in sizes
            for at in range(count)
        ]
    )


def counts(rows):
    return dict(Counter(rows["source"][:]))


def test_weights_give_exact_numbers_of_rows(rows):
    # 10 * 2.5 = 25, 4 * 0.5 = 2, 6 * 1 = 6
    made = mixed(rows, Mix.of(["ner=2.5", "ner/b=0.5"]), None, seed=1)
    assert counts(made) == {"a": 25, "b": 2, "c": 6}
    times = Counter(made["id"][:])
    assert Counter(times[f"a{at}"] for at in range(10)) == {2: 5, 3: 5}
    assert max(times[f"b{at}"] for at in range(4)) == 1


def test_the_draw_follows_from_the_seed(rows):
    mix = Mix.of(["a=0.3"])
    assert mixed(rows, mix, None, 1)["id"][:] == mixed(rows, mix, None, 1)["id"][:]
    assert len({tuple(mixed(rows, mix, None, seed)["id"][:]) for seed in range(8)}) > 1


def test_a_cap_comes_before_the_weights(rows):
    # a: 5 of 10, twice; b: all 4; c: 5 of 6
    made = mixed(rows, Mix.of(["a=2"]), 5, seed=1)
    assert counts(made) == {"a": 10, "b": 4, "c": 5}
    assert len(set(made.filter(lambda row: row["source"] == "a")["id"][:])) == 5


def test_weight_zero_leaves_a_source_out(rows):
    assert counts(mixed(rows, Mix.of(["ner=0", "ner/b=1"]), None, seed=1)) == {"b": 4, "c": 6}


def test_a_stream_takes_whole_copies_and_draws_shares_row_by_row(rows):
    from datasets import concatenate_datasets

    many = concatenate_datasets([rows] * 50)  # 500 of a, 200 of b
    many = many.map(lambda row, at: {"id": f"{row['id']} {at}"}, with_indices=True)
    found = Counter(row["source"] for row in mixed_stream(many.to_iterable_dataset(), Mix.of(["ner=2", "b=0.5"]), 1))
    assert (found["a"], found["c"]) == (1000, 300)
    assert 75 <= found["b"] <= 125


def test_unknown_names_are_refused_with_what_is_near(rows):
    with pytest.raises(TrainerError, match=r'mix ner/bb=1: no rows of "ner/bb" \(do you mean "ner/b"\?\)'):
        mixed(rows, Mix.of(["ner/bb=1"]), None, seed=1)
    for entry in ("ner", "ner=-1", "ner=a", "=1", "ner=nan"):
        with pytest.raises(TrainerError, match=rf"mix {entry}.* is no weight"):
            DataArguments(mix=[entry])
    with pytest.raises(TrainerError, match=r'no rows of "city_new" \(do you mean "city_news"\?\)'):
        load_both(DataArguments(mix=["city_new=2"], streaming=True), evaluate=False)


def test_a_recipe_gives_a_mapping_the_command_line_a_list(tmp_path):
    (tmp_path / "mine.yaml").write_text("mix:\n  ner: 2\n  re: 1\n  ner/city_news: 0.5\n")
    from_recipe = parse([f"--config={tmp_path / 'mine.yaml'}"])[0]
    from_command = parse(["--mix", "ner=2", "re=1", "ner/city_news=0.5"])[0]
    assert from_recipe.mix == from_command.mix == ["ner=2", "re=1", "ner/city_news=0.5"]
    plain = Counter(load_rows(DataArguments(task=["ner", "re"]), "train")["source"][:])
    found = Counter(load_rows(from_command, "train")["source"][:])
    assert found["city_news"] == plain["city_news"] // 2
    assert found["shop_support"] == 2 * plain["shop_support"]
    assert found["biographies"] == plain["biographies"]
    # Validation and test are never weighted.
    assert len(load_rows(from_command, "test")) == len(load_rows(DataArguments(task=["ner", "re"]), "test"))


def test_several_datasets_are_one_mixture_and_the_manifest_says_what_entered(tmp_path, row_list, tokenizer):
    import json

    from iepile_trainer.tokenization.encode import encode

    (tmp_path / "train.jsonl").write_text("".join(json.dumps(row) + "\n" for row in row_list(12)))
    data = DataArguments(dataset=["iepile", str(tmp_path / "train.jsonl")], task=["ner"], mix=["homes=3"])
    encoded, _ = encode(load_rows(data, "train"), tokenizer, None)
    (entry,) = manifest(encoded, data, "train")
    assert entry["rows_by_source"]["homes"] == 36
    assert entry["rows"] == sum(entry["rows_by_source"].values())
    assert entry["dataset"] == f"iepile + {tmp_path / 'train.jsonl'}"
    assert entry["options"]["mix"] == ["homes=3"]
