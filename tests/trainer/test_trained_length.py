"""How long the windows of a text are: as long as what the model was trained on, where nobody says otherwise."""

import json

import pytest

from iepile_dataset import Schema
from iepile_dataset.tasks import TASKS
from iepile_trainer.extraction.arguments import ExtractionOptions
from iepile_trainer.extraction.questions import QuestionBuilder
from iepile_trainer.run_folder import trained_length

LENGTHS = {"max_length": 512, "percentiles": {"100%": 103}, "answer_tokens": 2600, "kept": 100}
TEXT = "".join(f"Ada lives in Ulm {number}. " for number in range(40))


def run_folder(folder, **record):
    folder.mkdir()
    (folder / "run.json").write_text(json.dumps(record))
    return str(folder)


@pytest.mark.parametrize(
    ("record", "reach"),
    [
        ({"base_model": "some/model", "lengths": LENGTHS}, 486),  # 512 - 2,600 / 100
        ({"base_model": None, "lengths": LENGTHS}, 77),  # 103 - 26: it has seen no longer row
        ({"base_model": None, "lengths": None}, None),
        ({}, None),
    ],
)
def test_a_runs_record_says_how_long_its_prompts_were(tmp_path, record, reach):
    assert trained_length(run_folder(tmp_path / "run", **record)) == reach


def test_an_adapters_record_goes_before_that_of_its_base(tmp_path):
    base = run_folder(tmp_path / "base", base_model=None, lengths=LENGTHS)
    adapter = run_folder(tmp_path / "adapter", base_model="base", lengths=LENGTHS)
    assert trained_length(base, adapter) == 486
    assert trained_length("some/model") is None
    assert trained_length(None, base) == 77


def windows(labels=("person", "city"), max_prompt_tokens=None, **limits):
    options = ExtractionOptions(max_prompt_tokens=max_prompt_tokens)
    asker = QuestionBuilder(TASKS["ner"], Schema(types=labels), "en", options, count=len, **limits)
    questions = asker.questions(TEXT)
    texts = dict.fromkeys((question.start, question.end) for question in questions)
    assert "".join(TEXT[start:end] for start, end in texts) == TEXT
    return len(texts), max(len(question.instruction) for question in questions)


def test_a_text_is_cut_where_the_training_ended_though_the_model_reads_on():
    assert windows(room=100_000)[0] == 1
    number, longest = windows(room=100_000, trained_length=600)
    assert number > 1
    assert longest <= 600
    assert windows(trained_length=600) == (number, longest)


def test_who_names_a_limit_is_obeyed():
    assert windows(max_prompt_tokens=2_000, trained_length=600) == windows(max_prompt_tokens=2_000)


def test_a_reach_that_leaves_no_room_for_a_text_is_passed_over():
    assert windows(trained_length=100)[0] == 1
    assert windows(room=700, trained_length=100) == windows(room=700)
