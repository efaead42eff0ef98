import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from typer.testing import CliRunner

from iepile.commands.clean import clean as command
from iepile_dataset.cleaning.clean import clean
from iepile_dataset.cleaning.normalise import normalise, normalise_record, normalise_text
from iepile_dataset.cleaning.rules import RULES
from iepile_dataset.corpus.sources import sample_corpus
from iepile_dataset.errors import DataError
from iepile_dataset.options import CleanOptions
from iepile_dataset.validation.validate import validate
from iepile_trainer.command_line import Commands

from ..conftest import NER_SCHEMA

app = Commands()
app.command()(command)

CITY = {"entity": "Ulm", "entity_type": "city"}
RIVER = {"entity": "Ulm", "entity_type": "river"}


def record(text, *items):
    return {"text": text, "entity": list(items)}


def run(*arguments):
    return CliRunner().invoke(app, [*map(str, arguments)])


def texts(folder, split="train"):
    return [json.loads(line)["text"] for line in (folder / f"{split}.json").open(encoding="utf-8")]


def dropped(out, rule):
    file = out / "dropped" / f"{rule}.jsonl"
    lines = [json.loads(line) for line in file.open(encoding="utf-8")] if file.exists() else []
    return [(line["file"].rpartition("/")[2], line["line"], line["twin"] and line["twin"]["line"]) for line in lines]


def contents(folder):
    return {
        str(file.relative_to(folder)): file.read_bytes()
        for file in sorted(folder.rglob("*"))
        if file.is_file() and file.name != "cleaned.json" and "dropped" not in file.parts
    }


@pytest.fixture
def cleaned(source, tmp_path):
    """Cleans one source, by the rules that are named."""

    def make(*only, language="en", **splits):
        options = {name: splits.pop(name) for name in ("threshold", "leak_from") if name in splits}
        source(tmp_path / f"in/IE-{language}/NER/towns", NER_SCHEMA, **splits)
        done = clean(tmp_path / "out", str(tmp_path / "in"), options=CleanOptions(only=only, **options))
        return done, tmp_path / f"out/IE-{language}/NER/towns"

    return make


def test_exact_duplicates_go_within_a_split_whatever_the_order_of_their_annotations(cleaned, tmp_path):
    done, folder = cleaned(
        "duplicate",
        train=[
            record("In Ulm", CITY, RIVER),
            record("In Ulm", RIVER, dict(reversed(CITY.items()))),  # the first again
            record("In Ulm", CITY),  # another annotation
            record("In Ulm ", CITY, RIVER),  # another text
            record("In Ulm", CITY, RIVER),  # the first again
        ],
        test=[record("In Ulm", CITY, RIVER)],  # another split
    )
    assert dropped(tmp_path / "out", "duplicate") == [("train.json", 2, 1), ("train.json", 5, 1)]
    assert texts(folder) == ["In Ulm", "In Ulm", "In Ulm "]
    assert texts(folder, "test") == ["In Ulm"]
    assert (done.total("read"), done.total("kept"), done.total("duplicate")) == (6, 4, 2)


def test_the_annotation_that_most_records_of_a_text_have_stays(cleaned, tmp_path):
    _, folder = cleaned(
        "contradiction",
        train=[
            record("In Ulm", RIVER),
            record("In Ulm", CITY),
            record("In Ulm", CITY),
            record("Ulm", CITY),  # one to one: the first stays
            record("Ulm"),
            {"text": "Ulm"},  # says nothing, contradicts nothing
        ],
        test=[record("In Ulm", RIVER)],
    )
    assert dropped(tmp_path / "out", "contradiction") == [("train.json", 1, 2), ("train.json", 5, 4)]
    assert len(texts(folder)) == 4


