"""`load_dataset("iepile", …)` as a user calls it."""

import io
import json
import os
import pickle
import subprocess
import sys
from contextlib import redirect_stdout

import pytest
from datasets import get_dataset_config_names, get_dataset_split_names, load_dataset
from datasets.distributed import split_dataset_by_node
from datasets.exceptions import DatasetGenerationError

import iepile  # noqa: F401
from iepile_dataset import DataError
from iepile_dataset.corpus.sources import sample_corpus
from iepile_dataset.export.prepare import prepare
from iepile_dataset.tasks import TASKS

from .conftest import NER_SCHEMA

CONFIGS = ["ner", "re", "ee", "eet", "eea"]  # served by the embedded sample
COLUMNS = ["id", "task", "source", "language", "instruction", "output", "label"]


def test_the_configurations_and_three_splits_are_known():
    assert get_dataset_config_names("iepile") == [*CONFIGS, "spo", "kg"]
    assert get_dataset_split_names("iepile", "ner") == ["train", "validation", "test"]


@pytest.mark.parametrize("config", CONFIGS)
def test_rows_are_the_same_streamed_prepared_sharded_and_by_two_processes(config, tmp_path):
    rows = load_dataset("iepile", config, split="train", cache_dir=tmp_path / "a")
    assert rows.column_names == COLUMNS
    expected = rows.to_list()
    assert list(load_dataset("iepile", config, split="train", streaming=True)) == expected
    # num_proc=2 works on separate files: two languages with two sources each are four shards.
    two = load_dataset("iepile", config, split="train", num_proc=2, cache_dir=tmp_path / "b")
    assert two.to_list() == expected
    assert list(load_dataset("iepile", config, split="train", streaming=True, num_shards=7)) == expected


@pytest.mark.parametrize("config", CONFIGS)
def test_both_languages_and_at_least_two_sources_with_their_own_labels_are_embedded(config):
    for language in ("en", "zh"):
        rows = load_dataset("iepile", config, language=language, streaming=True)
        records = {row["id"] for split in rows.values() for row in split}
        assert len(records) >= 60
        assert len({record.split("/")[2] for record in records}) >= 2


@pytest.mark.slow
def test_rows_do_not_depend_on_the_hash_seed():
    code = (
        "import iepile, hashlib; from datasets import load_dataset\n"
        "rows = [r for c in ('ner','re','ee','eet','eea') for r in load_dataset('iepile', c, split='train',\n"
        "    streaming=True, negatives=0.5)]\n"
        "print(hashlib.sha256(repr(rows).encode()).hexdigest())"
    )
    another = "1" if os.environ.get("PYTHONHASHSEED") == "0" else "0"
    env = {**os.environ, "PYTHONHASHSEED": another}
    there = subprocess.run([sys.executable, "-c", code], env=env, cwd="/", check=True, capture_output=True, text=True)
    with redirect_stdout(io.StringIO()) as here:
        exec(code, {})
    assert here.getvalue() == there.stdout != ""


