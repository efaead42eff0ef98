"""Only tokens with a label are projected onto the vocabulary: the same loss, gradients and metrics as of all."""

from contextlib import nullcontext

import pytest
import torch
from datasets import Dataset

from iepile_trainer.tokenization.encode import IGNORED, encode
from iepile_trainer.training.arguments import training_config
from iepile_trainer.training.projection import answers_alone
from iepile_trainer.training.sampler import ready
from iepile_trainer.training.trainer import new_trainer


@pytest.fixture
def trainer_of(tmp_path, tokenizer, row_list):
    """A trainer of a model on six rows, in one batch."""
    encoded, _ = encode(Dataset.from_list(row_list(6)), tokenizer, None)

    def make(model, **options):
        config = training_config(tmp_path / "run", per_device_train_batch_size=6, max_length=None, report_to="none")
        return new_trainer(
            model, config, ready([encoded], config, tokenizer.pad_token_id), 1, None, tokenizer, **options
        )

    return make


def measured(trainer):
    """Loss, gradients and what is logged of a batch."""
    batch = trainer._prepare_inputs(next(iter(trainer.get_train_dataloader())))
    trainer.model.train()
    trainer.model.zero_grad()
    trainer._metrics["train"].clear()
    loss = trainer.compute_loss(trainer.model, dict(batch), num_items_in_batch=40)
    loss.backward()
    gradients = {name: weight.grad for name, weight in trainer.model.named_parameters() if weight.grad is not None}
    logged = {name: value for name, value in trainer._metrics["train"].items() if name != "num_tokens"}
    return loss.detach(), gradients, logged


@pytest.mark.parametrize("family", ["llama", "qwen3", "glm4", "falcon", "bloom"])
@pytest.mark.parametrize("adapter", [False, True])
def test_loss_gradients_and_metrics_are_those_of_all_tokens(
    family, adapter, small_model, tokenizer, trainer_of, monkeypatch
):
    from peft import LoraConfig

    options = {"peft_config": LoraConfig(target_modules="all-linear", task_type="CAUSAL_LM")} if adapter else {}
    trainer = trainer_of(small_model(tokenizer, family), **options)
    mine = measured(trainer)
    monkeypatch.setattr("iepile_trainer.training.trainer.answers_alone", lambda model, inputs: nullcontext(inputs))
    theirs = measured(trainer)
    assert mine[1].keys() == theirs[1].keys()
    torch.testing.assert_close(mine, theirs, rtol=1e-3, atol=1e-6)


def test_the_backbone_hands_on_the_tokens_before_those_with_a_label(small_model, tokenizer, trainer_of):
    trainer = trainer_of(small_model(tokenizer))
    batch = trainer._prepare_inputs(next(iter(trainer.get_train_dataloader())))
    labels = batch.pop("labels")
    answers = labels[labels != IGNORED]
    assert 0 < len(answers) < labels.numel() / 2
    backbone = trainer.model.base_model
    with torch.no_grad():
        whole = backbone(**batch).last_hidden_state
        with answers_alone(trainer.model, {**batch, "labels": labels}) as given:
            assert given["shift_labels"].tolist() == [answers.tolist()]
            part = backbone(**batch).last_hidden_state
        assert torch.equal(backbone(**batch).last_hidden_state, whole)
    assert torch.equal(part[0], whole[:, :-1][labels[:, 1:] != IGNORED])


def test_a_batch_without_an_answer_is_left_to_trl(small_model, tokenizer):
    inputs = {"input_ids": torch.tensor([[5, 6]]), "labels": torch.tensor([[IGNORED, IGNORED]])}
    with answers_alone(small_model(tokenizer), inputs) as given:
        assert given is inputs
