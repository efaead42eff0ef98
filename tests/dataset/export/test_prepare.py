import json
import os
import signal
import subprocess
import sys
import time

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
import typer
from datasets import load_dataset
from typer.testing import CliRunner

import iepile  # noqa: F401
from iepile.cli import app
from iepile.console import failing
from iepile_dataset import DataError, Options
from iepile_dataset.export.prepare import prepare
from iepile_dataset.export.writer import _write_parquet
from iepile_dataset.instructions.tables import ARROW_SCHEMA

from ..conftest import NER_SCHEMA

GOOD = {"text": "In Ulm", "entity": [{"entity": "Ulm", "entity_type": "city"}]}


def run(*arguments):
    return CliRunner().invoke(app, ["prepare", *map(str, arguments)])


def contents(folder):
    """Every file's bytes but the manifest, whose counts are compared apart."""
    return {
        file.relative_to(folder): file.read_bytes()
        for file in folder.rglob("*")
        if file.is_file() and file.name != "manifest.json"
    }


def test_the_embedded_sample_becomes_a_folder_that_stock_datasets_loads(tmp_path):
    done = prepare(tmp_path / "rows")
    assert done.problems == []
    for config in ("ner", "re", "ee", "eet", "eea"):
        stored = load_dataset(str(tmp_path / "rows"), config)
        made = load_dataset("iepile", config)
        for split in ("train", "validation", "test"):
            columns = made[split].column_names
            assert stored[split].select_columns(columns).to_list() == made[split].to_list()
            first = stored[split][0]
            assert first["prompt"] == [{"role": "user", "content": first["instruction"]}]
            assert first["completion"] == [{"role": "assistant", "content": first["output"]}]


def test_files_have_chunks_by_content_and_an_index_of_pages(tmp_path):
    prepare(tmp_path / "rows", tasks=["ner"])
    written = pq.ParquetFile(next((tmp_path / "rows" / "ner").glob("*.parquet")))
    column = written.metadata.row_group(0).column(0)
    assert column.has_offset_index
    assert column.has_column_index
    assert json.loads(written.metadata.metadata[b"content_defined_chunking"])["max_chunk_size"] == 1 << 20


@pytest.mark.slow
def test_two_processes_write_the_same_bytes(tmp_path):
    prepare(tmp_path / "one")
    prepare(tmp_path / "two", num_proc=2)
    assert contents(tmp_path / "one") == contents(tmp_path / "two")


def test_every_record_is_accounted_for(source, tmp_path):
    source(
        tmp_path / "in/IE-en/NER/towns",
        NER_SCHEMA,
        train=[
            GOOD,
            {"text": "In Ulm", "entity": [{"entity": "Uml", "entity_type": "city"}]},
            {"text": "In Ulm", "entity": [{"entity": "Ulm", "entity_type": "town"}]},
            '{"text": "cut off, "entity',
            "[1, 2]",
            {"text": "not annotated"},
            {"text": 5, "entity": []},
            {"text": "", "entity": []},
            {"entity": []},
            {"text": "a", "entity": None},
            {"text": "a", "entity": {"entity": "a"}},
            {"text": "a", "entity": ["a"]},
            "",
            {"text": "nothing here", "entity": []},
        ],
        test=[{"text": "not annotated"}, GOOD],
    )
    done = prepare(tmp_path / "out", str(tmp_path / "in"))
    # 13 lines of train are not blank: 2 good ones, 11 bad; both of test are good.
    assert done.total("read") == 15
    assert done.total("quarantined") == 11
    assert done.total("unlabelled") == 1
    assert done.total("rows") == 4
    kept = [json.loads(line) for line in (tmp_path / "out/quarantine.jsonl").open(encoding="utf-8")]
    assert [problem["line"] for problem in kept] == [*range(2, 13)]
    reasons = [problem["reason"] for problem in kept]
    assert reasons[:2] == ['entity "Uml" does not occur in the text', 'type "town" is not in the schema']
    assert reasons[2].startswith("not a JSON object: unexpected character")
    assert reasons[3] == "the line holds [1, 2], not an object"
    assert kept[2]["raw"] == '{"text": "cut off, "entity'
    assert all(problem["remedy"] for problem in kept)


def test_a_cut_line_and_chinese_text_keep_their_letters(source, tmp_path):
    source(
        tmp_path / "in/IE-zh/NER/x", '["城市"]\n[]\n{}', train=['{"text": "在乌', {"text": "在乌尔姆", "entity": []}]
    )
    prepare(tmp_path / "out", str(tmp_path / "in"))
    assert "在乌" in (tmp_path / "out/quarantine.jsonl").read_text("utf-8")
    assert "在乌尔姆" in load_dataset(str(tmp_path / "out"), "ner", split="train")[0]["instruction"]


