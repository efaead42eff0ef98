"""While it trains, a model answers a fixed sample: real runs of tiny models, the scores worked out again by hand."""

import json

import pytest
import torch

from iepile_metric import score
from iepile_trainer import TrainerError
from iepile_trainer.data.arguments import DataArguments
from iepile_trainer.engines.transformers_engine import predict
from iepile_trainer.models.load import load
from iepile_trainer.sft import train
from iepile_trainer.training import evaluate as examine
from iepile_trainer.training.arguments import WatchArguments, training_config
from iepile_trainer.training.evaluate import answer_nats


def config(folder, **options):
    defaults = {"max_length": 200, "per_device_train_batch_size": 8, "logging_steps": 1, "disable_tqdm": True}
    evaluated = {"eval_strategy": "steps", "eval_steps": 1, "save_strategy": "no"}
    return training_config(folder, **{**defaults, **evaluated, **options})


def weights(folder):
    from safetensors.torch import load_file

    (file,) = folder.glob("*.safetensors")
    return load_file(file)


def lora():
    from peft import LoraConfig

    return LoraConfig(task_type="CAUSAL_LM", target_modules="all-linear", r=4, lora_dropout=0.3)


@pytest.fixture(scope="module")
def learnt(tmp_path_factory, row_list):
    """A run that learns twelve rows a little, examined on all of them: its folder, record and what it printed."""
    import contextlib
    import io

    from datasets import Dataset
    from transformers import set_seed

    from iepile_trainer.models.scratch import new_model, new_tokenizer

    folder = tmp_path_factory.mktemp("runs") / "learnt"
    rows = row_list(12)
    tokenizer = new_tokenizer(row_list(100), 500)
    set_seed(0)
    options = config(folder, max_steps=60, eval_steps=30, logging_steps=15, learning_rate=3e-3, report_to="tensorboard")
    printed = io.StringIO()
    with contextlib.redirect_stdout(printed):
        data = DataArguments(dataset="rows", task=["ner"])
        model = new_model(tokenizer, 64, 2, 256)
        rows = Dataset.from_list(rows)
        record = train(model, tokenizer, rows, options, data, eval_rows=rows, watch=WatchArguments())
    return folder, record, printed.getvalue()


def test_the_scores_in_the_history_are_those_of_the_answers(learnt, row_list):
    folder, record, _ = learnt
    first, last = (entry for entry in record["history"] if "eval_f1" in entry)
    assert (first["step"], last["step"]) == (30, 60)
    model, tokenizer = load(str(folder))
    rows = row_list(12)
    again = score(predict(model, tokenizer, rows, max_new_tokens=60))
    assert last["eval_f1"] == last["eval_ner_f1"] == pytest.approx(again["f1"])
    assert last["eval_parse_rate"] == last["eval_ner_parse_rate"] == pytest.approx(1 - again["unparseable"] / 12)
    assert last["eval_ner_f1"] > 0, "sixty steps should have taught it something"
    assert last["eval_ner_loss"] < first["eval_ner_loss"]


def test_the_loss_is_what_the_model_itself_says_row_by_row(learnt, row_list):
    from iepile_trainer.tokenization.encode import answer_ids, prompt_ids

    folder, record, _ = learnt
    model, tokenizer = load(str(folder))
    nats = tokens = 0
    for row in row_list(12):
        (prompt,), (answer,) = prompt_ids(tokenizer, [row["instruction"]]), answer_ids(tokenizer, [row["output"]])
        labels = torch.tensor([[-100] * len(prompt) + answer])
        mean = model(input_ids=torch.tensor([prompt + answer]), labels=labels).loss.item()
        nats, tokens = nats + mean * len(answer), tokens + len(answer)
    assert record["history"][-1]["eval_ner_loss"] == pytest.approx(nats / tokens, rel=1e-4)


def test_the_losses_of_answers_do_not_depend_on_what_else_is_in_the_batch(tokenizer, small_model, row_list):
    from transformers import T5Config, T5ForConditionalGeneration, set_seed

    from iepile_trainer.formats import use_format
    from iepile_trainer.tokenization.encode import answer_ids

    use_format(tokenizer)
    rows = [*row_list(2), *row_list(3, tail=" So it is said." * 3)]
    asked = [row["instruction"] for row in rows]
    answers = answer_ids(tokenizer, [row["output"] for row in rows])
    set_seed(0)
    t5 = T5Config(vocab_size=len(tokenizer), d_model=32, d_kv=8, d_ff=64, num_layers=1, num_heads=4)
    t5.decoder_start_token_id = t5.pad_token_id = tokenizer.pad_token_id
    for model in (small_model(tokenizer), T5ForConditionalGeneration(t5)):
        model.eval()
        together = answer_nats(model, tokenizer, asked, answers)
        alone = [answer_nats(model, tokenizer, [a], [b])[0] for a, b in zip(asked, answers)]
        assert together == pytest.approx(alone, rel=1e-4)
        assert all(value > len(answer) for value, answer in zip(together, answers)), "an untrained model is unsure"


def test_what_was_examined_and_drawn_stands_in_the_record_and_the_picture(learnt):
    folder, record, _ = learnt
    assert record["sample"]["tasks"] == {"ner": {"homes": 12}}
    assert record["sample"]["ids"] == [f"en/NER/homes/train:{i}" for i in range(1, 13)]
    assert record["best"] is None
    assert (folder / "curve.png").read_bytes().startswith(b"\x89PNG")
    assert "curve.png" in (folder / "README.md").read_text()


