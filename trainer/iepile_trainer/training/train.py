"""One training: rows, a model and its configuration in; a run folder out."""

import time
from dataclasses import asdict
from pathlib import Path
from typing import Any

from ..data.arguments import DataArguments
from ..errors import TrainerError
from ..models.load import FORM
from .arguments import WatchArguments

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
    from ..data.load import manifest
    from ..formats import use_format
    from ..models.load import load_trainable
    from ..models.precision import restore_adapter, training_weights
    from ..tokenization.encode import check_vocabulary, is_stream
    from .estimate import bits_of, outline, plan, sharing, with_adapter
    from .monitoring import attach, sample_of
    from .peft_setup import adapter_config, is_seq2seq, keep_start, named_modules, suited
    from .stream import check_rows
    from .trainer import new_trainer

    data, watch = data or DataArguments(dataset=["rows"]), watch or WatchArguments()
    seq2seq, first = is_seq2seq(model, config), config.process_index == 0
    new_adapter = peft_config
    if adapter is not None:
        new_adapter, peft_config = None, adapter_config(adapter)
    elif peft_config is not None and seq2seq:
        peft_config.task_type = "SEQ_2_SEQ_LM"
    base = model if isinstance(model, str) else model.config._name_or_path
    record = {
        "base_model": base or None,
        "adapter": adapter,
        "method": "lora" if peft_config is not None else "full",
        "seed": config.seed,
    }
    intent = {
        **record,
        "data": asdict(data),
        "options": _options(config, peft_config, quantization_config),
        "processes": config.world_size,  # the order of the rows hangs on it
        "load": _loading(model, config),
    }
    check_rows(rows, config, data)
    checkpoint = None if dry_run else _claimed(config.output_dir, intent, overwrite, first)
    without_template = tokenizer.chat_template is None
    record["prompt_format"] = use_format(tokenizer, data.prompt_format)
    if first and without_template and data.prompt_format is None:
        print(f"the tokenizer has no chat template: prompts are in the format {record['prompt_format']!r}", flush=True)
    sample = sample_of(watch, config, eval_rows, tokenizer, data.eval_split)
    encoded, lengths, held_out, held_lengths = _encoded(rows, eval_rows, tokenizer, config, data, seq2seq)
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
    ready, draws = _ready(encoded, config, tokenizer.pad_token_id)
    size = None if is_stream(encoded) else len(ready)
    facts = (lengths, held_lengths, manifest(encoded, data, data.train_split), first)
    if dry_run:
        with named_modules():
            outlined = with_adapter(model, peft_config)
        return _report(plan(config, outlined, size, lengths, draws, bits=bits_of(quantization_config)), *facts)
    with named_modules():
        trainer = new_trainer(model, config, ready, draws, held_out, tokenizer, new_adapter, callbacks, record_ids)
    if quantization_config is not None:
        restore_adapter(trainer.model, dtype)
    record |= _report(plan(config, trainer.model, size, lengths, draws, sharing(trainer)), *facts)
    keep_start(trainer)
    if first and checkpoint:
        print(f"resuming from {checkpoint}", flush=True)
    attach(trainer, watch, sample)
    seconds = _run(trainer, checkpoint)
    record |= {**_read(ready, data), "options": _options(config, peft_config, quantization_config)}
    return _finish(trainer, record, checkpoint, seconds)


def _claimed(folder: str, plan: dict[str, Any], overwrite: bool, first: bool) -> str | None:
    """The first process claims the folder; all of them learn the checkpoint, or why they cannot go on."""
    from accelerate.utils import broadcast_object_list

    from ..run_folder import claim

    checkpoint, refusal = None, None
    if first:
        try:
            checkpoint = claim(folder, plan, overwrite)
        except TrainerError as problem:
            refusal = str(problem)
    checkpoint, refusal = broadcast_object_list([checkpoint and str(checkpoint), refusal])
    if refusal:
        raise TrainerError(refusal)
    return checkpoint


def _encoded(
    rows: Any, eval_rows: Any, tokenizer: Any, config: Any, data: DataArguments, seq2seq: bool
) -> tuple[Any, Any, Any, Any]:
    """Rows and rows for evaluation as token ids, each with its report."""
    from ..tokenization.encode import encode

    how = (tokenizer, config.max_length, data.overlong, config.dataset_num_proc, seq2seq)
    with config.main_process_first(desc="tokenising"):
        encoded = encode(rows, *how)
        return (*encoded, *((None, None) if eval_rows is None else encode(eval_rows, *how)))


