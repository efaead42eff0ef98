"""`iepile score` and `iepile compare` on files, good and bad."""

import gzip
import json
import random

import pyarrow.parquet
import pytest
from typer.testing import CliRunner

from iepile.commands.compare import compare
from iepile.commands.score import score
from iepile_metric import Accumulator, files
from iepile_trainer.command_line import Commands

app = Commands()
app.command()(score)
app.command()(compare)

GOLD = '[{"entity": "Ada", "entity_type": "person"}]'


def row(number=1, output='{"person": ["Ada"]}', label=GOLD, task="NER", source="one"):
    return {"id": f"en/{task}/{source}/test:{number}", "task": task, "source": source, "label": label, "output": output}


@pytest.fixture
def file(tmp_path):
    def write(*lines, name="answers.jsonl"):
        path = tmp_path / name
        texts = [line if isinstance(line, str) else json.dumps(line, ensure_ascii=False) for line in lines]
        data = "".join(f"{text}\n" for text in texts).encode()
        path.write_bytes(gzip.compress(data) if name.endswith(".gz") else data)
        return path

    return write


def run(*arguments):
    return CliRunner().invoke(app, [str(argument) for argument in arguments])


def test_json_is_one_object_with_the_scores_of_the_single_task_on_top(file):
    result = run("score", file(row(1), row(2, "{}")), "--json")
    found = json.loads(result.stdout)
    # tp 1, fn 1: recall 1/2, F1 2/3
    assert (result.exit_code, found["tp"], found["fn"], found["recall"]) == (0, 1, 1, 0.5)
    assert found["tasks"]["ner"]["f1"] == found["f1"] == pytest.approx(2 / 3)
    assert found["bad_lines"] == []


def test_mixed_tasks_give_a_block_each(file):
    relation = row(1, '{"knows": []}', "[]", "RE")
    found = json.loads(run("score", file(row(), relation), "--json").stdout)
    assert set(found["tasks"]) == {"ner", "re"}
    assert "f1" not in found


def test_the_table_shows_figures_sources_and_what_was_lost(file):
    rows = [row(1), row(2, "?", source="two"), row(3, label=""), row(4, "{'person': ['Ada']}")]
    result = run("score", file(*rows), "--errors", "--resamples", "100")
    assert result.exit_code == 0
    for text in (
        "NER",
        "entity (headline)",
        "two",
        "person",
        "33.33% of rows",
        "unlabelled",
        "(1 other quotation marks)",
    ):
        assert text in result.stdout
    assert "unparseable" in result.stdout
    assert "95% interval" in result.stdout


def test_gzipped_files_are_read_and_rows_without_task_need_one(file):
    bare = {"label": GOLD, "output": '{"person": ["Ada"]}'}
    path = file(bare, name="answers.jsonl.gz")
    result = run("score", path)
    assert result.exit_code == 1
    assert "the row names no task: give one" in result.stderr
    assert json.loads(run("score", path, "--task", "NER", "--json").stdout)["f1"] == 1.0


def test_bad_lines_are_named_and_the_rest_is_scored(file):
    lines = [
        row(1),
        "{",
        "",
        "[]",
        {"id": "x"},
        {**row(2), "label": "no"},
        {**row(3), "output": {}},
        {**row(4), "task": "X"},
    ]
    path = file(*lines)
    result = run("score", path, "--json")
    found = json.loads(result.stdout)
    assert (result.exit_code, found["rows"], found["f1"]) == (0, 1, 1.0)
    assert "6 lines could not be scored" in result.stderr
    for number, text in (
        (2, "no JSON"),
        (4, "a row is a JSON object, this is list"),
        (5, "the row has no 'output'"),
        (6, "label is no ner annotation"),
        (7, "'output' is dict, not text: write its JSON as a string"),
        (8, "unknown task 'X': choose one of"),
    ):
        assert f"answers.jsonl:{number}: {text}" in result.stderr
    assert run("score", path, "--strict").exit_code == 1


@pytest.mark.parametrize(("lines", "message"), [([], "nothing to score"), (["{"], "answers.jsonl:1: no JSON")])
def test_a_file_with_nothing_to_score_fails(file, lines, message):
    result = run("score", file(*lines))
    assert result.exit_code == 1
    assert message in result.stderr


def test_a_missing_file_and_an_unknown_task_fail_with_one_line(file, tmp_path):
    for arguments in ((tmp_path / "none.jsonl",), (file(row()), "--task", "ner", "--match", "fuzzy")):
        assert run("score", *arguments).exit_code != 0
    result = run("score", tmp_path / "none.jsonl")
    assert result.stderr.startswith("error: ")
    assert "no such file" in result.stderr
    assert run("score", file({"label": "[]", "output": "{}"}), "--task", "pos").exit_code == 1


def test_a_page_and_a_table_are_written(file, tmp_path):
    path = file(row(1), row(2, "{}"))
    result = run(
        "score", path, "--report", tmp_path / "r.html", "--table", tmp_path / "t.parquet", "--table", tmp_path / "t.csv"
    )
    assert result.exit_code == 0
    assert "en/NER/one/test:2" in (tmp_path / "r.html").read_text(encoding="utf-8")
    assert (tmp_path / "t.csv").read_text().count("\n") == 3
    run("score", path, "--table", tmp_path / "t.parquet")
    assert pyarrow.parquet.read_table(tmp_path / "t.parquet").column("f1").to_pylist() == [1.0, 0.0]