@pytest.mark.parametrize(
    ("files", "message"),
    [
        ({}, "no source in it"),
        ({"IE-en/NER/x/train.json": ""}, "no schema.json beside the split files"),
        ({"IE-en/NER/x/train.json": "", "IE-en/NER/x/schema.json": NER_SCHEMA}, "the file is empty"),
        ({"IE-en/NER/x/train.json": "{}", "IE-en/NER/x/schema.json": "{}"}, "no schema in it"),
        ({"IE-en/NER/x/train.json": "{}", "IE-en/NER/x/schema.json": '["a"]\n[]\n[]'}, "schema.json:3: roles are []"),
        ({"IE-en/NER/x/train.json": "{}", "IE-en/NER/x/schema.json": '{"a": []}\n[]\n3'}, "schema.json:3: roles are 3"),
        ({"IE-en/NER/x/train.json": "{}", "IE-en/NER/x/schema.json": '["a", 5]\n[]\n{}'}, "label 5 is not"),
        ({"IE-en/NER/x/train.json": "{}", "IE-en/NER/x/schema.json": "[]\n[]\n{}"}, "has no labels for NER"),
        ({"IE-en/NER/x/train.json": '[{"text"', "IE-en/NER/x/schema.json": NER_SCHEMA}, "one JSON array"),
    ],
)
def test_where_nothing_can_be_done_it_says_why_in_one_line_and_exits_with_1(tmp_path, files, message):
    (tmp_path / "in").mkdir()
    for name, text in files.items():
        (tmp_path / "in" / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / "in" / name).write_text(text, "utf-8")
    done = run(tmp_path / "in", "--out", tmp_path / "out", "--task", "ner")
    assert done.exit_code == 1
    assert message in done.stderr
    assert done.stderr.count("\n") == 1
    assert not (tmp_path / "out").exists()


def test_a_source_without_a_schema_does_not_stop_the_others(source, tmp_path):
    source(tmp_path / "in/IE-en/NER/a", None, train=[GOOD])
    source(tmp_path / "in/IE-en/NER/b", NER_SCHEMA, train=[GOOD])
    done = run(tmp_path / "in", "--out", tmp_path / "out")
    assert done.exit_code == 0, done.output
    assert "no schema.json beside the split files" in done.output
    assert run(tmp_path / "in", "--out", tmp_path / "strict", "--strict").exit_code == 1


def test_strict_stops_at_the_first_bad_record_and_leaves_no_folder(source, tmp_path):
    source(tmp_path / "in/IE-en/NER/b", NER_SCHEMA, train=[GOOD, "{"])
    done = run(tmp_path / "in", "--out", tmp_path / "out", "--strict")
    assert done.exit_code == 1
    assert "train.json:2: not a JSON object" in done.stderr
    assert sorted(path.name for path in tmp_path.iterdir()) == ["in"]


def test_a_second_run_says_what_is_there_and_starts_over_only_when_asked(tmp_path):
    assert run("--out", tmp_path / "rows", "--task", "ner", "--language", "en").exit_code == 0
    second = run("--out", tmp_path / "rows", "--task", "re")
    assert second.exit_code == 1
    assert "already prepared" in second.stderr
    assert run("--out", tmp_path / "rows", "--task", "re", "--overwrite").exit_code == 0
    assert sorted(path.name for path in (tmp_path / "rows").iterdir()) == [
        "README.md", "manifest.json", "quarantine.jsonl", "raw", "re",
    ]  # fmt: skip


def test_a_folder_of_something_else_is_never_touched(tmp_path):
    (tmp_path / "mine").mkdir()
    (tmp_path / "mine/thesis.tex").write_text("years of work")
    done = run("--out", tmp_path / "mine", "--overwrite")
    assert done.exit_code == 1
    assert "holds other things" in done.stderr
    assert (tmp_path / "mine/thesis.tex").read_text() == "years of work"


@pytest.mark.parametrize(
    "arguments",
    [["--task", "nerr"], ["--negatives", "some"], ["--language", "de"], ["--source", "nowhere"], ["--splitnum", "3"]],
)
def test_an_unknown_option_or_value_is_named(tmp_path, arguments):
    done = run("--out", tmp_path / "rows", *arguments)
    assert done.exit_code in (1, 2)
    assert arguments[-1 if done.exit_code == 1 else 0] in done.stderr


@pytest.mark.slow
def test_an_interrupted_run_leaves_nothing_that_looks_whole(source, tmp_path):
    source(tmp_path / "in/IE-en/NER/b", NER_SCHEMA, train=[GOOD] * 200_000)
    command = [sys.executable, "-m", "iepile.cli", "prepare", str(tmp_path / "in"), "--out", str(tmp_path / "out")]
    process = subprocess.Popen(command, env=os.environ, stderr=subprocess.PIPE, text=True)
    while not list(tmp_path.glob(".out.*")):
        assert process.poll() is None, process.stderr.read()
        time.sleep(0.01)
    process.send_signal(signal.SIGINT)
    _, errors = process.communicate(timeout=60)
    assert process.returncode == 130
    assert "Traceback" not in errors
    assert sorted(path.name for path in tmp_path.iterdir()) == ["in"]


