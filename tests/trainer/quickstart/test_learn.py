"""The training loop: of the loss, of the optimizer, of precision."""

import pytest
import torch
from torch.utils._python_dispatch import TorchDispatchMode

from iepile_trainer.models.scratch import new_model, new_tokenizer
from iepile_trainer.quickstart import TINY
from iepile_trainer.quickstart.learn import answers_last, learn, start_copying
from iepile_trainer.quickstart.muon import Muon, orthogonal
from iepile_trainer.tokenization.encode import encode


@pytest.fixture(scope="module")
def parts(dataset):
    """A model, its tokenizer and encoded rows of different lengths."""
    rows = dataset(20)
    tokenizer = new_tokenizer(rows, 400)
    encoded, _ = encode(rows, tokenizer, 512)
    return new_model(tokenizer, hidden=32, layers=2, positions=256), tokenizer, encoded


def test_the_loss_of_a_batch_is_the_mean_over_the_answer_tokens_of_its_rows(parts):
    model, tokenizer, encoded = parts
    batch = answers_last(tokenizer)([encoded[at] for at in range(8)])
    assert batch["labels"].shape[1] == batch["logits_to_keep"] < batch["input_ids"].shape[1]
    total = tokens = 0
    for row in encoded.select(range(8)):
        labels = torch.tensor([row["labels"]])
        count = int((labels != -100).sum())
        total += count * model(input_ids=torch.tensor([row["input_ids"]]), labels=labels).loss.item()
        tokens += count
    assert model(**batch).loss.item() == pytest.approx(total / tokens, rel=1e-5)


def gradients(model, parts, at):
    _, tokenizer, encoded = parts
    model.zero_grad()
    model(**answers_last(tokenizer)([encoded[at], encoded[at + 1]])).loss.backward()
    return {name: weight.grad.clone() for name, weight in model.named_parameters()}


def fresh(parts):
    return new_model(parts[1], hidden=32, layers=2, positions=256)


def test_matrices_take_orthogonal_steps_and_the_rest_those_of_adamw(parts):
    model = fresh(parts)
    before = {name: weight.detach().clone() for name, weight in model.named_parameters()}
    gradient = gradients(model, parts, 0)
    Muon(model, 0.01).step()
    for name, weight in model.named_parameters():
        step = (before[name] - weight).detach()
        if weight.ndim == 2 and "embed" not in name:
            values = torch.linalg.svdvals(step) / (0.01 * 0.2 * max(weight.shape) ** 0.5)
            large = torch.linalg.svdvals(gradient[name]) > 0.02 * gradient[name].norm()
            assert torch.allclose(values[large], torch.tensor(1.0), atol=0.1), name
            assert (step * gradient[name]).sum() > 0  # downhill
        else:
            twin = torch.nn.Parameter(before[name].clone())
            twin.grad = gradient[name]
            torch.optim.AdamW([twin], lr=0.01, betas=(0.9, 0.98), weight_decay=0.0).step()
            assert torch.allclose(twin, weight)


def test_singular_values_come_near_one_whatever_the_shape():
    torch.manual_seed(0)
    for shape in ((3, 16, 48), (2, 48, 16), (1, 24, 32)):
        values = torch.linalg.svdvals(orthogonal(torch.randn(shape)))
        assert torch.allclose(values, torch.ones_like(values), atol=0.1), shape


def test_momentum_is_in_the_state(parts):
    models = [fresh(parts), fresh(parts)]
    optimizers = [Muon(model, 0.01) for model in models]
    for at in (0, 2):
        gradients(models[0], parts, at)
        optimizers[0].step()
    gradients(models[1], parts, 0)
    optimizers[1].step()
    again = Muon(models[1], 0.01)
    again.load_state_dict(optimizers[1].state_dict())
    gradients(models[1], parts, 2)
    again.step()
    for one, other in zip(models[0].parameters(), models[1].parameters()):
        assert torch.equal(one, other)


def test_a_new_model_looks_one_place_back_and_hands_on_what_it_looks_at(parts):
    model = new_model(parts[1], hidden=128, layers=2, positions=256, initializer_range=0.04, attention_bias=True)
    model.set_attn_implementation("eager")
    start_copying(model)
    ids = torch.tensor([parts[2][0]["input_ids"]])
    seen = model(input_ids=ids, output_attentions=True).attentions[0][0]  # (heads, places, places)
    back = seen.diagonal(offset=-1, dim1=1, dim2=2)
    assert (back[:2].mean(1) > 0.8).all()
    assert (back[2:].mean(1) < 0.2).all()
    states = torch.randn(1, 3, 128)
    attention = model.model.layers[1].self_attn
    assert torch.allclose(attention.o_proj(attention.v_proj(states)), states)


class Products(TorchDispatchMode):
    """Notes the types of what is multiplied."""

    def __init__(self):
        super().__init__()
        self.types = set()

    def __torch_dispatch__(self, function, types, args=(), kwargs=None):
        if any(word in str(function) for word in ("mm.", "bmm.", "addmm.", "attention")):
            self.types |= {value.dtype for value in args if isinstance(value, torch.Tensor)}
        return function(*args, **(kwargs or {}))


def test_every_product_of_a_training_is_in_float32(parts, tmp_path):
    _, tokenizer, encoded = parts
    with Products() as products:
        record = learn(fresh(parts), tokenizer, encoded, tmp_path, 1, TINY, [])
    assert products.types == {torch.float32}
    assert record["tokens_per_second"] > 0
