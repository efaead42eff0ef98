"""Every example that names the quickstart's model is one that it answers rightly."""

import io
import json
import os
import re
import subprocess
import sys
from contextlib import redirect_stdout
from pathlib import Path

import httpx
import pytest
import yaml

import iepile.app
from iepile_trainer import Extractor
from iepile_trainer.quickstart import found_in

pytestmark = pytest.mark.slow

README = (Path(__file__).parents[3] / "README.md").read_text("utf-8")


@pytest.fixture(autouse=True)
def here(whole_run, monkeypatch):
    """The folder in which `runs/quickstart` is."""
    monkeypatch.chdir(whole_run.parents[1])


def code(page, language):
    """The blocks of code in a page."""
    return re.findall(rf"^```{language}\n(.*?)^```", page, re.M | re.S)


def printed(block):
    """What a block of Python prints, line by line."""
    with redirect_stdout(io.StringIO()) as out:
        exec(block, {})
    return out.getvalue().splitlines()


def test_new_sentences_are_answered_and_new_names_better_than_by_heart(whole_run):
    f1 = found_in(whole_run).f1
    assert f1["test"] >= 0.95
    assert f1["unseen_names"] >= 0.6
    assert f1["before"] == 0


def test_the_python_example_of_the_readme_prints_what_stands_in_its_text():
    (block,) = [block for block in code(README, "python") if "runs/quickstart" in block]
    text = re.search(r'extract\("(.+?)"', block)[1]
    lines = [line.rsplit(maxsplit=3) for line in printed(block)]
    assert {tuple(words.split(maxsplit=1)) for words, *_ in lines} == {
        ("organization", "Goldleaf Studios"),
        ("city", "Lisbon"),
        ("festival", "Kite Parade"),
    }
    assert all(text[int(start) : int(end)] == words.split(maxsplit=1)[1] for words, start, end, _ in lines)


def test_the_server_answers_the_request_of_the_readme():
    served = re.search(r"^iepile (serve .*?runs/quickstart)", README, re.M)[1].split()
    body = re.search(r"curl \S+ --json '(.*?)'", README)[1]
    command = [sys.executable, "-m", "iepile.cli", *served, "--port", "0"]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as process:
        try:
            address = re.match(r"(http://127\.0\.0\.1:\d+)/", process.stdout.readline())[1]
            kind = {"Content-Type": "application/json"}  # as `curl --json` says
            answer = httpx.post(f"{address}/extract", content=body, headers=kind, timeout=60).json()
        finally:
            process.terminate()
    assert "extractions" in answer, answer
    assert {(one["label"], one["text"]) for one in answer["extractions"]} == {("person", "Ann Bell"), ("city", "Oslo")}


def test_the_examples_of_the_model_card_are_answered_as_the_text_says(whole_run, tmp_path):
    card = (whole_run / "README.md").read_text("utf-8").replace("path/to/quickstart", str(whole_run))
    row = next(row for row in rows(whole_run / "predictions.jsonl") if row["instruction"] in card)
    gold = {(entity["entity_type"], entity["entity"]) for entity in json.loads(row["label"])}
    ours, plain = code(card, "python")
    assert {(one["label"], one["text"]) for one in map(eval, printed(ours))} == gold
    answer = printed(f"instruction = {row['instruction']!r}\n{plain}")
    assert {(label, text) for label, texts in json.loads(answer[0]).items() for text in texts} == gold
    (shell,) = code(card, "bash")
    program = shell.replace("iepile predict", f"{sys.executable} -m iepile.cli predict")
    subprocess.run(["bash", "-c", program], cwd=tmp_path, check=True, capture_output=True, env=os.environ)
    (line,) = rows(tmp_path / "answers.jsonl")
    assert {(one["label"], one["text"]) for one in line["extractions"]} == gold


def test_the_examples_of_the_app_are_answered():
    extract = Extractor.from_pretrained("runs/quickstart")
    examples = yaml.safe_load((Path(iepile.app.__file__).parent / "examples.yaml").read_text("utf-8"))
    answers = {}
    for example in examples:
        schema = re.split("[,，] *", example["labels"])
        found = extract(example["text"], schema=schema, task=example["task"])
        answers[example["name"]] = {
            (one.label, one.text) if example["task"] == "ner" else (one.head.text, one.label, one.tail.text)
            for one in found
        }
    assert answers == {
        "People, places": {("person", "Clara Novak"), ("organization", "Bluestone Motors"), ("city", "Lisbon")},
        "Who works where": {
            ("Paul Garcia", "works for", "Summit Motors"),
            ("Summit Motors", "makes", "Lumo Bike"),
        },
        "人物与城市": {("人物", "李文静"), ("城市", "武汉"), ("城市", "杭州"), ("机构", "金桥银行")},
        "谁在哪里任职": {("李文静", "任职于", "东海集团"), ("东海集团", "生产", "光速手机")},
    }


def rows(path):
    """The lines of a file of JSON lines."""
    return [json.loads(line) for line in path.read_text("utf-8").splitlines()]
