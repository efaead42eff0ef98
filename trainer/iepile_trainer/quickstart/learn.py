"""The training of the quickstart: how much, from which weights, and how.

It takes float32, Muon, and of each row only the answer projected onto the vocabulary.
"""

from dataclasses import dataclass
from pathlib import Path
from typing import Any

from ..tokenization.encode import IGNORED

_PAIRS = 5  # of entries of a head that turn fast enough to tell one place from the next
_STRENGTH = 5.0


@dataclass(frozen=True)
class Recipe:
    """The knobs of a quickstart; the defaults fit two CPU cores and a few minutes.

    Attributes:
        train: Training sentences per language and task.
        test: Test sentences per language and task, the same number again with unseen names.
        steps: Training steps.
        batch: Rows per step.
        learning_rate: Peak, in the scale of AdamW.
        hidden: Width of the model.
        layers: Its depth.
        vocabulary: Tokens that the tokenizer learns.
        longest: Most tokens of an answer.
    """

    train: int = 3000
    test: int = 50
    steps: int = 1500
    batch: int = 16
    learning_rate: float = 4e-3
    hidden: int = 128
    layers: int = 2
    vocabulary: int = 2000
    longest: int = 96


TINY = Recipe(train=20, test=3, steps=4, batch=4, hidden=32, layers=1, vocabulary=500, longest=12)
"""Enough to see that every part works, and nothing more."""


def start_copying(model: Any) -> None:
    """Give a new Llama the two heads that copying takes, rather than wait until it has found them.

    What takes a small model most of its training is to find out how to look a name up.

    Who copies a name looks for the token that it wrote last, where it stands in the text, and writes the one behind it
    (https://arxiv.org/abs/2209.11895). So one layer has to see at each place what stands before it, and a later one has
    to hand on what it looks at. Here half of the heads in the first layer look one place back, and values go through
    all other layers as they are (as in https://arxiv.org/abs/2305.09828). What to look for remains to be learnt.

    Args:
        model: A `LlamaForCausalLM` with biases in its attention and as many heads for keys as for queries.
    """
    import torch

    first, *others = model.model.layers
    width, size = model.config.hidden_size, model.config.head_dim
    # A place turns these entries of queries and keys by an angle. Biases that are one such angle apart agree best where
    # the key is one place before the query.
    angles = model.model.rotary_emb.inv_freq[:_PAIRS]
    with torch.no_grad():
        for head in range(0, width // 2, size):
            start, turned = slice(head, head + _PAIRS), slice(head + size // 2, head + size // 2 + _PAIRS)
            first.self_attn.k_proj.bias[start] = _STRENGTH
            first.self_attn.q_proj.bias[start] = _STRENGTH * angles.cos()
            first.self_attn.q_proj.bias[turned] = -_STRENGTH * angles.sin()
        for layer in others:
            for projection in (layer.self_attn.v_proj, layer.self_attn.o_proj):
                projection.weight.copy_(torch.eye(width))


def learn(
    model: Any, tokenizer: Any, rows: Any, folder: Path, seed: int, recipe: Recipe, callbacks: list[Any]
) -> dict[str, Any]:
    """Train a small model on a CPU and save it with its tokenizer.

    Args:
        model: A decoder of transformers.
        tokenizer: Its tokenizer.
        rows: Encoded rows, see `tokenization.encode`.
        folder: Where to.
        seed: Of the order of the rows.
        recipe: How much, and how fast.
        callbacks: For the trainer.

    Returns:
        What the run record says of it: options, history, seconds, tokens per second, hardware.
    """
    import torch
    from transformers import Trainer

    from ..training.record import hardware
    from ..training.sampler import grouped
    from .muon import Muon

    config = _config(folder, seed, recipe)
    # transformers would go from long rows to short ones, again and again.
    order = grouped(rows["length"][:], recipe.batch, torch.Generator().manual_seed(seed))
    optimizer = Muon(model, recipe.learning_rate)
    trainer = Trainer(
        model,
        config,
        data_collator=answers_last(tokenizer),
        train_dataset=rows.select(order),
        callbacks=callbacks,
        optimizers=(optimizer, None),
    )
    seconds = trainer.train().metrics["train_runtime"]
    model.save_pretrained(folder)
    tokenizer.save_pretrained(folder)
    return {
        "options": {
            "optim": "muon for matrices, adamw for the rest",
            **{name: getattr(config, name) for name in ("learning_rate", "max_steps", "warmup_steps", "max_grad_norm")},
            "per_device_train_batch_size": recipe.batch,
        },
        "history": [entry for entry in trainer.state.log_history if "loss" in entry],
        "seconds": seconds,
        "tokens_per_second": round(trainer.state.num_input_tokens_seen / seconds, 1),
        "hardware": hardware(config),
    }


def _config(folder: Path, seed: int, recipe: Recipe) -> Any:
    from transformers import TrainingArguments

    return TrainingArguments(
        output_dir=str(folder),
        max_steps=recipe.steps,
        per_device_train_batch_size=recipe.batch,
        learning_rate=recipe.learning_rate,
        lr_scheduler_type="linear",
        warmup_steps=0.05,
        train_sampling_strategy="sequential",
        include_num_input_tokens_seen="non_padding",
        logging_steps=10,
        save_strategy="no",
        report_to="none",
        disable_tqdm=True,
        seed=seed,
        use_cpu=True,
    )


def answers_last(tokenizer: Any) -> Any:
    """A function that makes batches whose rows end together: what comes before the longest answer needs no logits."""
    from transformers import DataCollatorForSeq2Seq

    tokenizer.padding_side = "left"
    pad = DataCollatorForSeq2Seq(tokenizer)

    def collate(rows: list[dict[str, Any]]) -> dict[str, Any]:
        batch = pad([{name: row[name] for name in ("input_ids", "labels")} for row in rows])
        places = int((batch["labels"] != IGNORED).sum(1).max()) + 1  # each token is predicted at the place before it
        return {**batch, "labels": batch["labels"][:, -places:], "logits_to_keep": places}

    return collate
