"""Rows that begin alike are computed together: the same loss, the same gradients, the same trained weights."""

import pytest
import torch

from iepile_trainer.models.load import load
from iepile_trainer.sft import main
from iepile_trainer.tokenization.encode import IGNORED, encode
from iepile_trainer.training.beginnings import can_share, joined, shareable, sharing


@pytest.fixture
def encoded(tokenizer, row_list):
    from datasets import Dataset

    return list(encode(Dataset.from_list(row_list(6)), tokenizer, None)[0])


def loss_and_gradient(model, batch):
    model.zero_grad()
    loss = model(**batch, use_cache=False).loss
    loss.backward()
    return loss.detach(), torch.cat([weight.grad.flatten() for weight in model.parameters() if weight.grad is not None])


def padded(rows):
    ids, labels = ([torch.tensor(row[name]) for row in rows] for name in ("input_ids", "labels"))
    pad = torch.nn.utils.rnn.pad_sequence
    batch = {"input_ids": pad(ids, batch_first=True), "labels": pad(labels, batch_first=True, padding_value=IGNORED)}
    return {**batch, "attention_mask": pad([torch.ones_like(row) for row in ids], batch_first=True)}


@pytest.mark.parametrize("family", ["llama", "qwen3", "glm4", "falcon"])
def test_joined_rows_give_the_loss_and_the_gradients_of_padded_ones(family, small_model, tokenizer, encoded):
    model = small_model(tokenizer, family)
    assert can_share(model)
    wanted, gradient = loss_and_gradient(model, padded(encoded))
    batch = sharing(padded)(encoded)
    assert batch["input_ids"].shape[1] < sum(row["length"] for row in encoded) * 0.7
    loss, other = loss_and_gradient(model, batch)
    torch.testing.assert_close(loss, wanted, rtol=1e-5, atol=1e-6)
    torch.testing.assert_close(other, gradient, rtol=1e-3, atol=1e-6)


def test_a_model_that_cannot_tell_joined_rows_apart_gets_them_padded(small_model, tokenizer):
    assert not can_share(small_model(tokenizer, "t5"))


def test_rows_that_begin_otherwise_or_have_no_answer_are_padded(encoded):
    other = {**encoded[0], "input_ids": [3, *encoded[0]["input_ids"]], "labels": [IGNORED, *encoded[0]["labels"]]}
    blank = {"input_ids": [0, 0], "labels": [IGNORED, IGNORED]}
    for rows in ([encoded[0], other], [encoded[0], blank], encoded[:1]):
        assert sharing(padded)(rows)["attention_mask"].ndim == 2


def test_a_prompt_that_is_the_beginning_of_another_keeps_a_token_of_its_own():
    short, long = [*range(50)], [*range(60)]
    assert shareable([short, long]) == 49
    assert joined([short, long], 49)["position_ids"][0, 49:].tolist() == [49, *range(49, 60)]


def test_a_training_on_joined_rows_ends_with_the_weights_of_one_on_padded_rows(
    small_model, tokenizer, rows_file, tmp_path, monkeypatch
):
    small_model(tokenizer).save_pretrained(tmp_path / "base")
    tokenizer.save_pretrained(tmp_path / "base")
    named = ["--config", "full", "--model_name_or_path", tmp_path / "base", "--dataset", rows_file]
    named += ["--max_steps", 3, "--learning_rate", 1e-3, "--disable_tqdm", "true", "--logging_steps", 1]
    runs, ids = [], []
    for name in ("joined", "padded"):
        main(
            [str(word) for word in [*named, "--output_dir", tmp_path / name, "--record_ids", tmp_path / f"{name}.ids"]]
        )
        runs.append(load(str(tmp_path / name))[0].state_dict())
        ids.append((tmp_path / f"{name}.ids.0").read_text())
        monkeypatch.setattr("iepile_trainer.training.trainer.can_share", lambda model: False)
    assert ids[0] == ids[1] != ""
    assert runs[0].keys() == runs[1].keys()
    for name, weight in runs[0].items():
        torch.testing.assert_close(weight, runs[1][name], rtol=1e-3, atol=1e-5)
