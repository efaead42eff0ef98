"""A template of the user's takes the place of the instruction, of examples too, and stands in the record."""

import json
import os

import pytest

from iepile_trainer import Extractor, TrainerError
from iepile_trainer.engines import EngineOptions
from iepile_trainer.engines.template import read_template
from iepile_trainer.engines.transformers_engine import TransformersEngine
from iepile_trainer.formats import use_format
from iepile_trainer.prediction.arguments import PredictArguments
from iepile_trainer.prediction.run import run_prediction

WORDS = 'List {schema} of:\n{input}\nas {"label": []}.'


@pytest.fixture
def template(tmp_path):
    file = tmp_path / "template.txt"
    file.write_text(WORDS)
    return file


def row(text, **more):
    return {
        "task": "NER",
        "instruction": json.dumps({"instruction": "Find.", "schema": ["城市"], "input": text}),
        **more,
    }


def test_prompts_and_examples_are_worded_by_it(template, small_model, tokenizer, tmp_path):
    use_format(tokenizer)
    example = row("Ada lives in Ulm.", output='{"城市": ["Ulm"]}')
    (tmp_path / "examples.jsonl").write_text(json.dumps(example) + "\n")
    shown = str(tmp_path / "examples.jsonl")
    options = EngineOptions(template=str(template), examples=shown, constrain="json", max_new_tokens=8)
    engine = TransformersEngine(small_model(tokenizer), tokenizer, options)
    prompt = engine.prompt(row("In {schema}."))
    text = tokenizer.decode(prompt.ids)
    assert prompt.instruction == 'List ["城市"] of:\nIn {schema}.\nas {"label": []}.'
    assert (
        text.index('List ["城市"] of:\nAda lives in Ulm.')
        < text.index('{"城市": ["Ulm"]}')
        < text.index("In {schema}.")
    )
    assert "Find." not in text
    assert prompt.grammar
    assert engine.count(row("In Ulm.")["instruction"]) < len(prompt.ids)
    assert "the template wants instruction, schema and input" in engine.prompt({"instruction": "{}"}).error


def test_answers_of_another_template_are_not_gone_on_with(template, base, tmp_path):
    (tmp_path / "rows.jsonl").write_text(json.dumps({"id": "1", "label": "[]", **row("In Ulm.")}) + "\n")
    args = PredictArguments(
        model=str(base / "llama"), template=str(template), input=str(tmp_path / "rows.jsonl"),
        output=str(tmp_path / "out.jsonl"), max_new_tokens=2,
    )  # fmt: skip
    run_prediction(args)
    assert json.loads((tmp_path / "out.jsonl.run.json").read_text())["template"] == WORDS
    template.write_text(WORDS + "!")
    with pytest.raises(TrainerError, match="template"):
        run_prediction(args)


@pytest.mark.parametrize(("words", "reason"), [("{schema}", "no {input} in it"), (b"\xff", "UTF-8"), (None, "No such")])
def test_a_template_that_cannot_ask_is_refused_when_it_is_read(words, reason, small_model, tokenizer, tmp_path):
    file = tmp_path / "template.txt"
    if words:
        file.write_bytes(words if isinstance(words, bytes) else words.encode())
    with pytest.raises(TrainerError, match=reason):
        TransformersEngine(small_model(tokenizer), tokenizer, EngineOptions(template=str(file)))


def test_a_pipe_is_no_template_and_named_once(tmp_path):
    os.mkfifo(tmp_path / "pipe")
    with pytest.raises(TrainerError, match=r"^\S+/pipe: is a pipe, .* file\)$"):
        read_template(str(tmp_path / "pipe"))


def test_texts_are_cut_to_the_room_and_asked_by_it(template, base):
    extract = Extractor.from_pretrained(str(base / "llama"), template=str(template), max_new_tokens=2)
    assert extract("Ada lives in Ulm.", ["city"]).raw
    assert len(extract("Ada lives in Ulm. " * 500, ["city"]).raw) > 1