def _ready(encoded: Any, config: Any, filler: int) -> tuple[Any, int]:
    """Encoded rows as `new_trainer` takes them, and how many draws stand behind each other in them."""
    from ..tokenization.encode import draws_of, is_stream
    from .sampler import ready
    from .stream import EpochStream

    if is_stream(encoded):
        return EpochStream(encoded, config, filler), 1
    draws = draws_of(encoded)
    return ready(draws, config, filler), len(draws)


def _report(
    planned: Any, lengths: Any, held_lengths: Any, sources: list[dict[str, Any]], first: bool
) -> dict[str, Any]:
    """The report before a training, printed by the first process and returned for the run's record."""
    if first:
        print(lengths)
        for entry in sources:
            by_source = ", ".join(f"{name or 'no source'} {count:,}" for name, count in entry["rows_by_source"].items())
            print(f"{entry['config']}: rows {entry['rows']:,}, tokens {entry['tokens']:,} ({by_source})")
        if held_lengths is not None:
            print(f"evaluation {held_lengths}".partition("\n")[0])
        print(planned, flush=True)
    return {"data": sources, "lengths": lengths.as_dict(), "plan": asdict(planned)}


def _run(trainer: Any, checkpoint: str | None) -> float:
    """Train and save; the seconds that training took."""
    from ..run_folder import saving
    from .peft_setup import save_plain

    start = time.perf_counter()
    trainer.train(resume_from_checkpoint=checkpoint)
    seconds = time.perf_counter() - start
    with saving(Path(trainer.args.output_dir)):
        trainer.save_model()
        save_plain(trainer)
    trainer.accelerator.wait_for_everyone()
    return seconds


def _read(rows: Any, data: DataArguments) -> dict[str, Any]:
    """What a stream turned out to hold, for the record; nothing for a dataset, which is known beforehand."""
    from ..data.load import manifest
    from .stream import EpochStream

    if not isinstance(rows, EpochStream):
        return {}
    tally = rows.read()
    return {"data": manifest(tally.sources, data, data.train_split), "lengths": tally.report().as_dict()}


def _finish(trainer: Any, record: dict[str, Any], checkpoint: str | None, seconds: float) -> dict[str, Any]:
    """Write record, picture and card; the record in every process."""
    from iepile_cards import write_model_card

    from ..run_folder import read_run, write_run
    from .monitoring import best_of
    from .plot import draw_curve

    folder, first = Path(trainer.args.output_dir), trainer.args.process_index == 0
    history = [entry for entry in trainer.state.log_history if "loss" in entry or "eval_loss" in entry]
    resumed_from = int(Path(checkpoint).name.rpartition("-")[2]) if checkpoint else None
    tokens = max((entry.get("num_tokens", 0) for entry in history if entry["step"] > (resumed_from or 0)), default=0)
    best = best_of(trainer)
    if first:
        if best and best["loaded"]:
            print(f"the weights are those of step {best['step']:,}, the best by {best['metric']}: {best['value']:.4f}")
        # A pickle of this machine's paths: of no use to a model, and flagged where models are shared.
        (folder / "training_args.bin").unlink(missing_ok=True)
        record |= {
            "history": history,
            "resumed_from": resumed_from,  # a step; seconds and speed are those since then
            "seconds": round(seconds, 2),
            "tokens_per_second": round(tokens / seconds, 1) if seconds else None,
            "hardware": _hardware(trainer.args),
            "best": best,
            "sample": trainer.sample and trainer.sample.sample.as_dict(),
        }
        write_run(folder, record)
        draw_curve(folder, history, {}, best)
        write_model_card(folder)
    trainer.accelerator.wait_for_everyone()
    return read_run(folder)


def _options(config: Any, peft_config: Any, quantization_config: Any = None) -> dict[str, Any]:
    """The hyper-parameters of a run, ready for JSON."""
    from .estimate import bits_of

    options = {name: _plain(getattr(config, name)) for name in _OPTIONS}
    if quantization_config is not None:
        options["bits"] = bits_of(quantization_config)
        if options["bits"] == 4:
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
