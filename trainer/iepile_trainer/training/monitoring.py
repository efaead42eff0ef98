"""What a training is watched by: a fixed sample that is predicted, early stopping, trackers, its progress."""

from importlib.util import find_spec
from typing import Any

from ..errors import TrainerError
from .arguments import WatchArguments, by_f1

_TRACKERS = {"tensorboard": ("tensorboard", "tensorboardX"), "wandb": ("wandb",), "trackio": ("trackio",)}


def check_watch(watch: WatchArguments, config: Any) -> None:
    """Refuse what cannot work before anything is loaded.

    Args:
        watch: What was asked.
        config: The `TrainingArguments`.

    Raises:
        TrainerError: Nothing is evaluated that early stopping or the best F1 would need, or a tracker is not
            installed.
    """
    needs = "--early_stopping_patience" if watch.early_stopping_patience else None
    metric = (config.metric_for_best_model or "").removeprefix("eval_")
    if metric.endswith("f1"):
        needs = needs or f"--metric_for_best_model {metric}"
        if not watch.predict_rows:
            raise TrainerError(f"{needs} needs predictions (leave out --predict_rows 0)")
    if needs and config.eval_strategy == "no":
        raise TrainerError(f"{needs} needs evaluations (give --predict_steps N)")
    if watch.predict_steps is not None and config.eval_steps != watch.predict_steps:
        raise TrainerError(
            f"--predict_steps {watch.predict_steps} and --eval_steps {config.eval_steps:g} differ: predictions are "
            "part of an evaluation (give one of them)"
        )
    for tracker in config.report_to:
        if tracker in _TRACKERS and not any(map(find_spec, _TRACKERS[tracker])):
            raise TrainerError(
                f"--report_to {tracker}: it is not installed (pip install {tracker}, or --report_to none)"
            )


def sample_of(watch: WatchArguments, config: Any, eval_rows: Any, tokenizer: Any, split: str) -> Any:
    """What evaluations predict, an `evaluate.SampleEvaluation`; None for nothing.

    Args:
        watch: What was asked.
        config: The `TrainingArguments`.
        eval_rows: Rows of the evaluation as they were loaded, None for no evaluation.
        tokenizer: The model's tokenizer, with its chat template.
        split: The split of `eval_rows`, for the record.

    Raises:
        TrainerError: As `check_watch`, or no row of `eval_rows` can be scored.
    """
    from .eval_sample import draw_sample
    from .evaluate import SampleEvaluation

    check_watch(watch, config)
    if config.eval_strategy == "no" or eval_rows is None or not watch.predict_rows:
        return None
    return SampleEvaluation(draw_sample(eval_rows, watch.predict_rows, config.seed, split), tokenizer)


def attach(trainer: Any, watch: WatchArguments, sample: Any) -> None:
    """Let the trainer be watched; its own bar and its dictionaries of logs make way."""
    from transformers.trainer_callback import PrinterCallback, ProgressCallback

    from .progress import Patient, shown

    trainer.sample = sample
    for callback in (PrinterCallback, ProgressCallback):
        trainer.remove_callback(callback)
    trainer.add_callback(shown(False if trainer.args.disable_tqdm else None))
    if watch.early_stopping_patience is not None:
        trainer.add_callback(Patient(watch.early_stopping_patience))


def best_of(trainer: Any) -> dict[str, Any] | None:
    """Which evaluation was the best: its step, what was compared, its value, and whether its weights were kept.

    None where no metric was to be compared, or nothing was evaluated.
    """
    metric, state = trainer.args.metric_for_best_model, trainer.state
    if metric is None or state.best_metric is None:
        return None
    name = metric if metric.startswith("eval_") else f"eval_{metric}"
    steps = [entry["step"] for entry in state.log_history if entry.get(name) == state.best_metric]
    first = 0 if state.best_metric or not by_f1(trainer.args) else -1  # see InstructionTrainer._determine_best_metric
    return {
        "step": steps[first] if steps else state.best_global_step,
        "metric": name,
        "value": state.best_metric,
        "loaded": bool(trainer.args.load_best_model_at_end and state.best_model_checkpoint),
    }
