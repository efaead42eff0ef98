"""A cleaned folder as a whole, and the command that makes it."""

import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from iepile_dataset.cleaning.clean import clean
from iepile_dataset.cleaning.rules import RULES
from iepile_dataset.corpus.sources import sample_corpus
from iepile_dataset.errors import DataError
from iepile_dataset.options import CleanOptions
from iepile_dataset.validation.validate import validate

from ..conftest import NER_SCHEMA
from .conftest import CITY, RIVER, contents, record, run, texts


def test_what_another_program_wrote_under_cleaned_is_kept_as_it_is(cleaned, source, tmp_path):
    folder = source(tmp_path / "in/IE-en/NER/towns", None)
    (folder / "meta.json").write_text('{"cleaned": "by hand"}', "utf-8")
    _, made = cleaned("duplicate", train=[record("Ulm", CITY)] * 2)
    earlier, ours = json.loads((made / "meta.json").read_text("utf-8"))["cleaned"]
    assert earlier == "by hand"
    assert ours["rules"] == ["duplicate"]


def test_addresses_may_be_paths_and_names_may_look_like_markup(source, tmp_path, monkeypatch):
    source(tmp_path / "in/IE-en/NER/[b]", NER_SCHEMA, train=[record("Ulm", CITY)])
    assert clean(tmp_path / "out", tmp_path / "in").total("kept") == 1
    monkeypatch.chdir(tmp_path)
    done = run("in", "--out", "o[/]")
    assert done.exit_code == 0, done.output
    assert "records in o[/]" in done.output
    assert "NER/[" in done.output


def test_lines_that_no_rule_touches_are_carried_over_byte_for_byte(source, tmp_path):
    folder = source(tmp_path / "in/IE-en/NER/towns", NER_SCHEMA)
    lines = b'{"entity":[],  "text":"b\xc3\xa9\\u00e9"}\n{\n[1]\n{"text": "c", "entity": 5}'
    (folder / "train.json").write_bytes(b"\xef\xbb\xbf" + lines.replace(b"\n", b"\r\n\n"))
    clean(tmp_path / "out", str(tmp_path / "in"), options=CleanOptions(skip=("empty",)))
    assert (tmp_path / "out/IE-en/NER/towns/train.json").read_bytes() == lines + b"\n"


def test_the_layout_the_schema_and_the_origin_are_carried_over(source, tmp_path):
    folder = source(tmp_path / "in/IE-en/NER/towns", NER_SCHEMA, train=[record("Ulm", CITY)] * 2, dev=[record("a")])
    (folder / "meta.json").write_text('{"licence": "CC0", "lang": "en", "splits": {"train": 2}}', "utf-8")
    clean(tmp_path / "out", str(tmp_path / "in"))
    made = tmp_path / "out/IE-en/NER/towns"
    assert sorted(path.name for path in made.iterdir()) == ["dev.json", "meta.json", "schema.json", "train.json"]
    assert (made / "schema.json").read_text("utf-8") == NER_SCHEMA
    meta = json.loads((made / "meta.json").read_text("utf-8"))
    assert meta["licence"] == "CC0"
    assert meta["cleaned"] == [
        {
            "rules": ["normalise", *RULES],
            "done": {"read": 3, "kept": 2, "duplicate": 1},
            "records": {"train": 1, "dev": 1},
        }
    ]
    report = validate([tmp_path / "out"])
    assert [(group.kind, group.count) for group in report.groups.values()] == []
    assert {"cleaned", "dropped", "entity", "schema", "meta"} == {checked.format for checked in report.files}


@pytest.mark.parametrize("below", ["IE-en", "IE-en/NER", "IE-en/NER/towns"])
def test_a_part_of_a_tree_keeps_its_place_in_the_tree(source, tmp_path, below):
    source(tmp_path / "in/IE-en/NER/towns", NER_SCHEMA, train=[record("Ulm", CITY)])
    clean(tmp_path / "out", str(tmp_path / "in" / below))
    assert texts(tmp_path / "out/IE-en/NER/towns") == ["Ulm"]


def test_a_source_outside_any_tree_keeps_its_name(source, tmp_path):
    source(tmp_path / "mine", NER_SCHEMA, train=[record("Ulm", CITY)])
    clean(tmp_path / "out", str(tmp_path / "mine"))
    assert texts(tmp_path / "out/mine") == ["Ulm"]


def test_cleaning_a_clean_corpus_changes_nothing(source, tmp_path):
    eight = "one two three four five six seven eight"
    train = [record("Ulm", CITY), record("Ulm", RIVER), record("Ulm", CITY), record("leak"), record(" a  b "), record("!"),
             record(eight), record(f"{eight} nine"), record(f"{eight} nine ten"), "{"]  # fmt: skip
    source(tmp_path / "in/IE-en/NER/towns", NER_SCHEMA, train=train, test=[record("leak"), record("leak")])
    first = clean(tmp_path / "one", str(tmp_path / "in"))
    assert all(first.total(rule) for rule in ("normalised", *RULES))
    again = clean(tmp_path / "two", str(tmp_path / "one"))
    assert again.total("read") == again.total("kept") == first.total("kept")
    assert contents(tmp_path / "one") == contents(tmp_path / "two")
    clean(tmp_path / "three", str(tmp_path / "in"))
    assert (tmp_path / "three/cleaned.json").read_bytes() == (tmp_path / "one/cleaned.json").read_bytes()
    for rule in RULES:
        name = f"dropped/{rule}.jsonl"
        assert (tmp_path / "three" / name).read_bytes() == (tmp_path / "one" / name).read_bytes()


