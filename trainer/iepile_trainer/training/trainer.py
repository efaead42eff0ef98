"""The trainer: transformers' and TRL's, with this package's order of rows, checks and evaluation.

Each override says where the method that it changes was read: transformers 5.23.0 and trl 1.16.0. Where one of them
moves, these are the places to look at.
"""

import copy
import math
import os
import random
import shutil
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import numpy as np
import torch
from accelerate.data_loader import prepare_data_loader
from peft import get_peft_model
from torch.utils.data import DataLoader
from transformers import DataCollatorForSeq2Seq, Trainer, set_seed
from transformers.utils import logging
from trl import SFTTrainer

from ..errors import TrainerError
from ..run_folder import last_checkpoint, saving
from ..tokenization.encode import IGNORED
from .arguments import by_f1
from .beginnings import can_share, sharing
from .projection import answers_alone
from .sampler import EpochFollower, EpochSampler
from .stream import EpochStream


class InstructionTrainer(Trainer):
    """Trains on encoded rows, each exactly once an epoch on any number of processes; as it is, encoder-decoders.

    It stops at a loss that is no number, leaves no half-written checkpoint, and lets the model answer a sample at
    each evaluation.

    Attributes:
        stream: Where rows come from in place of `train_dataset`; None for a dataset.
        draws: How many draws of the labels `train_dataset` holds behind each other.
        record_ids: File for the ids of the rows that this process trains on.
        sample: Answered and scored at each evaluation, see `evaluate.SampleEvaluation`; None to evaluate by the loss.
    """

    stream: EpochStream | None = None
    draws: int = 1
    record_ids: str | None = None
    sample: Callable[[Any], dict[str, float]] | None = None

    def get_train_dataloader(self) -> Any:
        """Batches of this process (transformers.Trainer, which knows no stream that shares itself out)."""
        if self.stream is None:
            return super().get_train_dataloader()
        loader = DataLoader(
            self.stream,
            batch_size=self.args.train_batch_size,
            collate_fn=self.data_collator,
            pin_memory=self.args.dataloader_pin_memory,
        )
        # One process, as far as accelerate is concerned: the rows are this process's own already.
        return prepare_data_loader(
            loader, self.args.device, num_processes=1, process_index=0, put_on_device=True, dispatch_batches=False
        )

    def _get_train_sampler(self, train_dataset: Any = None) -> Any:
        """transformers.Trainer, whose samplers draw from the global random state."""
        strategy = self.args.train_sampling_strategy
        if strategy not in ("random", "group_by_length"):
            return super()._get_train_sampler(train_dataset)
        batch = self.args.train_batch_size * self.args.gradient_accumulation_steps * self.args.world_size
        by_length = strategy == "group_by_length" and not self.args.packing
        sampler = EpochSampler(self.train_dataset["length"][:], batch, self.args.seed, by_length, self.draws)
        self.add_callback(EpochFollower(sampler))
        return sampler

    def _prepare_inputs(self, inputs: dict[str, Any]) -> Any:
        """transformers.Trainer; the ids that `naming` put in are no input, in training they are written down."""
        ids = inputs.pop("ids", None)
        if ids and self.record_ids and self.model.training:
            with open(self.record_ids, "a", encoding="utf-8") as file:
                file.writelines(f"{id}\n" for id in ids)
        return super()._prepare_inputs(inputs)

    def training_step(self, *args: Any, **kwargs: Any) -> Any:
        """One batch (trl.SFTTrainer, transformers.Trainer); nothing is learnt from a loss that is no number."""
        loss = super().training_step(*args, **kwargs)
        self._check_finite("loss", loss)
        return loss

    def _clip_grad_norm(self, model: Any) -> Any:
        """transformers.Trainer."""
        norm = super()._clip_grad_norm(model)
        if norm is not None and self.accelerator.scaler is None:  # a scaler takes care of it
            self._check_finite("gradient", norm)
        return norm

    def _check_finite(self, name: str, value: Any) -> None:
        number = float(value)
        if math.isfinite(number):
            return
        rate = self.lr_scheduler.get_last_lr()[0] if self.lr_scheduler is not None else self.args.learning_rate
        good = last_checkpoint(self.args.output_dir)
        kept = f"the last good checkpoint is {good}" if good else "no checkpoint was written before it"
        start = f", to go on from there add --model_name_or_path {good}" if good else ""
        raise TrainerError(
            f"the {name} is {number} in step {self.state.global_step + 1} at learning rate {rate:.3g}; {kept} (try a "
            f"lower --learning_rate or --max_grad_norm, or another --dtype, and another --output_dir{start})"
        )

    def evaluate(self, *args: Any, **kwargs: Any) -> Any:
        """Evaluate (trl.SFTTrainer, transformers.Trainer); training goes on as if nothing had happened."""
        with unchanged_random_state():
            return super().evaluate(*args, **kwargs)

    def evaluation_loop(self, *args: Any, **kwargs: Any) -> Any:
        """Evaluate one dataset (transformers.Trainer), with the sample: its scores stand among the metrics."""
        output = super().evaluation_loop(*args, **kwargs)
        if self.sample is not None and kwargs.get("metric_key_prefix", "eval") == "eval":
            output.metrics.update(self.sample(self))
        return output

    def _determine_best_metric(self, *args: Any, **kwargs: Any) -> bool:
        """transformers.Trainer; of weights that cannot answer anything yet the newest are the best, not the first."""
        if by_f1(self.args) and self.state.best_metric == 0:
            self.state.best_metric = None
        return bool(super()._determine_best_metric(*args, **kwargs))

    def _save_checkpoint(self, model: Any, trial: Any) -> None:
        """trl.SFTTrainer, transformers.Trainer; half a checkpoint is of no use, and takes the room that is lacking."""
        folder = Path(self.args.output_dir) / f"checkpoint-{self.state.global_step}"
        if self.args.should_save:
            _age_checkpoints(folder.parent)
        try:
            with saving(folder):
                super()._save_checkpoint(model, trial)
        except TrainerError:
            if self.args.should_save:
                shutil.rmtree(folder, ignore_errors=True)
            raise

    def _save_rng_state(self, output_dir: str) -> None:
        """transformers.Trainer, which then writes what makes a checkpoint whole: every process has to be this far."""
        super()._save_rng_state(output_dir)
        self.accelerator.wait_for_everyone()

    def create_model_card(self, *args: Any, **kwargs: Any) -> None:
        """Leave README.md (transformers.Trainer, trl.SFTTrainer) to the cards, which are written from the scores."""


