"""Answers come in input order, equal to those of one row at a time, and one bad row stops nothing."""

import json

import pytest
import torch

from iepile_trainer import TrainerError
from iepile_trainer.engines import EngineOptions
from iepile_trainer.engines.transformers_engine import TransformersEngine, predict
from iepile_trainer.formats import stop_token_ids, use_format
from iepile_trainer.tokenization.encode import prompt_ids


def encoder_decoder(tokenizer):
    from transformers import T5Config, T5ForConditionalGeneration, set_seed

    set_seed(0)
    config = T5Config(
        vocab_size=len(tokenizer),
        d_model=64,
        d_kv=32,
        d_ff=128,
        num_layers=2,
        num_heads=2,
        decoder_start_token_id=tokenizer.pad_token_id,
        pad_token_id=tokenizer.pad_token_id,
        eos_token_id=tokenizer.eos_token_id,
        initializer_factor=4.0,
    )
    return T5ForConditionalGeneration(config)


def causal(tokenizer, family, **more):
    """A random model of another family than those of the fixture."""
    from transformers import AutoConfig, AutoModelForCausalLM, set_seed

    set_seed(0)
    special = {name: getattr(tokenizer, name) for name in ("bos_token_id", "eos_token_id", "pad_token_id")}
    sizes = {"hidden_size": 64, "num_hidden_layers": 2, "num_attention_heads": 2, "initializer_range": 0.2}
    config = AutoConfig.for_model(family, vocab_size=len(tokenizer), **special, **{**sizes, **more})
    return AutoModelForCausalLM.from_config(config)


MODELS = {
    "falcon": lambda tokenizer: causal(tokenizer, "falcon"),
    "bloom": lambda tokenizer: causal(tokenizer, "bloom"),
    "sliding mistral": lambda tokenizer: causal(
        tokenizer, "mistral", sliding_window=16, intermediate_size=128, num_key_value_heads=2, head_dim=32
    ),
    "lfm2 (convolutions)": lambda tokenizer: causal(
        tokenizer, "lfm2", layer_types=["conv", "full_attention"], intermediate_size=128, num_key_value_heads=2
    ),
    "t5": encoder_decoder,
}


def alone(model, tokenizer, instruction, most):
    """What `model.generate` itself says to one prompt."""
    ids = torch.tensor(prompt_ids(tokenizer, [instruction]))
    ends = stop_token_ids(tokenizer)
    options = {"max_new_tokens": most, "do_sample": False, "eos_token_id": ends, "pad_token_id": tokenizer.pad_token_id}
    out = model.generate(input_ids=ids, attention_mask=torch.ones_like(ids), **options)[0]
    new = out[1:] if model.config.is_encoder_decoder else out[ids.shape[1] :]
    return tokenizer.decode([id for id in new.tolist() if id not in ends], skip_special_tokens=True)


@pytest.fixture
def uneven(row_list):
    """Rows whose prompts differ in length."""
    return [{**row, "instruction": row["instruction"] + " ." * (i * 7 % 20)} for i, row in enumerate(row_list(21))]


@pytest.mark.parametrize("family", ["llama", "qwen3", *MODELS])
def test_batches_answer_as_single_rows_do_and_keep_the_order(family, tokenizer, small_model, uneven):
    model = MODELS[family](tokenizer) if family in MODELS else small_model(tokenizer, family)
    use_format(tokenizer)
    model.eval()
    # So that answers end at different steps: some tokens that a random model likes end them as well.
    first = [alone(model, tokenizer, row["instruction"], 8) for row in uneven[:4]]
    liked = tokenizer("".join(first), add_special_tokens=False)["input_ids"]
    for stop in (None, max(set(liked), key=liked.count)):
        if stop is not None:
            tokenizer.eos_token = tokenizer.convert_ids_to_tokens(stop)
        wanted = [alone(model, tokenizer, row["instruction"], 8) for row in uneven]
        answered = list(predict(model, tokenizer, uneven, batch_size=4, max_new_tokens=8))
        assert answered == [{**row, "output": text} for row, text in zip(uneven, wanted)]
    assert len(set(wanted)) > 1
    assert len({len(tokenizer(text)["input_ids"]) for text in wanted}) > 1


