"""What `run.json` says of a training: its options, its machine, and what became of it."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from ..models.load import FORM
from .arguments import CHECKPOINTING, checkpointing

_OPTIONS = (
    "learning_rate", "lr_scheduler_type", "warmup_steps", "num_train_epochs", "max_steps", "optim", "weight_decay",
    "max_grad_norm", "per_device_train_batch_size", "gradient_accumulation_steps", "max_length", "packing",
    "train_sampling_strategy", "loss_type", "bf16", "fp16", "neftune_noise_alpha",
)  # fmt: skip
_LORA = ("r", "lora_alpha", "lora_dropout", "target_modules", "use_rslora", "use_dora", "init_lora_weights")


def options_of(config: Any, peft_config: Any, quantization_config: Any) -> dict[str, Any]:
    """The hyper-parameters of a run, ready for JSON."""
    from .estimate import bits_of

    options = {name: _plain(getattr(config, name)) for name in _OPTIONS}
    options[CHECKPOINTING] = checkpointing(config)
    if (bits := bits_of(quantization_config)) is not None:
        options |= {"bits": bits} | {name: getattr(quantization_config, name) for name in FORM if bits == 4}
    if peft_config is not None:
        named = {f"lora_{name.removeprefix('lora_')}": getattr(peft_config, name) for name in _LORA}
        options |= {name: _plain(value) for name, value in named.items()}
    return options


def finish(trainer: Any, record: dict[str, Any], checkpoint: str | None, seconds: float) -> dict[str, Any]:
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
        failed = not_learnt(_last_recall(history))
        print(*failed, sep="\n", end="\n" * bool(failed), flush=True)
        # A pickle of this machine's paths: of no use to a model, and flagged where models are shared.
        (folder / "training_args.bin").unlink(missing_ok=True)
        record |= {
            "history": history,
            "resumed_from": resumed_from,  # a step; seconds and speed are those since then
            "seconds": round(seconds, 2),
            "tokens_per_second": round(tokens / seconds, 1) if seconds else None,
            "hardware": hardware(trainer.args),
            "best": best,
            "not_learnt": failed,
            "sample": trainer.sample and trainer.sample.sample.as_dict(),
        }
        write_run(folder, record)
        draw_curve(folder, history, {}, best)
        write_model_card(folder)
    trainer.accelerator.wait_for_everyone()
    return read_run(folder)


def not_learnt(by_task: Mapping[str, Any]) -> list[str]:
    """A line for each task of which next to nothing was found, with what to try.

    >>> not_learnt({"ner": {"recall": 0.5}, "re": {"recall": 0.01}})
    ['re: recall 0.010, it has hardly learnt to answer (more steps or records, a larger model, or iepile calibrate)']
    """
    from iepile_cards import LEAST_RECALL

    return [
        f"{task}: recall {one['recall']:.3f}, it has hardly learnt to answer (more steps or records, a larger model, "
        "or iepile calibrate)"
        for task, one in by_task.items()
        if one["recall"] < LEAST_RECALL
    ]


def _last_recall(history: list[dict[str, Any]]) -> dict[str, dict[str, float]]:
    """Task → its recall on the sample that was answered last, as scores have it."""
    ends = ("eval_", "_recall")
    samples = [entry for entry in history if any(name.endswith(ends[1]) for name in entry)]
    return {
        name.removeprefix(ends[0]).removesuffix(ends[1]): {"recall": value}
        for name, value in (samples[-1] if samples else {}).items()
        if name.startswith(ends[0]) and name.endswith(ends[1])
    }


def _plain(value: Any) -> Any:
    value = getattr(value, "value", value)
    return sorted(value) if isinstance(value, set) else value


def hardware(config: Any) -> dict[str, Any]:
    """On what a training ran, for the run record."""
    import platform

    import torch

    on_gpu = config.device.type == "cuda"
    device = torch.cuda.get_device_name() if on_gpu else platform.processor() or platform.machine()
    return {
        "device": device if on_gpu else f"CPU ({device}, {torch.get_num_threads()} threads)",
        "count": config.world_size if on_gpu else 1,
        "processes": config.world_size,
    }
