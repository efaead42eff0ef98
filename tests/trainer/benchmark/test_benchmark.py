"""Systems on all sources: floors, ceilings, tables, and what is left out."""

import csv
import json
import re
import shutil
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import pytest
from typer.testing import CliRunner

from iepile.cli import app
from iepile_dataset import DataError
from iepile_trainer import TrainerError
from iepile_trainer.benchmark.arguments import BenchmarkArguments
from iepile_trainer.benchmark.rows import write_rows
from iepile_trainer.benchmark.run import benchmark
from iepile_trainer.benchmark.systems import systems_of
from iepile_trainer.run_folder import write_run

NAMES = ("Ada", "Bo", "Cai", "Dora", "Emil", "Fay")


def record(name, city="Ulm"):
    entities = [{"entity": name, "entity_type": "person"}, {"entity": city, "entity_type": "city"}]
    return {"text": f"{name} lives in {city}.", "entity": entities}


@pytest.fixture(scope="module")
def corpus(tmp_path_factory):
    """Three sources: the dictionary knows all cities of their test records, and the first of two persons."""
    root = tmp_path_factory.mktemp("corpus")
    for source in ("ncbi", "crossner_ai", "crossner_music"):
        folder = root / "IE-en/NER" / source
        folder.mkdir(parents=True)
        (folder / "schema.json").write_text('["person", "city"]\n[]\n{}\n')
        for split, names in (("train", NAMES), ("test", ("Ada", "Gus"))):
            (folder / f"{split}.json").write_text("".join(json.dumps(record(name)) + "\n" for name in names))
    return root


@pytest.fixture(scope="module")
def results(corpus, tmp_path_factory):
    out = tmp_path_factory.mktemp("out")
    options = BenchmarkArguments(model=[str(out / "no_model")], out=str(out))
    return benchmark(str(corpus), options, tell=lambda line: None), out


def test_nothing_scores_0_the_gold_1_and_a_dictionary_what_it_knows(results):
    by_system = {name: one["scores"]["ner"] for name, one in results[0]["systems"].items()}
    assert by_system["empty"]["f1"] == 0
    assert by_system["gold"]["f1"] == 1
    # Of Ada, Ulm, Gus, Ulm in each source it finds three, and nothing that is not there.
    assert (by_system["dictionary"]["tp"], by_system["dictionary"]["fp"], by_system["dictionary"]["fn"]) == (9, 0, 3)


def test_a_system_that_fails_is_left_out_and_the_others_stay(results):
    found, _ = results
    assert list(found["systems"]) == ["empty", "dictionary", "gold"]
    assert ["no_model: cannot load" in line for line in found["left_out"]] == [True]


def test_tables_hold_means_and_published_figures_in_four_forms(results, corpus):
    _, out = results
    markdown = (out / "tables.md").read_text()
    (ncbi,) = re.findall(r"^\| ncbi \|.*$", markdown, re.M)
    assert [cell.split(" (")[0] for cell in ncbi.strip("| ").split(" | ")] == [
        "ncbi", "2", "0.00", "85.71", "100.00", "87.59", "86.95", "–", "–", "–",
    ]  # fmt: skip
    assert re.search(
        r"^\| crossner \(mean\) \|  \| 0.00 \| 85.71 \| 100.00 \| – \| – \| 56.50 \| 60.91 \| 58.49", markdown, re.M
    )
    lines = list(csv.reader((out / "tables.csv").open()))
    assert ["NER, English: mentions", "ncbi"] in [line[:2] for line in lines]
    assert (out / "index.html").read_text().count("<td>87.59</td>") == 1
    assert (out / "tables.tex").read_text().count(r"\begin{tabular}{lrrrrrrrrr}") == 1
    written = (out / "results.json").read_text()
    assert json.loads(written)["systems"].keys() == {"empty", "dictionary", "gold"}
    assert json.loads(written)["corpus"] == corpus.name


def test_what_a_model_was_trained_on_is_not_zero_shot_and_its_texts_are_scored_apart(corpus, base, tmp_path):
    run = tmp_path / "run"
    run.mkdir()
    for file in (base / "llama").iterdir():
        (run / file.name).write_bytes(file.read_bytes())
    write_run(run, {"data": [{"config": "ner", "rows_by_source": {"ncbi": 6}}]})
    options = BenchmarkArguments(model=[str(run)], out=str(tmp_path / "out"), max_new_tokens=4)
    found = benchmark(str(corpus), options, tell=lambda line: None)
    one = found["systems"]["run"]
    assert one["zero_shot"] == [["ner", "en", "crossner_ai"], ["ner", "en", "crossner_music"]]
    assert one["options"]["model"] == "run"
    assert str(tmp_path) not in (tmp_path / "out/results.json").read_text()
    assert one["seen_rows"] == 3  # Ada's text stands in the training split of ncbi, whatever source asks about it
    assert one["unseen"]["ner"]["records"] == 3
    tables = (tmp_path / "out/tables.md").read_text()
    assert "| mean, supervised |" in tables
    assert "| mean, zero-shot |" in tables
    assert "### Test texts that stand in training" in tables