def test_an_annotation_that_fits_outvotes_any_number_that_do_not(cleaned, tmp_path):
    broken = record("In Ulm", {"entity": "Uml", "entity_type": "city"})
    foreign = record("In Ulm", {"entity": "Ulm", "entity_type": "town"})
    _, folder = cleaned("contradiction", train=[broken, foreign, record("In Ulm", CITY), broken], test=[broken])
    assert dropped(tmp_path / "out", "contradiction") == [
        ("train.json", 1, 3),
        ("train.json", 2, 3),
        ("train.json", 4, 3),
    ]
    assert texts(folder) == ["In Ulm"]


def test_a_record_nested_too_deep_to_be_read_is_dropped_and_kept_aside(cleaned, tmp_path):
    deep = '{"text": "In Ulm", "entity": ' + "[" * 900 + "]" * 900 + "}"
    _, folder = cleaned(train=[deep, record("In Ulm", CITY)])
    assert dropped(tmp_path / "out", "empty") == [("train.json", 1, None)]
    assert texts(folder) == ["In Ulm"]


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


def test_a_leaked_text_leaves_train_and_is_counted_once(cleaned, tmp_path):
    splits = {
        "train": [record("a"), record("b"), record("a"), record("c"), record("d")],
        "dev": [record("b"), record("d"), record("d")],
        "test": [record("x"), record("a"), record("d")],
    }
    done, folder = cleaned("leak", **splits)
    # Shared with dev: b and d; with test: a and d.
    assert done.leaks["IE-en/NER/towns"] == {"validation": 2, "test": 2}
    assert texts(folder) == ["c"]
    assert texts(folder, "test") == ["x", "a", "d"]
    # The twin is the first held-out record of the text: dev before test.
    assert dropped(tmp_path / "out", "leak") == [
        ("train.json", 1, 2), ("train.json", 2, 1), ("train.json", 3, 2), ("train.json", 5, 2),
    ]  # fmt: skip


def test_a_leaked_text_leaves_validation_and_test_where_that_is_wanted(cleaned, tmp_path):
    _, folder = cleaned(
        "leak", leak_from="test", train=[record("a"), record("b")], dev=[record("c"), record("a")], test=[record("b")]
    )
    assert texts(folder) == ["a", "b"]
    assert texts(folder, "dev") == ["c"]
    assert not (folder / "test.json").exists()  # nothing is left of it
    assert dropped(tmp_path / "out", "leak") == [("dev.json", 2, 1), ("test.json", 1, 2)]


def test_empty_and_degenerate_records_go(cleaned, tmp_path):
    _, folder = cleaned(
        "empty",
        train=[
            record(" "),
            record("…!?"),
            record("☀", {"entity": "☀", "entity_type": "city"}),
            record("好"),
            "{",
            [1],
            {"entity": []},
            record("5"),
        ],
    )
    assert dropped(tmp_path / "out", "empty") == [("train.json", line, None) for line in (1, 2, 5, 6, 7)]
    assert texts(folder) == ["☀", "好", "5"]


def test_lines_that_no_rule_touches_are_carried_over_byte_for_byte(source, tmp_path):
    folder = source(tmp_path / "in/IE-en/NER/towns", NER_SCHEMA)
    lines = b'{"entity":[],  "text":"b\xc3\xa9\\u00e9"}\n{\n[1]\n{"text": "c", "entity": 5}'
    (folder / "train.json").write_bytes(b"\xef\xbb\xbf" + lines.replace(b"\n", b"\r\n\n"))
    clean(tmp_path / "out", str(tmp_path / "in"), options=CleanOptions(skip=("empty",)))
    assert (tmp_path / "out/IE-en/NER/towns/train.json").read_bytes() == lines + b"\n"


def test_near_duplicates_go_in_english_by_words_and_in_chinese_by_characters(cleaned, tmp_path):
    # Eight words make six shingles; a word more at the end leaves 6 of 7 common, 0.86.
    eight = "one two three four five six seven eight"
    _, folder = cleaned(
        "near",
        train=[
            record(eight),
            record("ONE, two three four five six seven eight!"),
            record(f"{eight} nine"),
            record("one two three four five six"),  # 4 of 6: 0.67
            record(eight),  # one text, another record: for other rules to judge
        ],
    )
    assert texts(folder) == [eight, "one two three four five six", eight]
    assert dropped(tmp_path / "out", "near") == [("train.json", 2, 1), ("train.json", 3, 1)]


