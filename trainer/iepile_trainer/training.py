"""One training: rows, a model and its configuration in; a run folder out."""

import copy
import time
from dataclasses import asdict
from pathlib import Path
from typing import Any

from . import TrainerError
from .arguments import DataArguments

_OPTIONS = (
    "learning_rate", "lr_scheduler_type", "warmup_steps", "num_train_epochs", "max_steps", "optim", "weight_decay",
    "max_grad_norm", "per_device_train_batch_size", "gradient_accumulation_steps", "max_length", "packing",
    "train_sampling_strategy", "loss_type", "bf16", "fp16", "activation_checkpointing", "neftune_noise_alpha",
)  # fmt: skip
_LORA = ("r", "lora_alpha", "lora_dropout", "target_modules", "use_rslora", "use_dora", "init_lora_weights")


def train(
    model: Any,
    tokenizer: Any,
    rows: Any,
    config: Any,
    data: DataArguments | None = None,
    *,
    peft_config: Any = None,
    eval_rows: Any = None,
    quantization_config: Any = None,
    callbacks: list[Any] | None = None,
    overwrite: bool = False,
    record_ids: str | None = None,
) -> dict[str, Any]:
    """Train on rows and leave a run folder: weights, tokenizer with its chat template, `run.json`.

    Args:
        model: A model, or the path or Hub id of one.
        tokenizer: Its tokenizer; gets the prompt format `data.prompt_format`.
        rows: A `datasets.Dataset` of rows, see `tokens.encode`.
        config: A `trl.SFTConfig`, see `arguments.training_config`; its `output_dir` is the run folder.
        data: Where the rows came from, for the record, and what happens to over-long ones.
        peft_config: A `peft.LoraConfig` to train an adapter; None for all weights.
        eval_rows: Rows for the evaluation that `config.eval_strategy` asks for.
        quantization_config: For a model given by its path.
        callbacks: More callbacks for the trainer.
        overwrite: Throw away the run that is in the folder.
        record_ids: File to which each process (`.0`, `.1`, …) writes the ids of the rows it trains on.

    Returns:
        The record, as written to `run.json` by the first process.

    Raises:
        TrainerError: A finished or another run is in the folder, or no row can be trained on.
    """
    from iepile_cards import write_model_card

    from .data import manifest
    from .formats import use_format
    from .runs import read_run, write_run
    from .tokens import encode

    data = data or DataArguments(dataset="rows")
    name = model if isinstance(model, str) else model.config._name_or_path
    plan = {
        "base_model": name or None,
        "method": "lora" if peft_config is not None else "full",
        "data": asdict(data),
        "options": _options(config, peft_config),
        "seed": config.seed,
    }
    first = config.process_index == 0
    checkpoint = _claimed(config.output_dir, plan, overwrite, first)
    prompt_format = use_format(tokenizer, data.prompt_format)
    with config.main_process_first(desc="tokenising"):
        encoded, lengths = encode(rows, tokenizer, config.max_length, data.overlong, config.dataset_num_proc)
        held_out = eval_rows and encode(eval_rows, tokenizer, config.max_length, "drop", config.dataset_num_proc)[0]
    if first:
        print(lengths, flush=True)
    trainer = _trainer(
        model, config, encoded, held_out, tokenizer, peft_config, quantization_config, callbacks, record_ids
    )
    if first and checkpoint:
        print(f"resuming from {checkpoint}", flush=True)
    start = time.perf_counter()
    trainer.train(resume_from_checkpoint=checkpoint)
    seconds = time.perf_counter() - start
    trainer.save_model()
    trainer.accelerator.wait_for_everyone()
    history = [entry for entry in trainer.state.log_history if "loss" in entry or "eval_loss" in entry]
    tokens = max((entry.get("num_tokens", 0) for entry in history), default=0)
    record = {
        "base_model": plan["base_model"],
        "method": plan["method"],
        "prompt_format": prompt_format,
        "data": manifest(encoded, data, data.train_split),
        "lengths": lengths.as_dict(),
        "options": plan["options"],
        "seed": config.seed,
        "history": history,
        "seconds": round(seconds, 2),
        "tokens_per_second": round(tokens / seconds, 1) if seconds else None,
        "hardware": _hardware(config),
    }
    if first:
        # A pickle of this machine's paths: of no use to a model, and flagged where models are shared.
        Path(config.output_dir, "training_args.bin").unlink(missing_ok=True)
        write_run(config.output_dir, record)
        write_model_card(config.output_dir)
    trainer.accelerator.wait_for_everyone()
    return read_run(config.output_dir)