def test_scores_that_cannot_be_made_again_with_other_options_are_not_written_over(corpus, base, tmp_path):
    options = BenchmarkArguments(model=[str(base / "llama")], out=str(tmp_path), max_new_tokens=2, limit=1)
    benchmark(str(corpus), options, tell=lambda line: None)
    before = {file.name: file.read_bytes() for file in tmp_path.iterdir()}
    other = BenchmarkArguments(model=[str(base / "llama")], out=str(tmp_path), max_new_tokens=3, limit=1)
    with pytest.raises(TrainerError, match=r"results\.json has scores of llama and stays as it is \(another --out\)"):
        benchmark(str(corpus), other, tell=lambda line: None)
    assert before == {file.name: file.read_bytes() for file in tmp_path.iterdir()}


def test_what_was_learnt_before_is_shown_before_and_after(corpus, base, tmp_path):
    runs = {"before": {"ncbi": 6}, "after": {"crossner_ai": 6}, "kept": {"crossner_ai": 6, "ncbi": 2}}
    for name, rows in runs.items():
        shutil.copytree(base / "llama", tmp_path / name)
        write_run(tmp_path / name, {"data": [{"config": "ner", "rows_by_source": rows}]})
    options = BenchmarkArguments(
        model=[str(tmp_path / name) for name in runs], out=str(tmp_path / "out"), max_new_tokens=2, limit=1
    )
    benchmark(str(corpus), options, tell=lambda line: None)
    lines = re.findall(r"^\| (after|kept) \| (by .+?) \| 1 \| .*$", (tmp_path / "out/tables.md").read_text(), re.M)
    assert lines == [
        ("after", "by before"), ("after", "by after alone"), ("after", "by neither"),
        ("kept", "by before"), ("kept", "by kept alone"), ("kept", "by neither"),
    ]  # fmt: skip


def test_the_command_shows_the_tables_and_a_limit_takes_whole_records(corpus, tmp_path):
    words = ["benchmark", str(corpus), "--limit", "1", "--source", "ncbi", "--out", str(tmp_path / "out")]
    first, second = (CliRunner().invoke(app, words) for _ in range(2))
    assert first.exit_code == second.exit_code == 0, first.output
    assert "1 rows of 1 records, 1 sources, 3 systems" in first.output
    assert "NER, English: mentions" in first.output
    planned = CliRunner().invoke(app, [*words[:-1], str(tmp_path / "none"), "--dry-run"])
    assert planned.exit_code == 0
    assert not (tmp_path / "none").exists()


def test_a_benchmark_of_models_that_all_fail_ends_with_an_error(corpus, tmp_path):
    words = [
        "benchmark",
        str(corpus),
        "--source",
        "ncbi",
        "--model",
        str(tmp_path / "none"),
        "--out",
        str(tmp_path / "o"),
    ]
    ended = CliRunner().invoke(app, words)
    assert ended.exit_code == 1
    assert ended.stderr.startswith(f"error: no model answered: {words[5]}: cannot load the model")


class _Endpoint(BaseHTTPRequestHandler):
    """Says nothing, in so many words; after `lives` requests it is gone in the middle of an answer."""

    lives = 0

    def do_POST(self):
        self.rfile.read(int(self.headers["Content-Length"]))
        if not type(self).lives:
            self.close_connection = True
            return
        type(self).lives -= 1
        choice = {"index": 0, "finish_reason": "stop", "message": {"role": "assistant", "content": ""}}
        body = json.dumps({"id": "", "object": "chat.completion", "created": 0, "model": "m", "choices": [choice]})
        self.send_response(200)
        self.send_header("Content-Type", "application/json")
        self.end_headers()
        self.wfile.write(body.encode())

    def log_message(self, *words):
        pass


def test_an_endpoint_that_dies_is_asked_again_where_it_failed_and_that_it_says_nothing_is_told(corpus, tmp_path):
    pytest.importorskip("openai")
    server = ThreadingHTTPServer(("127.0.0.1", 0), _Endpoint)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    options = BenchmarkArguments(
        model=["m"], engine="openai", base_url=f"http://127.0.0.1:{server.server_port}/v1", out=str(tmp_path),
        retries=0, concurrency=1,
    )  # fmt: skip
    told = []
    for _Endpoint.lives, failed in ((2, 4), (9, 0)):
        found = benchmark(str(corpus), options, tell=told.append)
        rows = [json.loads(line) for line in (tmp_path / "m.jsonl").open()]
        assert len(rows) == 6
        assert sum("error" in row for row in rows) == failed
        assert found["systems"]["m"]["scores"]["ner"]["records"] == 6
    assert told[-1].startswith("m has answered nothing: all its answers are empty")
    server.shutdown()
    server.server_close()


