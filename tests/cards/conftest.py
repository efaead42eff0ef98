"""A run with scores and answers, and a prepared folder with its page."""

import json
import shutil

import pytest

from iepile.cards import write_dataset_page
from iepile_cards import write_model_card
from iepile_dataset.export.prepare import prepare
from iepile_dataset.options import Options
from iepile_trainer.evaluate_run import add_scores
from iepile_trainer.run_folder import write_run

RECORD = {
    "base_model": None,
    "method": "full",
    "prompt_format": "plain",
    "data": [
        {"dataset": "someone/news", "config": "ner", "source": ["city_news"], "language": ["en"], "split": "train",
         "rows": 1200, "tokens": 34567, "licences": ["MIT", "CC BY-SA 4.0"]}
    ],
    "lengths": {"max_length": 512, "rows": 1200, "kept": 1190, "shortened": 20, "dropped": 10, "gold_lost_share": 0.0125},
    "options": {"learning_rate": 0.0003, "max_steps": 40, "packing": False},
    "seed": 7,
    "seconds": 61.5,
    "tokens_per_second": 812.4,
    "hardware": {"device": "CPU", "count": 1, "processes": 2},
}  # fmt: skip


def answers():
    label = json.dumps([{"entity": name, "entity_type": kind} for name, kind in (("Ann", "person"), ("Oslo", "city"))])
    for at, (source, output) in enumerate(
        [("city_news", '{"person": ["Ann"], "city": ["Oslo"]}'), ("harbour", '{"person": ["Ann"], "city": ["Rome"]}')]
    ):
        yield {"id": f"en/NER/{source}/test:{at}", "task": "NER", "source": source, "language": "en", "label": label,
               "instruction": '{"instruction": "Find.", "schema": ["person", "city"], "input": "Ann, Oslo"}',
               "output": output}  # fmt: skip


@pytest.fixture(scope="session")
def _run(tmp_path_factory):
    folder = tmp_path_factory.mktemp("cards") / "first"
    write_run(folder, RECORD)
    file = folder / "predictions.jsonl"
    file.write_text("".join(json.dumps(row) + "\n" for row in answers()))
    add_scores(folder, [file])
    write_model_card(folder)
    return folder


@pytest.fixture(scope="session")
def _prepared(tmp_path_factory):
    folder = tmp_path_factory.mktemp("cards") / "rows"
    prepare(folder, tasks=["ner", "eet"], options=Options(language="en"))
    write_dataset_page(folder)
    return folder


@pytest.fixture
def run(_run, tmp_path):
    """A finished run with scores, answers and card."""
    return shutil.copytree(_run, tmp_path / _run.name)


@pytest.fixture
def prepared(_prepared, tmp_path):
    """A prepared folder with statistics and card."""
    return shutil.copytree(_prepared, tmp_path / _prepared.name)
