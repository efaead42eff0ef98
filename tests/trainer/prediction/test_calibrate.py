"""The decision to say nothing: read off gold answers, moved by a bias, fitted for F1, kept in the run."""

import json
from collections import Counter

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from typer.testing import CliRunner

from iepile.cli import app
from iepile_trainer import TrainerError
from iepile_trainer.engines import EngineOptions
from iepile_trainer.engines.open_bias import OpenBias, best_bias, bias_of, logit_bias
from iepile_trainer.engines.transformers_engine import TransformersEngine, predict
from iepile_trainer.formats import use_format
from iepile_trainer.prediction.calibrate import margins
from iepile_trainer.run_folder import read_run, write_run


class Spelt:
    """A vocabulary as `OpenBias` asks for it."""

    def __init__(self, *tokens):
        self.tokens = tokens

    def __len__(self):
        return len(self.tokens)

    def convert_ids_to_tokens(self, ids):
        return [self.tokens[id] for id in ids]


def test_nothing_is_a_whole_empty_list_or_a_bracket_that_closes_one_just_opened():
    bias = OpenBias(Spelt("a", "\u0120[],", '\u0120["', "[", "]"), 2.0)
    scores = bias(torch.zeros(2, 5), torch.tensor([0, 3]))
    assert scores.tolist() == [[0, -2, 0, 0, 0], [0, -2, 0, 0, -2]]


@given(
    st.lists(st.tuples(st.integers(-8, 8), st.booleans()), min_size=1, max_size=12), st.sampled_from([0.5, 1.0, 2.0])
)
def test_no_other_line_between_the_margins_is_better(lists, favour):
    found, opened = [float(margin) for margin, _ in lists], [is_open for _, is_open in lists]

    def score(bias):
        counts = Counter((margin + bias > 0, is_open) for margin, is_open in zip(found, opened))
        right, asked = counts[True, True], counts[True, True] + counts[True, False]
        return (1 + favour**2) * right / max(asked + favour**2 * sum(opened), 1)

    best = score(best_bias(found, opened, favour))
    inside = [half / 2 for half in range(-17, 18) if -max(found) < half / 2 < -min(found)]
    assert all(best >= score(bias) - 1e-12 for bias in [0.0, *inside])


def test_margins_are_those_of_the_gold_answer_token_by_token(tokenizer, small_model, row_list):
    use_format(tokenizer)
    model = small_model(tokenizer).eval()
    rows = row_list(3)
    rows[1]["output"] = json.dumps({"person": [], "place": ["Oslo"]})
    found, opened = margins(model, tokenizer, rows, batch_size=2)
    assert len(found) == 6
    assert Counter(opened) == {True: 5, False: 1}
    assert sorted(found) == pytest.approx(sorted(margins(model, tokenizer, rows, batch_size=1)[0]), abs=1e-4)


@pytest.mark.parametrize("family", ["llama", "t5"])
def test_a_great_bias_fills_every_list_and_its_opposite_none(family, tokenizer, small_model, row_list):
    model = small_model(tokenizer, family)
    filled = list(predict(model, tokenizer, row_list(4), 2, 60, "extractive", open_bias=90.0))
    empty = list(predict(model, tokenizer, row_list(4), 2, 60, "extractive", open_bias=-90.0))
    assert all(json.loads(row["output"])["person"] for row in filled)
    assert [json.loads(row["output"]) for row in empty] == [{"person": [], "place": []}] * 4


def test_probabilities_are_those_before_the_bias(tokenizer, small_model, row_list):
    model = small_model(tokenizer).eval()
    options = {"constrain": "json", "confidence": True, "max_new_tokens": 12}
    biased = TransformersEngine(model, tokenizer, EngineOptions(**options, open_bias=-90.0))
    (answer,) = biased.answer(row_list(1))
    assert min(token.logprob for token in answer.tokens) > -30


def test_the_run_says_the_bias_unless_the_options_do(tmp_path, tokenizer):
    write_run(tmp_path, {"method": "lora", "open_bias": 1.25})
    assert bias_of(EngineOptions(str(tmp_path))) == 1.25
    assert bias_of(EngineOptions("base", adapter=str(tmp_path))) == 1.25
    assert bias_of(EngineOptions(str(tmp_path), open_bias=0.0)) == 0.0


def test_an_engine_with_constants_alone_gets_them_or_says_that_it_cannot():
    options = EngineOptions("m", open_bias=2.0)
    assert logit_bias(Spelt("a", "\u0120[]", "[],"), options) == {1: -2.0, 2: -2.0}
    with pytest.raises(TrainerError, match="take --engine transformers"):
        logit_bias(Spelt("[", "]"), options)
    with pytest.raises(TrainerError, match="give --tokenizer"):
        logit_bias(None, options)
    assert logit_bias(None, EngineOptions("m")) is None


@pytest.fixture
def source(tmp_path):
    folder = tmp_path / "homes"
    folder.mkdir()
    (folder / "schema.json").write_text('["person", "place"]\n[]\n{}\n')
    for split in ("train", "dev"):
        entities = [{"entity": "Ada", "entity_type": "person"}]
        (folder / f"{split}.json").write_text(json.dumps({"text": "Ada lives here.", "entity": entities}) + "\n")
    return folder


def test_the_command_keeps_it_in_record_and_card_and_a_second_time_says_what_it_was(base, source, tmp_path):
    import shutil

    run = tmp_path / "run"
    shutil.copytree(base / "llama", run)
    write_run(run, {"method": "full"})
    first = CliRunner().invoke(app, ["calibrate", str(run), str(source), "--favour", "recall"])
    assert first.exit_code == 0, first.output
    assert "from 2 lists, 1 of them" in " ".join(first.output.split())
    assert isinstance(read_run(run)["open_bias"], float)
    assert "iepile calibrate" in (run / "README.md").read_text()
    again = CliRunner().invoke(app, ["calibrate", str(run), str(source)])
    assert "(before " in again.output
    refused = CliRunner().invoke(app, ["calibrate", str(tmp_path / "none"), str(source)])
    assert refused.exit_code == 1
    assert "no run.json" in " ".join(refused.output.split())
