"""Scores while training: a real Trainer's `compute_metrics`, and one score from several real processes."""

import json

import pytest

from iepile_metric import score

from ..forked import run

GOLD = json.dumps([{"entity": "Ada", "entity_type": "person"}])
ANSWERS = ['{"person": ["Ada"]}', '{"person": []}', '{"person": ["Ada", "Bob"]}']
ROWS = [{"id": str(i), "task": "NER", "source": "one", "label": GOLD} for i in range(len(ANSWERS))]


@pytest.fixture(scope="module")
def tokenizer():
    tokenizers = pytest.importorskip("tokenizers")
    transformers = pytest.importorskip("transformers")
    # One token for each character, so that any answer can be spelt.
    characters = sorted(set("".join(ANSWERS)) | set("xy"))
    vocabulary = {token: i for i, token in enumerate(["<pad>", "</s>", *characters])}
    model = tokenizers.Tokenizer(tokenizers.models.WordLevel(vocabulary, unk_token="<pad>"))
    model.pre_tokenizer = tokenizers.pre_tokenizers.Split("", "isolated")
    model.decoder = tokenizers.decoders.Fuse()
    return transformers.PreTrainedTokenizerFast(tokenizer_object=model, pad_token="<pad>", eos_token="</s>")


def padded(sequences, value):
    import numpy as np

    width = max(map(len, sequences))
    return np.array([[*sequence, *[value] * (width - len(sequence))] for sequence in sequences])


def test_generated_ids_are_decoded_and_scored(tokenizer):
    from transformers import EvalPrediction

    from iepile_metric.trainer_metrics import compute_metrics

    ids = [tokenizer(answer)["input_ids"] + [tokenizer.eos_token_id] for answer in ANSWERS]
    evaluated = EvalPrediction(predictions=padded(ids, -100), label_ids=padded([[1], [1], [1]], -100))
    found = compute_metrics(tokenizer, ROWS)(evaluated)
    # found, missed, found and one too much: tp 2, fp 1, fn 1
    assert (found["tp"], found["fp"], found["fn"]) == (2, 1, 1)
    assert found["f1"] == pytest.approx(2 / 3)
    assert all(isinstance(value, int | float) for value in found.values())
    with pytest.raises(ValueError, match="3 predictions for 2 evaluation rows"):
        compute_metrics(tokenizer, ROWS[:2])(evaluated)


@pytest.mark.slow
def test_a_trainer_reports_the_score_of_what_its_model_answers(tokenizer, tmp_path):
    torch = pytest.importorskip("torch")
    from transformers import LlamaConfig, LlamaForCausalLM, Trainer, TrainingArguments

    from iepile_metric.trainer_metrics import compute_metrics

    torch.manual_seed(0)
    config = LlamaConfig(
        vocab_size=len(tokenizer), hidden_size=64, intermediate_size=128, num_hidden_layers=2, num_attention_heads=4
    )
    examples = []
    for prompt, answer in zip("xxy", [ANSWERS[0], ANSWERS[0], ANSWERS[0]]):
        ids = tokenizer(prompt)["input_ids"]
        answer_ids = tokenizer(answer)["input_ids"] + [tokenizer.eos_token_id]
        examples.append({"input_ids": ids + answer_ids, "labels": [-100] * len(ids) + answer_ids})
    trainer = Trainer(
        model=LlamaForCausalLM(config),
        args=TrainingArguments(
            output_dir=str(tmp_path),
            max_steps=60,
            learning_rate=3e-3,
            report_to=[],
            use_cpu=True,
            save_strategy="no",
            disable_tqdm=True,
        ),
        train_dataset=examples,
        eval_dataset=examples,
        compute_metrics=compute_metrics(tokenizer, ROWS),
        preprocess_logits_for_metrics=lambda logits, labels: logits.argmax(-1),
    )
    assert trainer.evaluate()["eval_f1"] == 0.0
    trainer.train()
    # under teacher forcing the model now spells the one answer it was shown
    assert trainer.evaluate()["eval_f1"] == 1.0


WORKER = """
import json, sys
from accelerate import Accelerator
from iepile_metric import Accumulator
from iepile_metric.trainer_metrics import gathered

accelerator = Accelerator(cpu=True)
rows = json.load(open(sys.argv[1]))
with accelerator.split_between_processes(rows) as mine:
    scores = Accumulator("ner").extend(mine)
result = gathered(scores).result()
told = [accelerator.process_index, accelerator.num_processes, len(mine), result]
# A file each: lines that three processes print at once run into each other.
with open(f"{sys.argv[1]}.{accelerator.process_index}", "w") as file:
    json.dump(told, file)
accelerator.wait_for_everyone()
accelerator.end_training()  # a process that just leaves aborts those that still talk to it
"""


@pytest.mark.slow
def test_three_processes_give_the_score_of_one(tmp_path):
    pytest.importorskip("accelerate")
    # Seven records of two batches each: the batches of one record fall into different processes.
    rows = [
        {"id": str(i % 7), "label": GOLD, "output": ANSWERS[i % 3] if i < 7 else "{}", "task": "ner", "source": "one"}
        for i in range(14)
    ]
    (tmp_path / "rows.json").write_text(json.dumps(rows))
    (tmp_path / "worker.py").write_text(WORKER)
    run(tmp_path / "worker.py", tmp_path / "rows.json", cwd=tmp_path, processes=3)
    told = [json.loads((tmp_path / f"rows.json.{rank}").read_text()) for rank in range(3)]
    expected = json.loads(json.dumps(score(rows)))
    assert [line[0] for line in told] == [0, 1, 2]
    assert sum(line[2] for line in told) == 14
    assert all(line[1] == 3 and line[3] == expected for line in told)