def test_near_duplicates_in_chinese_are_compared_by_characters(cleaned, tmp_path):
    # Twelve characters make ten shingles; one more leaves 10 of 11, 0.91; without the first two 8 of 10, 0.8.
    text = "市长昨天在乌尔姆会见客人"
    done, folder = cleaned(
        "near", language="zh", threshold=0.81, train=[record(text), record(text + "们"), record(text[2:])]
    )
    assert texts(folder) == [text, text[2:]]
    assert done.total("near") == 1


def test_a_higher_threshold_lets_more_stay(source, tmp_path):
    eight = "one two three four five six seven eight"
    source(
        tmp_path / "in/IE-en/NER/towns", NER_SCHEMA, train=[record(eight), record(f"{eight} nine"), record(f"{eight}!")]
    )
    for threshold, count in ((0.8, 2), (0.9, 1), (1.0, 1)):
        options = CleanOptions(only=("near",), threshold=threshold)
        assert clean(tmp_path / f"{threshold}", str(tmp_path / "in"), options=options).total("near") == count


def test_texts_and_mentions_are_normalised_alike(cleaned):
    done, folder = cleaned(
        "normalise",
        train=[
            record(" Cafe\u0301\u3000in  Bad  Urach\r\n", {"entity": "Bad  Urach", "entity_type": "city"}),
            record("Cafe\u0301", {"entity": "e", "entity_type": "city"}),  # would be lost: stays as it is
            record("In Ulm", CITY),
        ],
    )
    kept = [json.loads(line) for line in (folder / "train.json").open(encoding="utf-8")]
    assert kept[0] == record("Café in Bad Urach", {"entity": "Bad Urach", "entity_type": "city"})
    assert kept[1]["text"] == "Cafe\u0301"
    assert (done.total("normalised"), done.total("unnormalised")) == (1, 1)


def test_labels_and_other_fields_are_never_normalised(source, tmp_path):
    items = [{"event_trigger": "sued  ", "event_type": "a  b", "arguments": [{"argument": "Bo\u00a0", "role": "x  y"}]}]
    source(
        tmp_path / "in/IE-en/EE/x",
        '["a  b"]\n["x  y"]\n{"a  b": ["x  y"]}',
        train=[{"id": "1  2", "text": "Bo\u00a0sued  Ada", "event": items}],
    )
    clean(tmp_path / "out", str(tmp_path / "in"))
    (line,) = (tmp_path / "out/IE-en/EE/x/train.json").read_text("utf-8").splitlines()
    assert json.loads(line) == {
        "id": "1  2",
        "text": "Bo sued Ada",
        "event": [{"event_trigger": "sued ", "event_type": "a  b", "arguments": [{"argument": "Bo ", "role": "x  y"}]}],
    }


_letters = st.text(alphabet="ae\u0301\u0308 \u00a0\u3000\n\r\t\u2028乌姆\u2126\ufb01\uac00\u1100\u1161.", max_size=12)


@given(_letters, st.lists(st.tuples(st.integers(0, 12), st.integers(1, 12)), max_size=3))
@settings(deadline=None, max_examples=300)
def test_every_mention_that_was_found_before_is_found_after(text, spans):
    mentions = [text[start : start + length] for start, length in spans if text[start : start + length]]
    before = record(text, *({"entity": mention, "entity_type": "a"} for mention in mentions))
    after = normalise_record(before, "entity")
    if after is not None:
        assert all(item["entity"] in after["text"] for item in after["entity"])
        assert normalise_record(after, "entity") == after
    elif not mentions:
        pytest.fail("nothing could be lost")


@given(st.text())
@settings(deadline=None)
def test_normalising_twice_is_normalising_once(text):
    assert normalise(normalise(text)) == normalise(text)
    assert normalise_text(normalise_text(text)) == normalise_text(text)


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