def test_the_embedded_sample_is_clean(tmp_path):
    done = clean(tmp_path / "out", sample_corpus())
    assert done.total("read") == done.total("kept") > 0
    sample = Path(sample_corpus())
    assert contents(tmp_path / "out") == {name: (sample / name).read_bytes() for name in contents(tmp_path / "out")}
    assert len(validate([tmp_path / "out"]).groups) == 0


@pytest.mark.parametrize("rule", RULES)
def test_each_rule_can_be_left_out(source, tmp_path, rule):
    source(tmp_path / "in/IE-en/NER/towns", NER_SCHEMA, train=[record(" "), record("a b c"), record("a b c", CITY)] * 2,
           test=[record("d"), record("a b c!")])  # fmt: skip
    done = clean(tmp_path / "out", str(tmp_path / "in"), options=CleanOptions(skip=(rule,)))
    assert done.total(rule) == 0
    assert not (tmp_path / f"out/dropped/{rule}.jsonl").exists()


@pytest.mark.parametrize(
    ("arguments", "told"),
    [
        (["--only", "nearly"], 'rule "nearly" is unknown'),
        (["--threshold", "0"], "threshold=0.0"),
        (["--only", "near", "--skip", "near"], "no rule is left"),
    ],
)
def test_a_wrong_option_is_named_in_one_line(tmp_path, arguments, told):
    done = run(sample_corpus(), "--out", tmp_path / "out", *arguments)
    assert done.exit_code == 1
    assert told in done.stderr
    assert done.stderr.count("\n") == 1
    assert not list(tmp_path.iterdir())


def test_another_folder_is_never_touched_and_a_cleaned_one_only_when_asked(source, tmp_path):
    source(tmp_path / "in/IE-en/NER/towns", NER_SCHEMA, train=[record("Ulm", CITY)])
    (tmp_path / "mine").mkdir()
    (tmp_path / "mine/thesis.tex").write_text("years of work")
    for out, told in ((tmp_path / "mine", "holds other things"), (tmp_path / "in/clean", "lies in the corpus"),
                      (tmp_path, "lies in the corpus")):  # fmt: skip
        done = run(tmp_path / "in", "--out", out, "--overwrite")
        assert done.exit_code == 1
        assert told in done.stderr
    assert (tmp_path / "mine/thesis.tex").read_text() == "years of work"
    assert run(tmp_path / "in", "--out", tmp_path / "out").exit_code == 0
    assert "holds a cleaned corpus already" in run(tmp_path / "in", "--out", tmp_path / "out").stderr
    assert run(tmp_path / "in", "--out", tmp_path / "out", "--overwrite").exit_code == 0
    with pytest.raises(DataError, match="no such folder"):
        clean(tmp_path / "new", str(tmp_path / "absent"))


def test_a_folder_that_is_no_source_is_named(source, tmp_path):
    source(tmp_path / "in/IE-en/NER/towns", NER_SCHEMA, train=[record("Ulm", CITY)])
    source(tmp_path / "in/IE-en/NER/bare", None, train=[record("Ulm", CITY)])
    done = run(tmp_path / "in", "--out", tmp_path / "out")
    assert done.exit_code == 0
    assert "not carried over" in done.output
    assert "bare" in done.output


@pytest.mark.slow
def test_an_interrupted_run_leaves_nothing(source, tmp_path):
    source(tmp_path / "in/IE-en/NER/b", NER_SCHEMA, train=[record(f"In Ulm {n}", CITY) for n in range(60_000)])
    code = "from iepile.commands.clean import clean; from iepile_trainer.command_line import run; run(clean)"
    command = [sys.executable, "-c", code, str(tmp_path / "in"), "--out", str(tmp_path / "out"), "--skip", "near"]
    process = subprocess.Popen(command, env=os.environ, stderr=subprocess.PIPE, stdout=subprocess.DEVNULL, text=True)
    while not list(tmp_path.glob(".out.*")):
        assert process.poll() is None, process.stderr.read()
        time.sleep(0.01)
    process.send_signal(signal.SIGINT)
    _, errors = process.communicate(timeout=60)
    assert process.returncode == 130
    assert "Traceback" not in errors
    assert sorted(path.name for path in tmp_path.iterdir()) == ["in"]


@pytest.mark.parametrize(
    ("path", "shared"),
    [("IE-zh/NER/weibo", 38), ("IE-en/RE/conll04", 18), ("IE-zh/EE/fewfc", 125), ("IE-en/EE/crudeoilnews", 27)],
)
def test_the_known_leaks_of_real_sources_are_found(corpus, tmp_path, path, shared):
    done = clean(tmp_path / "out", str(corpus / path), options=CleanOptions(only=("leak",)))
    assert done.leaks[path]["test"] == shared
    left = {split: set(texts(tmp_path / "out" / path, split)) for split in ("train", "test")}
    assert not left["train"] & left["test"]


def test_without_the_package_for_near_duplicates_it_says_how_to_get_it(monkeypatch, tmp_path):
    monkeypatch.setitem(sys.modules, "datasketch", None)
    done = run(sample_corpus(), "--out", tmp_path / "out")
    assert done.exit_code == 1
    assert "pip install 'iepile[clean]', or --skip near" in done.stderr
    assert run(sample_corpus(), "--out", tmp_path / "out", "--skip", "near").exit_code == 0