def test_systems_of_a_file_have_options_of_their_own(tmp_path):
    file = tmp_path / "systems.yaml"
    file.write_text("- {model: a, constrain: json}\n- {name: 2, model: a, batch_size: 8, timeout: 9, adapter: null}\n")
    systems = systems_of(BenchmarkArguments(systems=str(file), max_new_tokens=9))
    assert [system.name for system in systems[3:]] == ["a", "2"]
    assert [(one.options["constrain"], one.options["max_new_tokens"]) for one in systems[3:]] == [
        ("json", 9),
        ("none", 9),
    ]
    assert (systems[4].options["batch_size"], systems[4].options["timeout"]) == ("8", 9)


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("- {model: a, modl: b}", r"'modl' is no option of a system \(do you mean \"model\"\?\)"),
        ("- {name: a}", "each with a `model`"),
        ("{a: [", "while parsing"),
        ("- {model: a}\n- {model: a}", "two systems are called 'a'"),
        ("", "wanted a list of systems"),
        ("- {model: [a]}", r"model=\['a'\] is not of type str"),
        ("- {model: a, max_new_tokens: many}", "max_new_tokens='many' is not of type int"),
        ("- {model: a, confidence: 1}", "confidence=1 is not of type bool"),
        ("- {model: a, name: rows}", "cannot be called 'rows'"),
        ("- {model: a/b}\n- {model: c, name: A--b}", "two systems are called 'A--b'"),
    ],
)
def test_a_file_of_systems_that_is_wrong_is_refused(text, words, tmp_path):
    file = tmp_path / "systems.yaml"
    file.write_text(text)
    with pytest.raises((TrainerError, DataError), match=words):
        systems_of(BenchmarkArguments(systems=str(file)))


def test_a_corpus_without_an_answer_is_refused_with_the_reasons(corpus, tmp_path):
    for place, options, words in (
        (tmp_path / "none", {}, "no such folder"),
        (corpus, {"source": ["ncbj"]}, 'no source "ncbj"'),
        (corpus, {"task": ["re"]}, "no RE source"),
        (corpus, {"split": "dev2"}, "dev2"),
    ):
        with pytest.raises(TrainerError, match=words):
            benchmark(str(place), BenchmarkArguments(**options), tell=lambda line: None)


def test_sources_that_cannot_be_asked_are_named_and_the_others_are(corpus, tmp_path):
    root = tmp_path / "corpus"
    shutil.copytree(corpus, root)
    (root / "IE-en/NER/crossner_ai/test.json").unlink()
    (root / "IE-en/NER/crossner_music/schema.json").write_text("{broken")
    found = benchmark(str(root), BenchmarkArguments(out=str(tmp_path / "out")), tell=lambda line: None)
    assert [one["source"] for one in found["sources"]] == ["ncbi"]
    assert "crossner_music: schema.json: not readable" in found["left_out"][0]
    assert found["left_out"][1:] == ["en/NER/crossner_ai: no row of split 'test'"]


@pytest.mark.parametrize("part", ["IE-en", "IE-en/NER/ncbi"])
def test_a_folder_of_a_corpus_or_one_source_is_asked_alike(part, corpus, tmp_path):
    options = ["--task", "ner", "--source", "ncbi", "--out", str(tmp_path / "out")]
    said = CliRunner().invoke(app, ["benchmark", str(corpus / part), *options])
    assert "2 rows of 2 records, 1 sources, 3 systems" in said.output
    assert json.loads((tmp_path / "out/results.json").read_text())["systems"]["gold"]["scores"]["ner"]["f1"] == 1


def test_rows_with_separators_of_lines_are_not_written_again(tmp_path):
    rows = [{"id": "1", "instruction": "two\u2028lines\x85"}]
    write_rows(tmp_path / "rows.jsonl", rows)
    first = (tmp_path / "rows.jsonl").stat()
    write_rows(tmp_path / "rows.jsonl", rows)
    assert (tmp_path / "rows.jsonl").stat().st_mtime_ns == first.st_mtime_ns


def test_rows_that_a_model_has_answered_are_not_replaced_by_others(tmp_path):
    write_rows(tmp_path / "rows.jsonl", [{"id": "1"}])
    write_rows(tmp_path / "rows.jsonl", [{"id": "2"}])
    (tmp_path / "model.jsonl.run.json").touch()
    with pytest.raises(TrainerError, match=r"model.jsonl answers other rows \(another --out"):
        write_rows(tmp_path / "rows.jsonl", [{"id": "3"}])
    assert (tmp_path / "rows.jsonl").read_text() == '{"id": "2"}\n'


def test_a_dry_run_shows_examples_of_the_training_rows_and_leaves_nothing(corpus, base, tmp_path):
    options = BenchmarkArguments(
        model=[str(base / "llama")],
        out=str(tmp_path / "out"),
        limit=1,
        examples="train",
        max_new_tokens=1,
        dry_run=True,
    )
    told = []
    assert benchmark(str(corpus), options, tell=told.append) == {}
    assert "minutes, by 3 rows" in told[-1]
    assert not list(tmp_path.iterdir())
