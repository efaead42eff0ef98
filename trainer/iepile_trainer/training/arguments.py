"""What a training can be told beside its data: the run folder, the model from scratch, how it is watched."""

import os
from collections.abc import Container, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from ..command_line import option
from ..errors import TrainerError
from ..models.precision import mixed, products

CHECKPOINTING = "activation_checkpointing"
_FORMERLY = "gradient_checkpointing"  # up to transformers 5.20


@dataclass
class RunArguments:
    """The run folder, and the small model that needs no download."""

    overwrite: bool = option(False, "Throw away a run that is in --output_dir already.")
    record_ids: str | None = option(None, "Write the id of every row as it is trained on, to FILE.<process>.")
    adapter: str | None = option(None, "Go on with this adapter; the same as giving it as --model_name_or_path.")
    init_lora_weights: str | None = option(
        None, "How a new adapter starts: pissa, pissa_niter_16, olora, gaussian or orthogonal."
    )
    dry_run: bool = option(False, "Stop after the report on rows, steps and memory, before any training.")
    scratch: bool = option(False, "Train a new small Llama and its tokenizer instead of a pretrained model.")
    scratch_hidden: int = option(128, "Hidden size of the new model.")
    scratch_layers: int = option(3, "Layers of the new model.")
    scratch_vocab: int = option(4000, "Vocabulary of the new tokenizer.")


@dataclass
class WatchArguments:
    """How a training is watched, and tested at its end."""

    predict_steps: int | None = option(None, "Every so many steps evaluate and predict a sample of --eval_split.")
    predict_rows: int = option(200, "Size of that sample, whole records; 0 for none.")
    early_stopping_patience: int | None = option(
        None, "Stop after so many evaluations without a better one, and keep the best weights."
    )
    test_split: str | None = option(None, "Answer and score this split at the end, such as test or test[:500].")

    def __post_init__(self) -> None:
        for name in ("predict_steps", "early_stopping_patience"):
            value = getattr(self, name)
            if value is not None and value < 1:
                raise TrainerError(f"--{name} {value}: at least 1 (leave it out to go without)")


def implied(known: Any) -> dict[str, Any]:
    """Defaults of the trainer's own options that follow from `WatchArguments`; the command line overrides them.

    Args:
        known: Every option as it was given: those of `WatchArguments`, and the trainer's own.

    >>> from types import SimpleNamespace
    >>> known = SimpleNamespace(predict_steps=50, predict_rows=9, early_stopping_patience=None,
    ...     load_best_model_at_end=False, metric_for_best_model=None, use_cpu=False)
    >>> implied(known)
    {'eval_strategy': 'steps', 'eval_steps': 50}
    >>> known.early_stopping_patience, known.predict_steps = 3, None
    >>> implied(known)
    {'load_best_model_at_end': True, 'metric_for_best_model': 'f1'}
    """
    best = known.load_best_model_at_end or known.early_stopping_patience is not None
    follows: dict[str, Any] = {}
    if known.predict_steps is not None:
        follows |= {"eval_strategy": "steps", "eval_steps": known.predict_steps}
        if best:
            follows |= {"save_strategy": "steps", "save_steps": known.predict_steps}
    if best:
        follows["load_best_model_at_end"] = True
        if known.predict_rows and known.metric_for_best_model is None:
            follows["metric_for_best_model"] = "f1"
    if known.use_cpu and known.bf16 is None:  # a CPU beside a GPU, and the type of products is not named
        follows |= mixed(products("cpu"))
    return follows


def by_f1(config: Any) -> bool:
    """Whether an F1 says which weights are the best."""
    return str(config.metric_for_best_model or "").endswith("f1")


def hardware_defaults(use_cpu: bool = False) -> dict[str, Any]:
    """Options that follow from the machine: where to train, and in which precision (see `precision`)."""
    import torch

    use_cpu = use_cpu or os.environ.get("ACCELERATE_USE_CPU", "").lower() in ("1", "true", "yes")
    if use_cpu or not torch.accelerator.is_available():
        return {"use_cpu": True, "dataloader_pin_memory": False, **mixed(products("cpu"))}
    return dict(mixed(products(torch.accelerator.current_accelerator().type)))


def training_config(output_dir: str | Path, **options: Any) -> Any:
    """A `trl.SFTConfig` for this machine and for models of any size: `hardware_defaults`, then `options`.

    Activation checkpointing is off and nothing is reported to trackers unless asked.
    """
    from trl import SFTConfig

    quiet = {CHECKPOINTING: False, "report_to": "none"}
    hardware = hardware_defaults(options.get("use_cpu", False))
    named = renamed({**quiet, **hardware, **options}, SFTConfig.__dataclass_fields__)
    return SFTConfig(output_dir=str(output_dir), **named)


def renamed(options: Mapping[str, Any], known: Container[str]) -> dict[str, Any]:
    """Options by the names that the installed transformers has for them.

    >>> renamed({"activation_checkpointing": True, "max_steps": 1}, {"gradient_checkpointing", "max_steps"})
    {'gradient_checkpointing': True, 'max_steps': 1}
    """
    former = {} if CHECKPOINTING in known else {CHECKPOINTING: _FORMERLY}
    return {former.get(name, name): value for name, value in options.items()}


def checkpointing(config: Any) -> bool:
    """Whether a `trl.SFTConfig` asks for activation checkpointing."""
    return bool(getattr(config, CHECKPOINTING if hasattr(config, CHECKPOINTING) else _FORMERLY))
