"""Cards of whole models, adapters and encoder-decoders, and that their Python runs."""

import json
import re

import huggingface_hub
import pytest
import yaml
from huggingface_hub import ModelCard

from iepile_cards import write_model_card
from iepile_cards.eval_results import results_text
from iepile_trainer.models.scratch import new_model, new_tokenizer
from iepile_trainer.run_folder import write_run

INSTRUCTION = '{"instruction": "Find.", "schema": ["city"], "input": "Ann is in Oslo."}'


def blocks(folder, language):
    text = ModelCard.load(write_model_card(folder)).text
    return [
        code.replace(f"path/to/{folder.name}", str(folder))
        for code in re.findall(rf"```{language}\n(.*?)```", text, re.DOTALL)
    ]


@pytest.fixture(scope="module")
def whole(tmp_path_factory):
    """A tiny random model with a chat template, as a finished run."""
    from iepile_trainer.formats import use_format

    folder = tmp_path_factory.mktemp("kinds") / "whole"
    tokenizer = new_tokenizer([{"instruction": INSTRUCTION, "output": "{}"}], 300)
    use_format(tokenizer, "plain")
    new_model(tokenizer, 16, 1, 2048, 0).save_pretrained(folder)
    tokenizer.save_pretrained(folder)
    write_run(folder, {"method": "full", "prompt_format": "plain"})
    return folder


@pytest.fixture(scope="module")
def adapter(whole):
    from peft import LoraConfig, get_peft_model
    from transformers import AutoModelForCausalLM, AutoTokenizer

    folder = whole.parent / "adapter"
    base = AutoModelForCausalLM.from_pretrained(whole)
    get_peft_model(base, LoraConfig(target_modules="all-linear", task_type="CAUSAL_LM")).save_pretrained(folder)
    AutoTokenizer.from_pretrained(whole).save_pretrained(folder)
    write_run(folder, {"method": "lora", "base_model": str(whole)})
    return folder


@pytest.fixture(scope="module")
def encoder_decoder(whole):
    from transformers import AutoTokenizer, T5Config, T5ForConditionalGeneration

    folder = whole.parent / "t5"
    tokenizer = AutoTokenizer.from_pretrained(whole)
    sizes = {"d_model": 16, "d_ff": 16, "d_kv": 8, "num_heads": 2, "num_layers": 1}
    config = T5Config(
        vocab_size=len(tokenizer),
        decoder_start_token_id=0,
        pad_token_id=0,
        eos_token_id=tokenizer.eos_token_id,
        **sizes,
    )
    T5ForConditionalGeneration(config).save_pretrained(folder)
    tokenizer.save_pretrained(folder)
    write_run(folder, {"method": "full"})
    return folder


@pytest.mark.parametrize("kind", ["whole", "adapter", "encoder_decoder"])
def test_the_code_of_the_card_runs_without_this_package(kind, request, capsys):
    folder = request.getfixturevalue(kind)
    code = blocks(folder, "python")[1].replace('("whole")', f'("{folder.parent / "whole"}")')
    assert "iepile" not in code
    exec(compile(code.replace("max_new_tokens=256", "max_new_tokens=4"), "card", "exec"), {"instruction": INSTRUCTION})
    assert capsys.readouterr().out  # an answer was printed, random as it is


def test_the_extractor_of_the_card_runs(whole):
    exec(compile(blocks(whole, "python")[0], "card", "exec"), {})


def test_an_adapter_names_its_base_but_no_place_of_this_machine(adapter, whole):
    card = ModelCard.load(write_model_card(adapter))
    assert card.data.library_name == "peft"
    assert card.data.base_model is None  # a folder: others cannot load it by that name
    assert "A LoRA adapter on `whole`" in card.text
    assert str(whole.parent) not in str(card)


def test_an_encoder_decoder_is_called_one(encoder_decoder):
    text = ModelCard.load(write_model_card(encoder_decoder)).text
    assert "An encoder-decoder model trained from scratch" in text
    assert "AutoModelForSeq2SeqLM" in text