@pytest.mark.parametrize("family", ["llama", "falcon", "bloom", "sliding mistral", "t5"])
def test_a_long_beginning_that_all_prompts_share_is_read_once_and_changes_no_answer(
    family, tokenizer, small_model, uneven
):
    model = (MODELS[family](tokenizer) if family in MODELS else small_model(tokenizer, family)).eval()
    rows = [{**row, "instruction": "Say who lives where. " * 8 + row["instruction"]} for row in uneven]
    read = []
    model.register_forward_pre_hook(lambda module, args, given: read.append(given.get("input_ids")), with_kwargs=True)
    engine = TransformersEngine(model, tokenizer, EngineOptions(batch_size=7, max_new_tokens=5))
    answers = [answer.text for answer in engine.answer(rows)]
    once = [ids.shape for ids in read if ids is not None and ids.shape[0] == 1 and ids.shape[1] > 32]
    assert len(once) == (3 if family in ("llama", "falcon") else 0) or family == "sliding mistral"  # 21 rows in sevens
    assert answers == [alone(model, tokenizer, row["instruction"], 5) for row in rows]


def test_an_adapter_on_top_answers_with_the_adapter(tokenizer, small_model, uneven):
    from peft import LoraConfig, get_peft_model

    base = small_model(tokenizer)
    plain = [row["output"] for row in predict(base, tokenizer, uneven, 8, 6)]
    tuned = get_peft_model(base, LoraConfig(target_modules="all-linear", init_lora_weights=False))
    adapted = [row["output"] for row in predict(tuned, tokenizer, uneven, 8, 6)]
    assert adapted != plain
    assert adapted == [alone(tuned, tokenizer, row["instruction"], 6) for row in uneven]


def test_a_model_in_training_is_in_training_afterwards_though_its_answers_are_not(tokenizer, small_model, row_list):
    model = small_model(tokenizer).train()
    model.gradient_checkpointing_enable()
    answers = predict(model, tokenizer, row_list(3), max_new_tokens=4)
    next(answers)
    assert not model.training
    answers.close()
    assert model.training


def test_a_row_that_cannot_be_answered_carries_its_reason(tokenizer, small_model, row_list):
    rows = row_list(4)
    rows[1]["instruction"] = ""
    rows[2]["instruction"] = "very long " * 300
    answered = list(predict(small_model(tokenizer), tokenizer, rows, max_new_tokens=6))
    assert ["error" in row for row in answered] == [False, True, True, False]
    assert answered[1]["error"] == "the row has no instruction"
    # 256 positions, 6 of them for the answer
    assert "more than the 250 that the model can read beside 6 new ones" in answered[2]["error"]
    assert answered[2]["output"] == ""


def test_a_batch_that_fails_is_halved_until_the_bad_row_stands_alone(tokenizer, small_model, row_list):
    model, rows = small_model(tokenizer), row_list(9)
    use_format(tokenizer)
    bad = prompt_ids(tokenizer, [rows[5]["instruction"]])[0]

    def fail_on_the_bad_one(module, args, kwargs):
        if any(ids[-len(bad) :] == bad for ids in kwargs["input_ids"].tolist()):
            raise RuntimeError("this row is cursed")

    model.register_forward_pre_hook(fail_on_the_bad_one, with_kwargs=True)
    engine = TransformersEngine(model, tokenizer, EngineOptions(batch_size=9, max_new_tokens=4))
    answers = list(engine.answer(rows))
    assert [at for at, answer in enumerate(answers) if answer.error] == [5]
    assert answers[5].error == "RuntimeError: this row is cursed"
    assert engine.batch_size == 9  # it was not the memory