def _age_checkpoints(folder: Path) -> None:
    """Let the times of checkpoints follow their numbers: transformers deletes by time, and clocks go back."""
    latest = time.time()
    numbers = {path: int(path.name.rpartition("-")[2]) for path in folder.glob("checkpoint-*")}
    for checkpoint in sorted(numbers, key=lambda path: numbers[path], reverse=True):
        latest = min(latest - 1, checkpoint.stat().st_mtime)
        os.utime(checkpoint, (latest, latest))


class DecoderTrainer(InstructionTrainer, SFTTrainer):
    """The same over TRL's trainer: packing, adapters, and a loss that projects answers alone.

    On a CPU, where TRL projects all tokens, that is seen to here; and what the prompts of a batch begin with is
    computed once, see `beginnings`.
    """

    data_collator: Any
    _total_train_tokens: int

    def get_train_dataloader(self) -> Any:
        """Batches of this process (transformers.Trainer), joined where their model can tell the rows apart."""
        alone = self.data_collator
        if not self.padding_free and can_share(self.model):
            self.data_collator = sharing(alone)
        try:
            return super().get_train_dataloader()
        finally:
            self.data_collator = alone  # evaluations weigh batches by their rows

    def compute_loss(self, model: Any, inputs: dict[str, Any], *args: Any, **kwargs: Any) -> Any:
        """The loss of a batch (trl.SFTTrainer, which counts tokens by their mask: that of joined rows has more)."""
        before = self._total_train_tokens
        with answers_alone(self.model, inputs) as given:
            loss = super().compute_loss(model, given, *args, **kwargs)
        if getattr(inputs.get("attention_mask"), "ndim", 0) == 4:
            tokens = torch.tensor(inputs["input_ids"].numel(), device=inputs["input_ids"].device)
            self._total_train_tokens = before + int(self.accelerator.gather_for_metrics(tokens).sum())
            self._metrics["train"]["num_tokens"] = [self._total_train_tokens]
        return loss


