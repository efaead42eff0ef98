"""The whole path on pretrained weights: 49,152 tokens, a chat template and an end token that somebody else chose."""

import asyncio
import json

import httpx
import pytest
import torch

from iepile_trainer import Extractor
from iepile_trainer.constrain import Grammars, Vocabulary, fits, lark, shape_of, spelling_of
from iepile_trainer.engines import EngineOptions
from iepile_trainer.engines.transformers_engine import TransformersEngine
from iepile_trainer.extraction.arguments import ExtractionOptions
from iepile_trainer.formats import stop_token_ids
from iepile_trainer.models.load import load, load_tokenizer
from iepile_trainer.models.merge import merge
from iepile_trainer.run_folder import read_run
from iepile_trainer.tokenization.encode import IGNORED, encode, prompt_ids

pytestmark = [pytest.mark.real, pytest.mark.timeout(1800)]
END = 2  # <|im_end|>


@pytest.fixture(scope="module")
def trained(run):
    return load(str(run))


def engine(loaded, kind=TransformersEngine, **options):
    return kind(*loaded, EngineOptions(**options))


def test_prompts_are_the_same_token_for_token_in_training_and_prediction(smollm2, rows, run):
    from datasets import Dataset

    _, tokenizer = smollm2
    encoded, _ = encode(Dataset.from_list(rows), tokenizer, 1024)
    asked = [engine(smollm2).prompt(row).ids for row in rows]
    for row, prompt, learnt in zip(rows, asked, encoded):
        size = len(prompt)
        assert learnt["input_ids"][:size] == prompt
        assert learnt["labels"] == [IGNORED] * size + learnt["input_ids"][size:]
        turn = [{"role": "user", "content": row["instruction"]}]
        text = tokenizer.apply_chat_template(turn, tokenize=False, add_generation_prompt=True)
        assert tokenizer.decode(prompt) == text
        assert prompt.count(END) == 2, "of the two turns; in a text it is ordinary text"
    assert prompt_ids(load_tokenizer(str(run)), [row["instruction"] for row in rows]) == asked, "saved with the run"


def test_answers_are_learnt_with_the_end_token_of_the_template_and_stop_at_it(smollm2, rows):
    from datasets import Dataset

    _, tokenizer = smollm2
    encoded, _ = encode(Dataset.from_list(rows), tokenizer, 1024)
    for row, learnt in zip(rows, encoded):
        answer = [id for id in learnt["labels"] if id != IGNORED]
        assert answer.count(END) == 1
        assert answer[-1] == END
        assert tokenizer.decode(answer[:-1]) == row["output"]
    assert stop_token_ids(tokenizer) == [END]


def test_an_adapter_lowers_the_loss_and_answers_what_it_learnt_to_its_end(run, trained, rows):
    losses = [entry["loss"] for entry in read_run(run)["history"]]
    assert losses[-1] < losses[0] / 5
    answers = list(engine(trained, max_new_tokens=40).answer(rows[:2]))
    assert [(answer.text, answer.cut) for answer in answers] == [(row["output"], False) for row in rows[:2]]


def test_the_merged_model_has_the_logits_of_base_and_adapter(run, trained, smollm2, tmp_path):
    merge(run, tmp_path / "merged")
    merged, tokenizer = load(str(tmp_path / "merged"))
    ids = torch.tensor([tokenizer("Ada Bell lives in Rome.")["input_ids"]])
    with torch.no_grad():
        one, apart, base = (model(input_ids=ids).logits for model in (merged, trained[0], smollm2[0]))
    torch.testing.assert_close(one, apart, atol=2e-3, rtol=1e-3)
    assert (one - base).abs().max() > 0.5, "the adapter is in it"


@pytest.mark.parametrize("constrain", ["json", "extractive"])
def test_a_grammar_over_all_tokens_takes_every_gold_answer(constrain, smollm2, rows):
    _, tokenizer = smollm2
    vocabulary = Vocabulary(tokenizer, [END])
    assert vocabulary.tokens.vocab_size == len(tokenizer) == 49_152
    for row in rows:
        shape, text = shape_of(row)
        grammar = lark(shape, text if constrain == "extractive" else None, spelling_of(tokenizer))
        grammars = Grammars(vocabulary, [grammar])
        for id in [*tokenizer(row["output"], add_special_tokens=False)["input_ids"], END]:
            assert grammars.allowed([0])[0, id], (row["output"], tokenizer.convert_ids_to_tokens(id))
            grammars.take(0, id)


