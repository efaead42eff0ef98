"""One training: rows, a model and its configuration in; a run folder out."""

import copy
import time
from dataclasses import asdict
from pathlib import Path
from typing import Any

from .. import TrainerError
from ..data.arguments import DataArguments
from ..models.load import FORM
from .monitoring import WatchArguments, Watching

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
    adapter: str | None = None,
    callbacks: list[Any] | None = None,
    overwrite: bool = False,
    record_ids: str | None = None,
    watch: WatchArguments | None = None,
    dry_run: bool = False,
) -> dict[str, Any]:
    """Train on rows and leave a run folder: weights, tokenizer with its chat template, `run.json`.

    Args:
        model: A model, or the path or Hub id of a whole one. An encoder-decoder trains as such.
        tokenizer: Its tokenizer; gets the prompt format `data.prompt_format`.
        rows: A `datasets.Dataset` of rows, see `encode.encode`, or a stream of them (or several, one for each draw).
        config: A `trl.SFTConfig`, see `arguments.training_config`; its `output_dir` is the run folder.
        data: Where the rows came from, for the record, and what happens to over-long ones.
        peft_config: A `peft.LoraConfig` to train an adapter; None for all weights.
        eval_rows: Rows for the evaluation that `config.eval_strategy` asks for.
        quantization_config: For a model given by its path.
        adapter: An adapter of that model to go on with, in place of `peft_config`.
        callbacks: More callbacks for the trainer.
        overwrite: Throw away the run that is in the folder.
        record_ids: File to which each process (`.0`, `.1`, …) writes the ids of the rows it trains on.
        watch: How evaluations predict a sample of `eval_rows`, and when to stop early.
        dry_run: Stop after the report on rows, steps and memory; nothing is written, and no weights are loaded.

    Returns:
        The record, as written to `run.json` by the first process.

    Raises:
        TrainerError: A finished or another run is in the folder, no row can be trained on, a loss is no number,
            or the folder cannot be written.
    """
    from iepile_cards import write_model_card

    from ..data.load import manifest
    from ..formats import use_format
    from ..models.load import load_trainable
    from ..models.precision import restore_adapter, training_weights
    from ..run_folder import read_run, write_run
    from ..tokenization.encode import check_vocabulary, encode
    from .estimate import bits_of, outline, sharing, with_adapter
    from .failures import saving
    from .feeding import Feed, told
    from .peft_setup import adapter_config, is_seq2seq, keep_start, named_modules, save_plain, suited
    from .plot import draw_curve
    from .stream import check_rows

    data = data or DataArguments(dataset=["rows"])
    seq2seq = is_seq2seq(model, config)
    new_adapter = peft_config
    if adapter is not None:
        new_adapter, peft_config = None, adapter_config(adapter)
    elif peft_config is not None and seq2seq:
        peft_config.task_type = "SEQ_2_SEQ_LM"
    name = model if isinstance(model, str) else model.config._name_or_path
    plan = {
        "base_model": name or None,
        "adapter": adapter,
        "method": "lora" if peft_config is not None else "full",
        "data": asdict(data),
        "options": _options(config, peft_config, quantization_config),
        "seed": config.seed,
        "processes": config.world_size,  # the order of the rows hangs on it
        "load": _loading(model, config),
    }
    first = config.process_index == 0
    check_rows(rows, config, data)
    checkpoint = None if dry_run else _claimed(config.output_dir, plan, overwrite, first)
    bare = tokenizer.chat_template is None
    prompt_format = use_format(tokenizer, data.prompt_format)
    if first and bare and data.prompt_format is None:
        print(f"the tokenizer has no chat template: prompts are in the format {prompt_format!r}", flush=True)
    watching = Watching(watch or WatchArguments(), config, eval_rows, tokenizer, data.eval_split)
    with config.main_process_first(desc="tokenising"):
        encoded, lengths = encode(rows, tokenizer, config.max_length, data.overlong, config.dataset_num_proc, seq2seq)
        held_out = held_lengths = None
        if eval_rows is not None:
            held_out, held_lengths = encode(
                eval_rows, tokenizer, config.max_length, data.overlong, config.dataset_num_proc, seq2seq
            )
    named = (config.model_init_kwargs or {}).get("dtype") or "auto"
    dtype = training_weights(named, config, learning=peft_config is None)
    if isinstance(model, str) and dry_run:
        model = outline(model, config, dtype, seq2seq)
    elif isinstance(model, str):
        model = load_trainable(model, config, dtype, adapter, quantization_config, seq2seq)
    check_vocabulary(model, tokenizer, encoded)
    config, changes = suited(config, model)
    if first and changes:
        print(*changes, sep="\n", flush=True)
    feed, sources = Feed.of(encoded, config, tokenizer.pad_token_id), manifest(encoded, data, data.train_split)
    if dry_run:
        with named_modules():
            outlined, bits = with_adapter(model, peft_config), bits_of(quantization_config)
        return told(feed, lengths, sources, config, outlined, bits=bits, held=held_lengths)
    with named_modules():
        trainer = _trainer(model, config, feed, held_out, tokenizer, new_adapter, callbacks, record_ids)
    if quantization_config is not None:
        restore_adapter(trainer.model, dtype)
    report = told(feed, lengths, sources, config, trainer.model, sharing(trainer), held=held_lengths)
    keep_start(trainer)
    if first and checkpoint:
        print(f"resuming from {checkpoint}", flush=True)
    watching.attach(trainer)
    start = time.perf_counter()
    trainer.train(resume_from_checkpoint=checkpoint)
    seconds = time.perf_counter() - start
    with saving(Path(config.output_dir)):
        trainer.save_model()
        save_plain(trainer)
    trainer.accelerator.wait_for_everyone()
    history = [entry for entry in trainer.state.log_history if "loss" in entry or "eval_loss" in entry]
    resumed_from = int(Path(checkpoint).name.rpartition("-")[2]) if checkpoint else None
    tokens = max((entry.get("num_tokens", 0) for entry in history if entry["step"] > (resumed_from or 0)), default=0)
    record = {
        "base_model": plan["base_model"],
        "adapter": adapter,
        "method": plan["method"],
        "prompt_format": prompt_format,
        **report,
        **feed.read(data),
        "options": _options(config, peft_config, quantization_config),
        "seed": config.seed,
        "history": history,
        "resumed_from": resumed_from,  # a step; seconds and speed are those since then
        "seconds": round(seconds, 2),
        "tokens_per_second": round(tokens / seconds, 1) if seconds else None,
        "hardware": _hardware(config),
        **watching.record(trainer),
    }
    if first:
        # A pickle of this machine's paths: of no use to a model, and flagged where models are shared.
        Path(config.output_dir, "training_args.bin").unlink(missing_ok=True)
        write_run(config.output_dir, record)
        draw_curve(config.output_dir, history, {}, record["best"])
        write_model_card(config.output_dir)
    trainer.accelerator.wait_for_everyone()
    return read_run(config.output_dir)