def new_trainer(
    model: Any,
    config: Any,
    rows: Any,
    draws: int,
    eval_rows: Any,
    tokenizer: Any,
    peft_config: Any = None,
    callbacks: list[Any] | None = None,
    record_ids: str | None = None,
) -> InstructionTrainer:
    """A trainer for a model.

    Args:
        model: The model.
        config: A `trl.SFTConfig`.
        rows: Encoded rows as `sampler.ready` gives them, or an `EpochStream`.
        draws: How many draws of the labels stand behind each other in `rows`.
        eval_rows: Encoded rows for evaluation, None for none.
        tokenizer: Its tokenizer.
        peft_config: For an adapter on a model that has none yet; None otherwise.
        callbacks: More callbacks.
        record_ids: File to which each process (`.0`, `.1`, …) writes the ids of the rows it trains on.

    Raises:
        TrainerError: `record_ids` with rows that are no longer told apart.
    """
    config = copy.copy(config)
    config.model_init_kwargs = None  # the model is there
    # The rows are in their final form: nothing is left to cut, to drop or to pack.
    config.dataset_kwargs = {**(config.dataset_kwargs or {}), "skip_prepare_dataset": True}
    if record_ids is not None:
        if config.packing or config.padding_free:
            raise TrainerError("--record_ids needs rows one by one: add --packing false --padding_free false")
        config.remove_unused_columns = False
    if config.process_index:
        logging.set_verbosity_error()
    stream = rows if isinstance(rows, EpochStream) else None
    options: dict[str, Any] = {"args": config, "eval_dataset": eval_rows, "callbacks": callbacks}
    options |= {"train_dataset": rows if stream is None else stream.draws[0], "processing_class": tokenizer}
    trainer: InstructionTrainer
    if model.config.is_encoder_decoder:
        if peft_config is not None:
            set_seed(config.seed)  # an adapter starts from random weights
            model = get_peft_model(model, peft_config)
        collate = seq2seq_collator(tokenizer, model)
        trainer = InstructionTrainer(model, data_collator=collate, compute_loss_func=mean_loss, **options)
    else:
        trainer = DecoderTrainer(model, peft_config=peft_config, **options)
    trainer.stream, trainer.draws = stream, draws
    if record_ids is not None:
        trainer.record_ids = f"{record_ids}.{config.process_index}"
        trainer.data_collator = naming(trainer.data_collator)
    return trainer


def naming(collate: Callable[[list[dict[str, Any]]], Any]) -> Callable[[list[dict[str, Any]]], Any]:
    """Wrap a collator so that each batch carries the ids of its rows, as `ids`; blank rows have none."""
    return lambda rows: {**collate(rows), "ids": [row["id"] for row in rows if row.get("id")]}


def seq2seq_collator(tokenizer: Any, model: Any) -> Callable[[list[dict[str, Any]]], Any]:
    """Rows into a batch: prompts and answers padded apart, the decoder's input made from the answers."""
    tokenizer = copy.copy(tokenizer)
    tokenizer.padding_side = "right"  # the decoder starts at the left edge, whatever side prompts like
    pad = DataCollatorForSeq2Seq(tokenizer, model=model, label_pad_token_id=IGNORED)
    return lambda rows: pad([{name: row[name] for name in ("input_ids", "labels")} for row in rows])


def mean_loss(outputs: Any, labels: Any, num_items_in_batch: Any = None) -> Any:
    """Cross entropy per answer token of the whole step, over all processes and accumulated batches.

    The model's own loss is the mean of one batch: tokens of small batches would weigh more, and a batch of blank
    rows would be 0 / 0.
    """
    total = torch.nn.functional.cross_entropy(
        outputs.logits.flatten(0, 1).float(), labels.flatten(), ignore_index=IGNORED, reduction="sum"
    )
    count = (labels != IGNORED).sum() if num_items_in_batch is None else num_items_in_batch
    return total / torch.as_tensor(count, device=total.device).clamp(min=1)


@contextmanager
def unchanged_random_state() -> Iterator[None]:
    """Put the state of every random generator back."""
    python, arrays = random.getstate(), np.random.get_state()
    devices = [torch.cuda.current_device()] if torch.cuda.is_available() else []
    try:
        with torch.random.fork_rng(devices):
            yield
    finally:
        random.setstate(python)
        np.random.set_state(arrays)