@pytest.mark.parametrize("constrain", ["none", "json", "extractive"])
def test_constrained_answers_have_the_shape_and_quote_the_text(constrain, smollm2, rows):
    asked = [rows[0], rows[2]]
    answers = list(engine(smollm2, constrain=constrain, max_new_tokens=24).answer(asked))
    assert [answer.error for answer in answers] == [None, None]
    parsed = [fits(answer.text, shape_of(row)[0]) for row, answer in zip(asked, answers)]
    assert parsed == [constrain != "none"] * 2, [answer.text for answer in answers]
    if constrain == "extractive":
        for row, answer in zip(asked, answers):
            text = json.loads(row["instruction"])["input"]
            assert all(mention in text for mentions in json.loads(answer.text).values() for mention in mentions)


def test_confidences_are_the_probabilities_of_one_forward_pass(trained, rows):
    model, tokenizer = trained
    (answer,) = engine(trained, max_new_tokens=40, confidence=True).answer(rows[:1])
    prompt = engine(trained).prompt(rows[0]).ids
    ids = tokenizer(answer.text, add_special_tokens=False)["input_ids"]
    with torch.no_grad():
        logits = model(input_ids=torch.tensor([prompt + ids])).logits[0, len(prompt) - 1 : -1]
    expected = torch.log_softmax(logits, -1).gather(1, torch.tensor(ids)[:, None])[:, 0].tolist()
    assert "".join(answer.text[token.start : token.end] for token in answer.tokens) == answer.text
    assert [token.logprob for token in answer.tokens] == pytest.approx(expected, abs=1e-3)


class Noting(TransformersEngine):
    """Notes how long prompts are."""

    def answer_prompts(self, prompts):
        self.lengths = [*getattr(self, "lengths", []), *(len(prompt.ids) for prompt in prompts)]
        return super().answer_prompts(prompts)


def test_a_long_text_is_cut_into_windows_whose_places_are_those_of_the_text(trained):
    text = " ".join(f"On day {number} the weather of the coast was fair." for number in range(14))
    text += " Ada Bell lives in Rome."
    options = ExtractionOptions(max_prompt_tokens=190, constrain="extractive", max_new_tokens=24)
    answering = engine(trained, Noting, constrain="extractive", max_new_tokens=24)
    result = Extractor(answering, options)(text, ["person", "city"])
    assert len(answering.lengths) > 1
    assert max(answering.lengths) <= 190 + answering.count(""), "the limit is that of the instruction"
    assert ("Rome", text.index("Rome")) in [(mention.text, mention.start) for mention in result]
    assert all(text[mention.start : mention.end] == mention.text for mention in result)


def test_the_server_answers_with_places_and_confidences(trained):
    from iepile_trainer.serve.application import application
    from iepile_trainer.serve.arguments import ServeArguments
    from iepile_trainer.serve.batcher import Batcher

    args = ServeArguments(model="run", constrain="extractive", max_new_tokens=40, timeout=1200, confidence=True)
    batcher = Batcher(Extractor(engine(trained, constrain="extractive", max_new_tokens=40, confidence=True), args))

    async def ask():
        transport = httpx.ASGITransport(app=application(batcher, args))
        async with httpx.AsyncClient(transport=transport, base_url="http://server", timeout=1200) as client:
            body = {"text": "Ada Bell lives in Rome.", "schema": ["person", "city"]}
            return (await client.post("/extract", json=body)).json()

    answer = asyncio.run(ask())
    batcher.close()
    assert answer["error"] is None
    brief = [(one["label"], one["text"], one["start"], one["end"]) for one in answer["extractions"]]
    assert brief == [("person", "Ada Bell", 0, 8), ("city", "Rome", 18, 22)]
    assert all(0 < one["confidence"] <= 1 for one in answer["extractions"])


@pytest.mark.slow
def test_a_text_up_to_the_last_position_is_read_and_a_longer_one_refused(smollm2):
    answering = engine(smollm2, max_new_tokens=2)
    assert answering.room == 8_192 - 2

    def row(sentences):
        text = "Ada Bell lives in Rome. " * sentences
        return {"task": "NER", "instruction": json.dumps({"instruction": "?", "schema": ["city"], "input": text})}

    empty, one = answering.count(row(0)["instruction"]), answering.count(row(1)["instruction"])
    most = (answering.room - empty) // (one - empty)
    while answering.count(row(most + 1)["instruction"]) <= answering.room:
        most += 1
    assert answering.room - answering.count(row(most)["instruction"]) < 10
    read, refused = answering.answer([row(most), row(most + 2)])
    assert read.error is None
    assert read.text
    assert "more than the 8,190 that the model can read" in refused.error