def _trainer(
    model: Any,
    config: Any,
    feed: Any,
    held_out: Any,
    tokenizer: Any,
    peft_config: Any,
    callbacks: list[Any] | None,
    record_ids: str | None,
) -> Any:
    """A trainer that takes the rows as they are encoded, each exactly once an epoch."""
    from transformers import Seq2SeqTrainer
    from transformers.utils import logging
    from trl import SFTTrainer
    from trl.trainer.sft_trainer import DataCollatorForLanguageModeling

    from .evaluate import Examined
    from .failures import Guarded
    from .feeding import Fed
    from .sampler import naming
    from .seq2seq import seq2seq_trainer

    config = copy.copy(config)
    config.model_init_kwargs = None  # the model is there
    # The rows are in their final form: nothing is left to cut, to drop or to pack.
    config.dataset_kwargs = {**(config.dataset_kwargs or {}), "skip_prepare_dataset": True}
    record = None
    if record_ids is not None:
        if config.packing or config.padding_free:
            raise TrainerError("--record_ids needs rows one by one: add --packing false --padding_free false")
        config.remove_unused_columns = False
        record = naming
    if config.process_index:
        logging.set_verbosity_error()
    given = {"train_dataset": feed.rows, "eval_dataset": held_out, "callbacks": callbacks}
    if model.config.is_encoder_decoder:
        kind = type("Trainer", (Guarded, Fed, Examined, Seq2SeqTrainer), {})
        trainer = seq2seq_trainer(model, config, peft_config, tokenizer, kind, record, **given)
    else:
        kind = type("Trainer", (Guarded, Fed, Examined, SFTTrainer), {})
        collate = record and record(DataCollatorForLanguageModeling(tokenizer.pad_token_id))
        trainer = kind(
            model=model,
            args=config,
            processing_class=tokenizer,
            peft_config=peft_config,
            data_collator=collate,
            **given,
        )
    trainer.passes, trainer.draws = feed.passes, feed.draws
    trainer.record_ids = record_ids and f"{record_ids}.{config.process_index}"
    return trainer


def _claimed(folder: str, plan: dict[str, Any], overwrite: bool, first: bool) -> str | None:
    """The first process claims the folder; all of them learn the checkpoint, or why they cannot go on."""
    from accelerate.utils import broadcast_object_list

    from ..run_folder import claim

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


def _options(config: Any, peft_config: Any, quantization_config: Any = None) -> dict[str, Any]:
    """The hyper-parameters of a run, ready for JSON."""
    options = {name: _plain(getattr(config, name)) for name in _OPTIONS}
    if quantization_config is not None:
        options["bits"] = 4 if quantization_config.load_in_4bit else 8
        if quantization_config.load_in_4bit:
            options |= {name: getattr(quantization_config, name) for name in FORM}
    if peft_config is not None:
        options |= {f"lora_{name.removeprefix('lora_')}": _plain(getattr(peft_config, name)) for name in _LORA}
    return options


def _loading(model: Any, config: Any) -> dict[str, Any]:
    """How the weights come to be, as far as the record does not say."""
    if isinstance(model, str):
        return {name: value and str(value) for name, value in (config.model_init_kwargs or {}).items()}
    return {"parameters": sum(weight.numel() for weight in model.parameters())}


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