@pytest.mark.slow
def test_it_works_from_the_root_folder_with_an_empty_cache(tmp_path):
    code = (
        "import iepile; from datasets import load_dataset;"
        'print(load_dataset("iepile","ner",split="train[:2]")[0]["task"])'
    )
    env = {**os.environ, "HF_HOME": str(tmp_path), "HF_HUB_OFFLINE": "1"}
    done = subprocess.run([sys.executable, "-c", code], cwd="/", env=env, capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "NER"


def test_options_reach_the_rows_and_the_cache(source, tmp_path):
    source(
        tmp_path / "IE-en/NER/towns",
        NER_SCHEMA,
        train=[{"text": "In Ulm", "entity": [{"entity": "Ulm", "entity_type": "city"}]}],
    )
    load = lambda **options: load_dataset("iepile", "ner", split="train", data_dir=str(tmp_path), **options)  # noqa: E731
    assert len(load()) == 1
    assert len(load(split_num=1)) == 3
    assert json.loads(load(negatives="none")[0]["instruction"])["schema"] == ["city"]


def test_edited_data_is_read_again(source, tmp_path):
    folder = tmp_path / "IE-en/NER/towns"
    record = {"text": "In Ulm", "entity": [{"entity": "Ulm", "entity_type": "city"}]}
    source(folder, NER_SCHEMA, train=[record])
    assert len(load_dataset("iepile", "ner", split="train", data_dir=str(tmp_path))) == 1
    source(folder, NER_SCHEMA, train=[record, record])
    assert len(load_dataset("iepile", "ner", split="train", data_dir=str(tmp_path))) == 2


def test_a_folder_of_events_serves_triggers_and_arguments_too():
    assert load_dataset("iepile", "eet", split="test")[0]["id"].split("/")[1] == "EET"


def test_one_source_alone_and_a_file_alone_are_understood(source, tmp_path):
    folder = source(
        tmp_path / "towns",
        NER_SCHEMA,
        train=[{"text": "我在乌尔姆", "entity": [{"entity": "乌尔姆", "entity_type": "city"}]}],
    )
    row = load_dataset("iepile", "ner", split="train", data_dir=str(folder))[0]
    assert row["id"] == "zh/NER/towns/train:1"
    files = {"test": str(folder / "train.json")}
    assert load_dataset("iepile", "ner", data_files=files)["test"][0]["id"] == "zh/NER/towns/test:1"


def test_a_source_without_the_split_is_skipped(source, tmp_path):
    record = {"text": "In Ulm", "entity": []}
    source(tmp_path / "IE-en/NER/a", NER_SCHEMA, train=[record], test=[record])
    source(tmp_path / "IE-en/NER/b", NER_SCHEMA, test=[record])
    rows = load_dataset("iepile", "ner", data_dir=str(tmp_path))
    assert {split: len(part) for split, part in rows.items()} == {"train": 1, "test": 2}


def test_bad_records_are_left_out_with_a_warning_and_stop_a_strict_run(source, tmp_path, caplog):
    good = {"text": "In Ulm", "entity": [{"entity": "Ulm", "entity_type": "city"}]}
    bad = {"text": "In Ulm", "entity": [{"entity": "Uml", "entity_type": "city"}]}
    source(tmp_path / "IE-en/NER/towns", NER_SCHEMA, train=[good, bad])
    assert len(load_dataset("iepile", "ner", split="train", data_dir=str(tmp_path))) == 1
    assert 'train.json:2: entity "Uml" does not occur in the text' in caplog.text
    with pytest.raises((DataError, DatasetGenerationError)) as raised:
        load_dataset("iepile", "ner", split="train", data_dir=str(tmp_path), strict=True)
    assert "train.json:2" in str(raised.value) + str(raised.value.__cause__)


def test_a_folder_without_sources_says_what_is_expected(tmp_path):
    with pytest.raises(DataError, match=r"no source in it \(expected IE-en/NER"):
        load_dataset("iepile", "ner", data_dir=str(tmp_path))


def test_an_unknown_option_and_an_unknown_source_are_named():
    with pytest.raises(ValueError, match="splitnum"):
        load_dataset("iepile", "ner", splitnum=3)
    with pytest.raises(DataError, match="there are chengshi_xinwen, city_news"):
        load_dataset("iepile", "ner", source="city")


def test_a_stream_can_be_pickled_split_by_node_resharded_and_resumed():
    stream = load_dataset("iepile", "ner", split="train", streaming=True)
    rows = list(stream)
    assert list(pickle.loads(pickle.dumps(stream))) == rows
    halves = [list(split_dataset_by_node(stream, rank=rank, world_size=2)) for rank in (0, 1)]
    assert sorted(row["instruction"] for half in halves for row in half) == sorted(row["instruction"] for row in rows)
    if hasattr(stream, "reshard"):  # datasets from 4.6 on
        assert list(stream.reshard()) == rows
    reader = iter(stream)
    for _ in range(5):
        next(reader)
    state = stream.state_dict()
    stream.load_state_dict(state)
    assert list(stream) == rows[5:]


def test_the_stored_table_of_tasks_and_the_metrics_have_the_same_keys():
    from iepile_metric.tasks import TASKS as judged

    assert set(TASKS) <= set(judged)


@pytest.mark.parametrize(("config", "folder"), [("ner", "NER"), ("re", "RE"), ("ee", "EE"), ("eet", "EE")])
def test_every_record_of_the_real_corpus_becomes_a_row_when_all_labels_are_asked_at_once(corpus, config, folder):
    files = [file for file in corpus.glob(f"IE-*/{folder}/*/*.json") if file.stem in ("train", "dev", "test")]
    records = sum(file.read_bytes().count(b"\n") for file in files)
    rows = load_dataset("iepile", config, data_dir=str(corpus), streaming=True, split_num=-1)
    assert sum(len(batch["id"]) for split in rows.values() for batch in split.iter(1000)) == records > 0


def test_a_configuration_in_any_case_and_dev_are_understood(tmp_path):
    rows = load_dataset("iepile", "NER", split="dev[:3]", cache_dir=tmp_path)
    assert rows[:] == load_dataset("iepile", "ner", split="validation[:3]", cache_dir=tmp_path)[:]
    both = load_dataset("iepile", "ner", split=["dev", "test"], cache_dir=tmp_path)
    assert [part.split for part in both] == ["validation", "test"]
    assert next(iter(load_dataset("iepile", "Ner", split="dev", streaming=True))) == rows[0]


def test_an_option_that_is_not_there_is_named_with_the_nearest_one():
    with pytest.raises(DataError, match=r'load_dataset has no option "lanuage" \(do you mean "language"\?\)'):
        load_dataset("iepile", "ner", lanuage="en")
    with pytest.raises(DataError, match=r'unknown task "nre" \(one of ner, re, '):
        load_dataset("iepile", "nre")


def test_a_tilde_is_the_users_home(monkeypatch, tmp_path):
    (tmp_path / "corpus").symlink_to(sample_corpus())
    monkeypatch.setenv("HOME", str(tmp_path))
    shared = {"split": "test[:1]", "cache_dir": tmp_path / "cache"}
    assert len(load_dataset("iepile", "ner", data_dir="~/corpus", **shared)) == 1
    file = "~/corpus/IE-en/NER/city_news/test.json"
    assert len(load_dataset("iepile", "ner", data_files={"test": file}, **shared)) == 1
    assert prepare(tmp_path / "out", "~/corpus", tasks=["ner"]).total("rows")