def test_results_go_to_the_hub_only_where_the_data_have_a_name_there(run):
    if not hasattr(huggingface_hub, "EvalResultEntry"):
        pytest.skip("this huggingface_hub knows no evaluation results yet")
    (entry,) = huggingface_hub.parse_eval_result_entries(
        yaml.safe_load((run / ".eval_results/iepile.yaml").read_text())
    )
    assert (entry.dataset_id, entry.task_id, entry.value) == ("someone/news", "ner", 0.75)
    low, high = json.loads((run / "scores.json").read_text())["test"]["ner"]["interval"]
    assert f"95 % interval {low:.4f} to {high:.4f}" in entry.notes
    assert re.fullmatch(r"20\d\d-\d\d-\d\d", entry.date)
    assert (entry.dataset_revision, entry.source_url) == (None, None)
    record = json.loads((run / "run.json").read_text())
    record["data"][0]["dataset"] = "iepile"
    (run / "run.json").write_text(json.dumps(record))
    write_model_card(run)
    assert not (run / ".eval_results/iepile.yaml").exists()


def test_results_name_the_commit_that_was_trained_on_and_where_the_scores_lie(run):
    if not hasattr(huggingface_hub, "EvalResultEntry"):
        pytest.skip("this huggingface_hub knows no evaluation results yet")
    record = json.loads((run / "run.json").read_text())
    record["data"][0]["revision"] = {"someone/news": "c" * 40}
    (run / "run.json").write_text(json.dumps(record))
    (result,) = yaml.safe_load(results_text(run, "user/model"))
    assert result["dataset"] == {"id": "someone/news", "task_id": "ner", "revision": "c" * 40}
    place = "https://huggingface.co/user/model/blob/main/scores.json"
    assert result["source"] == {"url": place, "name": "scores.json"}


def test_intervals_and_the_best_step_stand_in_the_card(run):
    record = json.loads((run / "run.json").read_text())
    record["best"] = {"step": 30, "metric": "eval_f1", "value": 0.8, "loaded": True}
    (run / "run.json").write_text(json.dumps(record))
    text = ModelCard.load(write_model_card(run)).text
    low, high = json.loads((run / "scores.json").read_text())["test"]["ner"]["interval"]
    assert f"| test | ner | all | 0.7500 | 0.7500 | 0.7500 | {low:.4f} to {high:.4f} | 2 | 0 |" in text
    assert "- F1 of ner counts each entity (type, mention)." in text
    assert "- Best at step 30 (eval_f1 0.8), whose weights these are." in text


def test_what_a_run_went_on_from_and_was_merged_into_is_told(run):
    record = json.loads((run / "run.json").read_text())
    record |= {"method": "merged", "base_model": "someone/base-1b", "adapter": "/home/me/runs/first-7"}
    (run / "run.json").write_text(json.dumps(record))
    text = ModelCard.load(write_model_card(run)).text
    assert "`someone/base-1b`, fine-tuned to extract" in text
    assert "- LoRA, merged into its base, 40 steps" in text
    assert "- Continued from the adapter `first-7`." in text
    assert "/home/me" not in text


def test_a_name_that_would_break_a_table_does_not(run):
    scores = json.loads((run / "scores.json").read_text())
    by_source = scores["test"]["ner"]["sources"]
    by_source["a | b\nc"] = by_source.pop("harbour")
    (run / "scores.json").write_text(json.dumps(scores))
    assert "| test | ner | a \\| b c | 0.5000 |" in ModelCard.load(write_model_card(run)).text


@pytest.mark.parametrize(
    ("task", "schema"),
    [
        ("re", ["place of birth"]),
        ("ee", {"birth": ["person", "place"]}),
        ("eet", ["birth"]),
        ("kg", ["person", "city"]),
    ],
)
def test_each_task_is_used_with_a_schema_of_its_own(run, task, schema):
    from iepile_dataset.tasks import TASKS
    from iepile_trainer.extraction.schema_input import schema_of

    record = json.loads((run / "run.json").read_text())
    record["data"][0]["config"] = task
    (run / "run.json").write_text(json.dumps(record))
    (code, _) = blocks(run, "python")
    shown, asked = re.search(r"schema=(.+), task=\"(\w+)\"", code).groups()
    assert json.loads(shown) == schema
    assert schema_of(json.loads(shown), TASKS[asked])
    (command,) = blocks(run, "bash")
    assert f"--task {asked} --schema '{shown}'" in command
