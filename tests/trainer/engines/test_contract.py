"""What every engine owes: one answer a row, in order, from the prompt of the training; a bad row stops no other.

Ours in this process is the measure. vLLM needs a GPU: where its package is installed, its real types carry what is
asked and answered, and a model of this process stands for the engine behind them.
"""

from types import SimpleNamespace

import pytest

from iepile_trainer.engines import EngineOptions, open_engine
from iepile_trainer.tokenization.encode import prompt_ids

from ...ray_cluster import cluster  # noqa: F401

MOST = 6
ENGINES = ["transformers", "openai", "vllm", pytest.param("ray", marks=pytest.mark.slow)]


@pytest.fixture
def opened(saved, tokenizer, monkeypatch, completion_server, request):
    """A function that opens an engine of a name on the model of `saved`; its `sent` are the requests, where seen."""
    servers = []

    def open_one(name, **options):
        sent, folder = [], str(saved)
        if name == "ray":
            request.getfixturevalue("cluster")
        if name == "vllm":
            names = vars(pytest.importorskip("vllm"))  # its LLM is only imported where somebody asks for it
            monkeypatch.setitem(names, "LLM", lambda *given, **options: _StandIn(sent, *given, **options))
        if name == "openai":
            from transformers import AutoModelForCausalLM

            servers.append(completion_server(AutoModelForCausalLM.from_pretrained(folder), tokenizer))
            sent = servers[0].bodies
            options |= {"base_url": servers[0].url, "tokenizer": folder}
        engine = open_engine(EngineOptions(folder, engine=name, max_new_tokens=MOST, dtype="float32", **options))
        return engine, sent

    yield open_one
    for server in servers:
        server.shutdown()
        server.server_close()


class _StandIn:
    """Takes what `vllm.LLM` takes, and answers in vLLM's own types with the likeliest tokens."""

    def __init__(self, sent, model, *, dtype, revision, trust_remote_code, **lora):
        from transformers import AutoModelForCausalLM, AutoTokenizer

        self.sent, self.model = sent, AutoModelForCausalLM.from_pretrained(model, dtype=dtype)
        self.tokenizer = AutoTokenizer.from_pretrained(model)
        longest = self.model.config.max_position_embeddings
        self.llm_engine = SimpleNamespace(model_config=SimpleNamespace(max_model_len=longest))

    def generate(self, prompts, sampling_params, *, use_tqdm, lora_request):
        return [self._answer(*both) for both in zip(prompts, sampling_params)]

    def _answer(self, prompt, wanted):
        import torch
        from vllm.outputs import CompletionOutput, RequestOutput

        self.sent.append({"prompt": prompt["prompt_token_ids"], "wanted": wanted})
        start = torch.tensor([prompt["prompt_token_ids"]])
        ends = wanted.stop_token_ids
        limits = {"max_new_tokens": wanted.max_tokens, "eos_token_id": ends, "pad_token_id": ends[0]}
        written = self.model.generate(start, do_sample=False, **limits)[0, start.shape[1] :].tolist()
        ended = written[-1] in ends
        text = self.tokenizer.decode(written[: len(written) - ended])
        if wanted.structured_outputs:  # the grammar is vLLM's own to keep to
            text, ended = '{"person": [], "place": []}', True
        output = CompletionOutput(0, text, written, None, None, finish_reason="stop" if ended else "length")
        return RequestOutput("0", None, prompt["prompt_token_ids"], None, [output], True)


@pytest.mark.parametrize("name", ENGINES)
def test_an_engine_answers_every_row_in_order_and_a_bad_one_stops_no_other(name, opened, row_list):
    rows = row_list(9)
    rows[4] = {"instruction": ""}
    whole = [answer.text.replace(" ", "") for answer in opened("transformers")[0].answer(rows)]
    answers = list(opened(name)[0].answer(iter(rows)))
    assert [answer.text.replace(" ", "") for answer in answers] == whole
    assert [answer.error for answer in answers] == [None] * 4 + ["the row has no instruction"] + [None] * 4
    assert all(answer.cut for answer in answers if not answer.error)
    assert list(opened(name)[0].answer([])) == []


@pytest.mark.parametrize("name", ENGINES)
def test_an_engine_counts_and_sends_the_prompt_of_the_training(name, opened, row_list, tokenizer):
    rows = row_list(3)
    wanted = prompt_ids(tokenizer, [row["instruction"] for row in rows])
    engine, sent = opened(name)
    assert [engine.count(row["instruction"]) for row in rows] == list(map(len, wanted))
    assert list(engine.answer(rows))
    assert sorted(one["prompt"] for one in sent) == (sorted(wanted) if sent else [])
    assert bool(sent) == (name in ("openai", "vllm"))


@pytest.mark.parametrize("name", ["transformers", "vllm", pytest.param("ray", marks=pytest.mark.slow)])
def test_a_prompt_that_the_model_cannot_read_is_an_error_of_its_row(name, opened, row_list):
    rows = [*row_list(1), *row_list(1, tail=" And then some." * 300)]
    engine, _ = opened(name)
    fits, long = engine.answer(rows)
    assert fits.error is None
    assert long.error.startswith("the prompt has ")
    assert engine.room == 256 - MOST


def test_vllm_is_asked_with_its_own_types_for_the_grammar_and_the_ends(opened, row_list, tokenizer):
    pytest.importorskip("vllm.sampling_params")
    engine, sent = opened("vllm", constrain="extractive", open_bias=1.0)
    row = {**row_list(1)[0], "task": "NER"}
    assert [answer.text for answer in engine.answer([row])] == ['{"person": [], "place": []}']
    wanted = sent[0]["wanted"]
    assert wanted.structured_outputs.grammar == engine.prompt(row).grammar
    assert (wanted.temperature, wanted.max_tokens) == (0, MOST)
    assert tokenizer.eos_token_id in wanted.stop_token_ids
    assert set(wanted.logit_bias.values()) == {-1.0}