def test_the_original_figures_come_out_of_the_command(reference):
    expected = json.loads((reference / "scoring" / "expected.json").read_text())["re_conll04"]
    for count, mode in (("multiset", "normal"), ("set", "set")):
        file = reference / "scoring" / "re_conll04.jsonl.gz"
        result = run("score", file, "--task", "re", "--compat", "original", "--count", count, "--json")
        assert json.loads(result.stdout) == pytest.approx(expected[mode], abs=0.01)


def test_two_files_are_compared(file):
    right = file(*(row(i) for i in range(30)), name="right.jsonl")
    wrong = file(*(row(i, "{}" if i % 2 else '{"person": ["Ada"]}') for i in range(30)), name="wrong.jsonl")
    result = run("compare", wrong, right, "--json", "--resamples", "500")
    found = json.loads(result.stdout)
    assert found["difference"] == pytest.approx(1 / 3)  # 15 of 30 found: F1 2/3
    assert found["p_value"] < 0.01
    other = run("compare", wrong, right, "--json", "--test", "bootstrap")
    assert json.loads(other.stdout)["test"] == "bootstrap"
    assert run("compare", wrong, right, "--test", "sign").exit_code == 2
    table = run("compare", wrong, right, "--resamples", "200").stdout
    assert "+0.3333" in table
    assert "30 records" in table
    assert run("compare", wrong, file(row(source="two"), name="other.jsonl")).exit_code == 1


def test_a_big_file_is_scored_in_parts_exactly_as_in_one(file, monkeypatch):
    random_ = random.Random(0)
    lines = []
    for number in range(300):
        for _ in range(random_.randint(1, 4)):  # batches of one record may fall into two parts
            answer = {"person": random_.sample(["Ada", "Bob", "Eve"], 2)}
            lines.append(row(number, json.dumps(answer), source=random_.choice(["one"])))
        if number % 50 == 7:
            lines += ["{", ""]
    path = file(*lines)
    whole, bad = files.score_file(path, processes=1)
    for parts in (2, 3, 5):
        monkeypatch.setattr(files, "PART", path.stat().st_size // parts)
        assert files.score_file(path, processes=parts) == (whole, bad)
    assert len(bad) == 6


def test_records_whose_batches_are_scattered_are_scored_as_one(file, monkeypatch):
    gold = json.dumps([{"entity": name, "entity_type": "person"} for name in ("Ada", "Bob")])
    lines = [row(i, json.dumps({"person": [name]}), gold) for name in ("Ada", "Bob") for i in range(50)]
    path = file(*lines)
    result, _ = files.score_file(path)
    assert (result["records"], result["f1"]) == (50, 1.0)
    monkeypatch.setattr(files, "PART", path.stat().st_size // 2)
    assert files.score_file(path, processes=2)[0] == result
    assert Accumulator().extend(lines).result() == result


def test_labels_and_sources_with_brackets_are_shown_as_they_are(tmp_path):
    label = [{"entity": "Ada", "entity_type": "[bold]"}]
    rows = [
        {"task": "NER", "source": source, "output": '{"[bold]": []}', "label": json.dumps(label)}
        for source in ("[red]", "[/]")
    ]
    file = tmp_path / "answers.jsonl"
    file.write_text("".join(json.dumps(row) + "\n" for row in rows))
    done = CliRunner().invoke(app, ["score", str(file)])
    assert done.exit_code == 0, done.output
    assert all(name in done.output for name in ("[bold]", "[red]", "[/]"))


def test_the_originals_scorer_by_its_own_options(file, tmp_path):
    twice = row(1, '{"person": ["Ada", "Ada"]}')
    asked = {"instruction": '{"input": "Ada"}'}
    path = file({**twice, **asked}, {**row(2, "{}", source="two"), **asked})
    theirs = ["--path1", path, "--task", "NER", "--language", "zh", "--metrics_list", "f1"]
    # Ada again is wrong as a multiset, and the same one as a set.
    figures = {
        mode: json.loads(run("score", *theirs, "--match_mode", mode, "--json").stdout) for mode in ("normal", "set")
    }
    assert {mode: found["fp"] for mode, found in figures.items()} == {"normal": 1, "set": 0}
    out = tmp_path / "out.json"
    found = run("score", *theirs, "--compat", "original", "--sort_by", "source", "--out_path", out)
    assert found.exit_code == 0, found.output
    assert json.loads(out.read_text())["groups"]["two"] == {
        "records": 1, "unparseable_outputs": 0, "precision": 0.0, "recall": 0.0, "f1": 0.0,
    }  # fmt: skip
    assert "source two" in found.stdout


def test_a_file_is_named_once(file):
    path = file(row())
    assert run("score", path, "--path1", path).exit_code == 0
    assert "give one of them" in run("score", path, "--path1", "other").stderr
    assert "no file of answers" in run("score").stderr