def _trainer(
    model: Any,
    config: Any,
    encoded: Any,
    held_out: Any,
    tokenizer: Any,
    peft_config: Any,
    quantization_config: Any,
    callbacks: list[Any] | None,
    record_ids: str | None,
) -> Any:
    """An SFTTrainer that takes the rows as they are encoded, each exactly once an epoch."""
    from transformers.utils import logging
    from trl import SFTTrainer
    from trl.trainer.sft_trainer import DataCollatorForLanguageModeling

    from .batches import ByLength, even, recording

    class Trainer(SFTTrainer):
        def _get_train_sampler(self, train_dataset: Any = None) -> Any:
            if self.args.train_sampling_strategy != "group_by_length" or self.args.packing:
                return super()._get_train_sampler(train_dataset)
            together = self.args.train_batch_size * self.args.gradient_accumulation_steps * self.args.world_size
            return ByLength(self.train_dataset["length"][:], together, self.args.seed)

        def create_model_card(self, *args: Any, **kwargs: Any) -> None:
            """Leave README.md to the cards, which are written from the scores."""

    config = copy.copy(config)
    if not config.packing:  # the rows are in their final form: nothing is left to cut or to drop
        config.dataset_kwargs = {**(config.dataset_kwargs or {}), "skip_prepare_dataset": True}
    collate = None
    if record_ids is not None:
        if config.packing or config.padding_free:
            raise TrainerError("--record_ids needs rows one by one: leave out --packing and --padding_free")
        config.remove_unused_columns = False
        collate = recording(
            DataCollatorForLanguageModeling(tokenizer.pad_token_id), f"{record_ids}.{config.process_index}"
        )
    if config.process_index:
        logging.set_verbosity_error()
    trainer = Trainer(
        model=model,
        args=config,
        train_dataset=encoded,
        eval_dataset=held_out,
        processing_class=tokenizer,
        peft_config=peft_config,
        quantization_config=quantization_config,
        callbacks=callbacks,
        data_collator=collate,
    )
    if config.world_size > 1:
        together = config.world_size * config.train_batch_size
        trainer.train_dataset = even(trainer.train_dataset, together, tokenizer.pad_token_id)
    return trainer


def _claimed(folder: str, plan: dict[str, Any], overwrite: bool, first: bool) -> str | None:
    """The first process claims the folder; all of them learn the checkpoint, or why they cannot go on."""
    from accelerate.utils import broadcast_object_list

    from .runs import claim

    told: list[str | None] = [None, None]
    if first:
        try:
            found = claim(folder, plan, overwrite)
            told = [str(found) if found else None, None]
        except TrainerError as problem:
            told = [None, str(problem)]
    checkpoint, refusal = broadcast_object_list(told)
    if refusal:
        raise TrainerError(refusal)
    return checkpoint


def _options(config: Any, peft_config: Any) -> dict[str, Any]:
    """The hyper-parameters of a run, ready for JSON."""
    options = {name: _plain(getattr(config, name)) for name in _OPTIONS}
    if peft_config is not None:
        options |= {f"lora_{name.removeprefix('lora_')}": _plain(getattr(peft_config, name)) for name in _LORA}
    return options


def _plain(value: Any) -> Any:
    value = getattr(value, "value", value)
    return sorted(value) if isinstance(value, set) else value


def _hardware(config: Any) -> dict[str, Any]:
    import platform

    import torch

    on_gpu = config.device.type == "cuda"
    device = torch.cuda.get_device_name() if on_gpu else platform.processor() or platform.machine()
    return {
        "device": device if on_gpu else f"CPU ({device}, {torch.get_num_threads()} threads)",
        "count": config.world_size if on_gpu else 1,
        "processes": config.world_size,
    }
