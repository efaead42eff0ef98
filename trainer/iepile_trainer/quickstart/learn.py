"""The training of the quickstart: float32, Muon, and of each row only the answer projected onto the vocabulary."""

from pathlib import Path
from typing import Any

from ..tokenization.encode import IGNORED
from .recipe import Recipe


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
    from transformers import Trainer, TrainingArguments

    from ..training.sampler import grouped
    from ..training.train import hardware
    from .muon import Muon

    config = TrainingArguments(
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
