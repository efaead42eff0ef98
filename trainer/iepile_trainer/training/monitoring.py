"""What a training is watched by: a fixed sample that is predicted, early stopping, trackers, a progress bar."""

from dataclasses import dataclass, field
from importlib.util import find_spec
from typing import Any

from .. import TrainerError

_TRACKERS = {"tensorboard": ("tensorboard", "tensorboardX"), "wandb": ("wandb",), "trackio": ("trackio",)}


@dataclass
class WatchArguments:
    """How a training is watched, and tested at its end."""

    predict_steps: int | None = field(
        default=None,
        metadata={
            "help": "Every so many steps evaluate and predict a fixed sample of --eval_split; sets --eval_strategy "
            "steps and --eval_steps (and, with --load_best_model_at_end, --save_steps)."
        },
    )
    predict_rows: int = field(
        default=200,
        metadata={"help": "Size of the sample that every evaluation predicts, whole records, balanced; 0 for none."},
    )
    early_stopping_patience: int | None = field(
        default=None,
        metadata={
            "help": "Stop after so many evaluations without a better one, and keep the best weights. "
            "Evaluations with F1 0 before the first better one do not count."
        },
    )
    test_split: str | None = field(
        default=None,
        metadata={"help": "Answer and score this split when training has ended, such as test or test[:500]."},
    )

    def __post_init__(self) -> None:
        if self.predict_steps is not None and self.predict_steps < 1:
            raise TrainerError(f"--predict_steps {self.predict_steps}: at least 1 (leave it out to go without)")
        if self.early_stopping_patience is not None and self.early_stopping_patience < 1:
            raise TrainerError(f"--early_stopping_patience {self.early_stopping_patience}: at least 1")


def implied(watch: WatchArguments, best: bool = False, metric: str | None = None) -> dict[str, Any]:
    """Defaults of the trainer's own options that follow from these; the command line overrides them.

    Args:
        watch: What was asked.
        best: Whether the best weights are to be kept, whatever is best.
        metric: What is to be compared, if that was said.

    >>> implied(WatchArguments(predict_steps=50))
    {'eval_strategy': 'steps', 'eval_steps': 50}
    >>> implied(WatchArguments(early_stopping_patience=3))
    {'load_best_model_at_end': True, 'metric_for_best_model': 'f1'}
    """
    best = best or watch.early_stopping_patience is not None
    follows: dict[str, Any] = {}
    if watch.predict_steps is not None:
        follows |= {"eval_strategy": "steps", "eval_steps": watch.predict_steps}
        if best:
            follows |= {"save_strategy": "steps", "save_steps": watch.predict_steps}
    if best:
        follows["load_best_model_at_end"] = True
        if watch.predict_rows and metric is None:
            follows["metric_for_best_model"] = "f1"
    return follows


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
    if needs and not _evaluates(config):
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


class Watching:
    """What watches one training; made before the trainer, attached to it, asked for its record at the end.

    Args:
        watch: What was asked.
        config: The `TrainingArguments`.
        eval_rows: Rows of the evaluation as they were loaded, None for no evaluation.
        tokenizer: The model's tokenizer, with its chat template.
        split: The split of `eval_rows`, for the record.

    Raises:
        TrainerError: Early stopping or the best F1 is asked for and nothing is evaluated, or no row of
            `eval_rows` can be scored.
    """

    def __init__(self, watch: WatchArguments, config: Any, eval_rows: Any, tokenizer: Any, split: str) -> None:
        from .eval_sample import draw_sample
        from .evaluate import Examination

        check_watch(watch, config)
        self.watch = watch
        self.sample = self.examination = None
        if _evaluates(config) and eval_rows is not None and watch.predict_rows:
            self.sample = draw_sample(eval_rows, watch.predict_rows, config.seed, split)
            self.examination = Examination(self.sample, tokenizer)

    def attach(self, trainer: Any) -> None:
        """Let the trainer be watched; its own bar and its dictionaries of logs make way."""
        from transformers.trainer_callback import PrinterCallback, ProgressCallback

        from .progress import shown

        trainer.examination = self.examination
        for callback in (PrinterCallback, ProgressCallback):
            trainer.remove_callback(callback)
        callbacks = [*shown(False if trainer.args.disable_tqdm else None)]
        if self.watch.early_stopping_patience is not None:
            callbacks.append(patient(self.watch.early_stopping_patience))
        for callback in callbacks:
            trainer.add_callback(callback)

    def record(self, trainer: Any) -> dict[str, Any]:
        """What a run record says of it: `best` and `sample`, None where there is none.

        Called in every process, when training has ended.
        """
        best = best_of(trainer)
        if best and best["loaded"] and trainer.is_world_process_zero():
            print(f"the weights are those of step {best['step']:,}, the best by {best['metric']}: {best['value']:.4f}")
        return {"best": best, "sample": self.sample and self.sample.as_dict()}


def patient(patience: int) -> Any:
    """A callback for early stopping that begins to count when an F1 has risen above 0.

    Before that a model learns to write answers at all, which its loss shows and its F1 does not.
    """
    from transformers import EarlyStoppingCallback

    from .evaluate import by_f1

    class Patient(EarlyStoppingCallback):
        def check_metric_value(self, args: Any, state: Any, control: Any, metric_value: float) -> None:
            if not (by_f1(args) and metric_value == 0 and not state.best_metric):
                super().check_metric_value(args, state, control, metric_value)

    return Patient(patience)


def best_of(trainer: Any) -> dict[str, Any] | None:
    """Which evaluation was the best: its step, what was compared, its value, and whether its weights were kept.

    None where no metric was to be compared, or nothing was evaluated.
    """
    from .evaluate import by_f1

    metric, state = trainer.args.metric_for_best_model, trainer.state
    if metric is None or state.best_metric is None:
        return None
    name = metric if metric.startswith("eval_") else f"eval_{metric}"
    steps = [entry["step"] for entry in state.log_history if entry.get(name) == state.best_metric]
    first = 0 if state.best_metric or not by_f1(trainer.args) else -1  # see Examined._determine_best_metric
    loaded = bool(trainer.args.load_best_model_at_end and state.best_model_checkpoint)
    return {"step": steps[first] if steps else state.best_global_step, "metric": name, "value": state.best_metric,
            "loaded": loaded}  # fmt: skip


def _evaluates(config: Any) -> bool:
    return getattr(config.eval_strategy, "value", config.eval_strategy) != "no"
