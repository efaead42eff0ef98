"""Answers of a Ray cluster: a real model in real workers, one of them killed; vLLM as far as it goes without a GPU."""

import json
import pickle

import pytest

from iepile_trainer import TrainerError
from iepile_trainer.engines import EngineOptions, open_engine
from iepile_trainer.engines.prompts import Prompt
from iepile_trainer.tokenization.encode import prompt_ids

from ...ray_cluster import Killer, cluster, s3  # noqa: F401

MOST = 6


@pytest.mark.slow
@pytest.mark.parametrize("killed", [False, True])
def test_a_cluster_answers_as_one_process_does_and_loses_nothing_with_a_worker(killed, saved, row_list, cluster):  # noqa: F811
    rows = row_list(1500 if killed else 130)
    rows[5]["instruction"] = ""
    options = {"max_new_tokens": MOST, "confidence": True, "constrain": "none"}
    one = list(open_engine(EngineOptions(str(saved), **options)).answer(rows))
    engine = open_engine(EngineOptions(str(saved), engine="ray", **options))
    killer = Killer("_Transformers", after=1)
    if killed:
        killer.start()
    many = list(engine.answer(rows))
    if killed:
        killer.join()
        assert killer.killed
    assert [(answer.text, answer.error, answer.cut) for answer in many] == [
        (answer.text, answer.error, answer.cut) for answer in one
    ]
    assert many[5].error == "the row has no instruction"
    for there, here in zip(many, one):
        assert [token.logprob for token in there.tokens] == pytest.approx([t.logprob for t in here.tokens], abs=1e-4)


@pytest.mark.slow
def test_a_model_without_weights_is_one_line(saved, row_list, cluster):  # noqa: F811
    (saved / "model.safetensors").unlink()
    with pytest.raises(TrainerError, match="model") as told:
        list(open_engine(EngineOptions(str(saved), engine="ray", max_new_tokens=MOST)).answer(row_list(3)))
    assert "\n" not in str(told.value)


def test_an_answer_of_rays_processor_is_read_as_vllms_own():
    pytest.importorskip("pyarrow")
    from iepile_trainer.engines.ray_engine import response

    prompt = pickle.dumps(Prompt("Who?", [1, 2]))
    known = {"3": {"decoded_token": "Ul", "logprob": -0.5}, "4": None}, {"4": {"decoded_token": "m", "logprob": -0.25}}
    row = {"place": 7, "prompt": prompt, "generated_tokens": [3, 4], "generated_text": "Ulm", "logprobs": known}
    read = response(row, EngineOptions(max_new_tokens=2), frozenset([9]))
    answer = pickle.loads(read["answer"])
    assert (read["place"], answer.text, answer.cut) == (7, "Ulm", True)
    assert answer.tokens == ((0, 2, -0.5), (2, 3, -0.25))
    assert not pickle.loads(response(row, EngineOptions(max_new_tokens=2), frozenset([4]))["answer"]).cut


@pytest.mark.slow
def test_vllm_gets_the_prompt_of_the_training_its_grammar_and_the_adapter(saved, row_list, tokenizer, cluster):  # noqa: F811
    import ray

    llm = pytest.importorskip("ray.data.llm")
    from iepile_trainer.engines.ray_engine import RayEngine, processor_config, request, response
    from iepile_trainer.engines.vllm_engine import sampling

    adapter = saved.parent / "lora"
    adapter.mkdir()
    (adapter / "adapter_config.json").write_text(json.dumps({"r": 12, "base_model_name_or_path": str(saved)}))
    options = EngineOptions(str(saved), engine="ray", constrain="extractive", open_bias=1.5, max_new_tokens=MOST)
    config = processor_config(options, str(saved), str(adapter), gpus=2)
    assert (config.model_source, config.concurrency, config.engine_kwargs["max_lora_rank"]) == (str(saved), 2, 16)

    # What Ray's own stages see: the row after a way through its blocks.
    from ray.llm._internal.batch.stages import wrap_preprocess

    engine, row = RayEngine(options), {**row_list(1)[0], "task": "NER"}
    common = sampling(options, engine.tokenizer)
    asked = [{"place": 0, "prompt": pickle.dumps(engine.prompt(row))}]
    ask = wrap_preprocess(lambda row: request(row, common, str(adapter)), "data")
    (sent,) = (row["data"] for row in ray.data.from_items(asked).map(ask).iter_rows())
    assert list(sent["tokenized_prompt"]) == prompt_ids(tokenizer, [row["instruction"]])[0]
    assert "STRETCH: %regex" in sent["sampling_params"]["structured_outputs"]["grammar"]
    assert sent["sampling_params"]["logit_bias"] == common["logit_bias"]
    assert sent["model"] == str(adapter)
    processor = llm.build_processor(config, preprocess=ask, postprocess=lambda row: response(row, options, frozenset()))
    assert processor.list_stage_names() == ["vLLMEngineStage"]