def test_a_log_gets_a_line_for_each_logging_step_and_each_evaluation(learnt):
    lines = [line for line in learnt[2].splitlines() if line.startswith("step ")]
    starts = ["step 15 of 60 (25%)  loss", "step 30 of 60 (50%)  loss", "step 30 of 60 (50%)  evaluation: F1"]
    starts += ["step 45 of 60 (75%)  loss", "step 60 of 60 (100%)  loss", "step 60 of 60 (100%)  evaluation: F1"]
    assert [line[: len(start)] for line, start in zip(lines, starts, strict=True)] == starts
    assert all("tokens/s" in line and " left" in line for line in lines if "evaluation" not in line)
    assert "F1 " in lines[3], "the last F1 stands beside the loss"
    assert "{'" not in learnt[2]


def test_tensorboard_gets_the_scores(learnt):
    from tensorboard.backend.event_processing.event_accumulator import EventAccumulator

    (file,) = learnt[0].rglob("events.out.tfevents.*")
    events = EventAccumulator(str(file)).Reload()
    shown = {name: [event.step for event in events.Scalars(name)] for name in events.Tags()["scalars"]}
    assert shown["eval/f1"] == shown["eval/ner_f1"] == shown["eval/ner_loss"] == [30, 60]
    assert [event.value for event in events.Scalars("eval/f1")] == pytest.approx(
        [entry["eval_f1"] for entry in learnt[1]["history"] if "eval_f1" in entry]
    )


@pytest.mark.parametrize("family", ["llama", "t5"])
@pytest.mark.slow
def test_watching_does_not_change_the_weights(family, tmp_path, tokenizer, small_model, dataset):
    small_model(tokenizer, family).save_pretrained(tmp_path / "base")

    def run(name, **options):
        # Dropout draws from the random state at every step.
        settings = config(tmp_path / name, max_steps=3, learning_rate=1e-2, **options)
        settings.model_init_kwargs = {"dtype": "float32"}
        rows = dataset(20)
        return train(str(tmp_path / "base"), tokenizer, rows, settings, peft_config=lora(), eval_rows=rows)

    watched, alone = run("watched"), run("alone", eval_strategy="no")
    assert [entry["step"] for entry in watched["history"] if "eval_f1" in entry] == [1, 2, 3]
    assert not [entry for entry in alone["history"] if "eval_f1" in entry]
    one, other = weights(tmp_path / "watched"), weights(tmp_path / "alone")
    assert all(torch.equal(one[name], other[name]) for name in one)


def test_the_best_weights_are_kept_and_training_stops_early(tmp_path, tokenizer, small_model, dataset, monkeypatch):
    # Evaluations that say 0, 0, 0, 0.5, 0.5, 0.25: nothing counts before the first answer that is right, at step 4;
    # two evaluations later, at step 6, training stops, and the weights of step 4 are the best.
    told = iter([0.0, 0.0, 0.0, 0.5, 0.5, 0.25])
    monkeypatch.setattr(examine.SampleEvaluation, "__call__", lambda self, trainer: {"eval_f1": next(told)})
    watch = WatchArguments(early_stopping_patience=2, predict_rows=4)
    options = stopping(tmp_path / "run", 20)
    record = train(small_model(tokenizer), tokenizer, dataset(20), options, eval_rows=dataset(6), watch=watch)
    assert record["best"] == {"step": 4, "metric": "eval_f1", "value": 0.5, "loaded": True}
    assert [entry["step"] for entry in record["history"] if "eval_f1" in entry] == [1, 2, 3, 4, 5, 6]
    saved = weights(tmp_path / "run")
    best, last = weights(tmp_path / "run" / "checkpoint-4"), weights(tmp_path / "run" / "checkpoint-6")
    assert all(torch.equal(saved[name], best[name]) for name in saved)
    assert not all(torch.equal(saved[name], last[name]) for name in saved)


def test_of_weights_that_answer_nothing_right_the_last_are_kept(tmp_path, tokenizer, small_model, dataset):
    options, watch = stopping(tmp_path / "run", 4), WatchArguments(early_stopping_patience=1, predict_rows=4)
    record = train(small_model(tokenizer), tokenizer, dataset(20), options, eval_rows=dataset(6), watch=watch)
    assert record["best"] == {"step": 4, "metric": "eval_f1", "value": 0.0, "loaded": True}


def stopping(folder, steps):
    """Evaluated and saved in each step, the best by F1."""
    best = {"load_best_model_at_end": True, "metric_for_best_model": "f1"}
    return config(folder, max_steps=steps, learning_rate=1e-4, save_strategy="steps", save_steps=1, **best)


def test_rows_that_cannot_be_scored_are_named_before_training(tmp_path, tokenizer, small_model, row_list):
    from datasets import Dataset

    rows = row_list(3)
    rows[1]["label"] = json.dumps("no annotation")
    rows = Dataset.from_list(rows)
    with pytest.raises(TrainerError, match=r"en/NER/homes/train:2 cannot be scored: .*--predict_rows 0"):
        train(small_model(tokenizer), tokenizer, rows, config(tmp_path, max_steps=1), eval_rows=rows)