def test_options_are_those_of_the_builder(tmp_path):
    prepare(tmp_path / "rows", tasks=["ner"], options=Options(language="zh", negatives=0.3, split_num=3, seed=7))
    made = load_dataset("iepile", "ner", split="train", language="zh", negatives=0.3, split_num=3, seed=7)
    stored = load_dataset(str(tmp_path / "rows"), "ner", split="train").select_columns(made.column_names)
    assert stored.to_list() == made.to_list()


def test_a_task_that_a_corpus_lacks_is_an_error_only_when_it_was_asked_for(source, tmp_path):
    source(tmp_path / "in/IE-en/NER/b", NER_SCHEMA, train=[GOOD])
    assert prepare(tmp_path / "out", str(tmp_path / "in")).total("rows") == 1
    with pytest.raises(DataError, match="no RE source"):
        prepare(tmp_path / "out2", str(tmp_path / "in"), tasks=["re"])


def test_sources_of_different_tasks_can_be_chosen_together(tmp_path):
    done = prepare(tmp_path / "rows", options=Options(source=("city_news", "gazetteer")))
    assert {key.rpartition("/")[2] for key in done.licences} == {"city_news", "gazetteer"}
    assert sorted(path.name for path in (tmp_path / "rows").iterdir() if path.is_dir()) == ["ner", "raw", "re"]


def test_several_processes_without_a_script_to_start_from_are_an_error_that_says_so(tmp_path):
    code = f"from iepile_dataset.export.prepare import prepare\nprepare({str(tmp_path / 'out')!r}, tasks='ner', num_proc=2)\n"
    done = subprocess.run([sys.executable, "-"], input=code, capture_output=True, text=True, timeout=120)
    assert done.stderr.splitlines()[-1].startswith("iepile_dataset.errors.DataError: a worker process ended")
    assert not list(tmp_path.iterdir())


def test_the_current_folder_is_refused_and_a_link_stays_a_link(tmp_path, monkeypatch):
    (tmp_path / "here").mkdir()
    monkeypatch.chdir(tmp_path / "here")
    for out in (".", ".."):
        done = run("--out", out)
        assert done.exit_code == 1
        assert "this is the current folder or holds it" in done.stderr
    (tmp_path / "link").symlink_to("target")  # which does not exist yet
    prepare(tmp_path / "link", tasks="ner", options=Options(language="en"))
    assert (tmp_path / "link").is_symlink()
    assert (tmp_path / "target/ner").is_dir()


def test_names_that_look_like_markup_are_shown_as_they_are(source, tmp_path, monkeypatch):
    source(tmp_path / "in/IE-en/NER/[b]", NER_SCHEMA, train=[GOOD, "{"])
    monkeypatch.chdir(tmp_path)
    done = run("in", "--out", "o[/]")
    assert done.exit_code == 0, done.output
    assert "rows in o[/]" in done.output
    assert "en/NER/[b]" in done.output
    verified = CliRunner().invoke(app, ["verify", "o[/]"])
    assert verified.output.startswith("o[/]: 1 rows")


def test_a_system_error_is_one_line(tmp_path):
    (tmp_path / "file").write_text("")
    done = run("--out", tmp_path / "file/rows", "--task", "ner")
    assert done.exit_code == 1
    assert done.stderr.count("\n") == 1
    with pytest.raises(typer.Exit), failing():
        raise OSError(28, "No space left on device")


def test_every_bad_record_is_set_aside_but_only_the_first_are_remembered(source, tmp_path):
    source(tmp_path / "in/IE-en/NER/b", NER_SCHEMA, train=[GOOD, *["{"] * 50])
    done = prepare(tmp_path / "out", tmp_path / "in")
    assert (done.left_out, [problem.line for problem in done.problems]) == (50, [*range(2, 22)])
    assert len((tmp_path / "out/quarantine.jsonl").read_text("utf-8").splitlines()) == 50
    assert json.loads((tmp_path / "out/manifest.json").read_text())["left_out"] == 50


def test_options_without_effect_are_named(source, tmp_path):
    source(tmp_path / "in/IE-en/NER/a", NER_SCHEMA, train=[GOOD])
    done = run(tmp_path / "in", "--out", tmp_path / "out", "--format", "jsonl", "--num-proc", "2", "--tokenizer", "t")
    assert done.exit_code == 0, done.output
    assert "--num-proc is ignored" in done.output
    assert "--tokenizer is ignored" in done.output


def test_large_rows_are_written_before_many_of_them_wait(tmp_path):
    table = pa.table([["x" * 1_000_000] * 10] * 7, schema=ARROW_SCHEMA)  # 70 MB
    _write_parquet([table] * 2, tmp_path / "a.parquet", ARROW_SCHEMA)
    assert [pq.ParquetFile(tmp_path / "a.parquet").metadata.row_group(n).num_rows for n in (0, 1)] == [10, 10]