def test_memory_that_runs_out_halves_the_batches_for_good(tokenizer, small_model, uneven):
    model, sizes = small_model(tokenizer), []
    wanted = [
        answer.text
        for answer in TransformersEngine(model, tokenizer, EngineOptions(batch_size=1, max_new_tokens=4)).answer(uneven)
    ]

    def no_more_than_five(module, args, kwargs):
        sizes.append(len(kwargs["input_ids"]))
        if sizes[-1] > 5:
            raise torch.OutOfMemoryError("CUDA out of memory. Tried to allocate more")

    model.register_forward_pre_hook(no_more_than_five, with_kwargs=True)
    engine = TransformersEngine(model, tokenizer, EngineOptions(batch_size="auto", max_new_tokens=4))
    assert [answer.text for answer in engine.answer(uneven)] == wanted
    # 21 rows at once fail, so do 10, 5 do not; what is left goes in fives at once
    assert engine.batch_size == 5
    assert [size for size in sizes if size > 5] == [21, 10]


def test_a_real_allocation_that_fails_is_taken_for_what_it_is():
    from iepile_trainer.engines.transformers_engine import _is_out_of_memory

    with pytest.raises(RuntimeError) as failed:
        torch.empty(1 << 60, dtype=torch.uint8)
    assert _is_out_of_memory(failed.value)
    assert not _is_out_of_memory(RuntimeError("shapes do not match"))


def test_tokens_cover_the_answer_and_their_probabilities_are_those_of_the_model(tokenizer, small_model, row_list):
    model, rows = small_model(tokenizer).eval(), row_list(5)
    (first, *_) = answers = list(
        TransformersEngine(model, tokenizer, EngineOptions(max_new_tokens=6, confidence=True)).answer(rows)
    )
    for answer in answers:
        assert "".join(answer.text[token.start : token.end] for token in answer.tokens) == answer.text
        assert all(token.logprob <= 0 for token in answer.tokens)
        assert answer.cut
    # Once more, all at one go: prompt and answer through the model, the answer's tokens looked up.
    prompt = prompt_ids(tokenizer, [rows[0]["instruction"]])[0]
    new = model.generate(input_ids=torch.tensor([prompt]), max_new_tokens=6, do_sample=False)[0].tolist()[len(prompt) :]
    with torch.no_grad():
        logits = model(input_ids=torch.tensor([prompt + new])).logits[0, len(prompt) - 1 : -1]
    wanted = logits.log_softmax(-1)[range(6), new].tolist()
    assert [token.logprob for token in first.tokens] == pytest.approx(wanted, abs=1e-4)
    assert not next(TransformersEngine(model, tokenizer, EngineOptions(max_new_tokens=6)).answer(rows)).tokens


def test_a_character_of_several_tokens_stands_with_its_last_one(tokenizer, small_model):
    from iepile_trainer.engines.decode import Written

    engine = TransformersEngine(small_model(tokenizer), tokenizer, EngineOptions(confidence=True))
    ids = tokenizer("a😀b", add_special_tokens=False)["input_ids"]
    written = Written(ids, [-float(n) for n in range(len(ids))])
    text = engine._text(ids)
    tokens = engine._tokens(written, text)
    pieces = [text[token.start : token.end] for token in tokens]
    assert "".join(pieces) == text
    assert pieces[-2:] == ["😀", "b"]
    assert pieces[-5:-2] == ["", "", ""]  # four bytes, four tokens


@pytest.mark.parametrize("wrong", ["0", "-4", "many", 0])
def test_a_batch_size_that_is_none_is_refused(wrong, tokenizer, small_model):
    with pytest.raises(TrainerError, match="is no number of prompts"):
        TransformersEngine(small_model(tokenizer), tokenizer, EngineOptions(batch_size=wrong))


def test_an_answer_starts_when_its_rows_are_there_and_stops_when_nobody_reads_on(tokenizer, small_model, row_list):
    asked = []

    def rows():
        for row in row_list(100):
            asked.append(row["id"])
            yield row

    answers = TransformersEngine(
        small_model(tokenizer), tokenizer, EngineOptions(batch_size=2, max_new_tokens=2)
    ).answer(rows())
    assert json.dumps(next(answers).text)
    answers.close()
    assert len(asked) == 16  # eight batches are sorted together
