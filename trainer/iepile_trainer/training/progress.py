"""How far a training is: step, loss, F1, tokens per second, time left, for whoever shows it.

A person at a terminal gets a bar; a log file gets one line whenever the trainer logs.
"""

import sys
import time
from collections.abc import Callable
from dataclasses import dataclass
from datetime import timedelta
from typing import Any

from tqdm.auto import tqdm  # type: ignore[import-untyped]
from transformers import EarlyStoppingCallback, TrainerCallback

from .arguments import by_f1


@dataclass(frozen=True)
class Moment:
    """What is known of a training at one step.

    Attributes:
        step: Steps done.
        steps: Steps planned.
        loss: Training loss since the moment before, None at an evaluation.
        f1: F1 of the sample at the last evaluation, between 0 and 1; None before the first.
        tokens_per_second: Tokens trained on per second, over all processes and without the time of evaluations;
            None where the trainer does not count tokens.
        seconds_left: Until the last step, at the pace so far.
        evaluation: The metrics, where this moment is an evaluation.

    >>> print(Moment(50, 200, loss=0.5, tokens_per_second=1234.5, seconds_left=90.0))
    step 50 of 200 (25%)  loss 0.5000  1,234 tokens/s  0:01:30 left
    >>> print(Moment(50, 200, f1=0.75, evaluation={"eval_f1": 0.75, "eval_ner_f1": 0.75, "eval_loss": 0.25}))
    step 50 of 200 (25%)  evaluation: F1 0.7500 (ner 0.7500), loss 0.2500
    """

    step: int
    steps: int
    loss: float | None = None
    f1: float | None = None
    tokens_per_second: float | None = None
    seconds_left: float | None = None
    evaluation: dict[str, float] | None = None

    def __str__(self) -> str:
        share = f" ({self.step / self.steps:.0%})" if self.steps else ""
        start = f"step {self.step:,} of {self.steps:,}{share}"
        if self.evaluation is not None:
            return f"{start}  evaluation: {_evaluated(self.evaluation)}"
        left = None if self.seconds_left is None else f"{timedelta(seconds=round(self.seconds_left))} left"
        return "  ".join(filter(None, (start, self.figures(), left)))

    def figures(self) -> str:
        """Loss, F1 and speed, for the end of a bar."""
        loss = None if self.loss is None else f"loss {self.loss:.4f}"
        f1 = None if self.f1 is None else f"F1 {self.f1:.4f}"
        speed = None if self.tokens_per_second is None else f"{self.tokens_per_second:,.0f} tokens/s"
        return "  ".join(filter(None, (loss, f1, speed)))


class ProgressLines(TrainerCallback):
    """Shows a `Moment` whenever the loss is logged or an evaluation ends, as a line unless `show` does it."""

    def __init__(self, show: Callable[[Moment], None] = lambda moment: print(moment, flush=True)) -> None:
        self.show = show
        self.began: float | None = None

    def on_train_begin(self, args: Any, state: Any, control: Any, **_: Any) -> None:
        """Called by the trainer."""
        self.began = self.last = time.perf_counter()
        self.first, self.tokens, self.paused = state.global_step, 0, 0.0
        self.f1: float | None = None

    def on_log(self, args: Any, state: Any, control: Any, logs: Any = None, **_: Any) -> None:
        """Called by the trainer."""
        if self.began is None or not logs or "loss" not in logs or not state.is_world_process_zero:
            return
        now = time.perf_counter()
        tokens = logs.get("num_tokens") or state.num_input_tokens_seen or self.tokens
        trained, busy = tokens - self.tokens, now - self.last - self.paused
        steps_left, done = state.max_steps - state.global_step, max(state.global_step - self.first, 1)
        moment = Moment(
            state.global_step,
            state.max_steps,
            loss=float(logs["loss"]),
            f1=self.f1,
            tokens_per_second=trained / busy if trained > 0 and busy > 0 else None,
            seconds_left=(now - self.began) / done * steps_left,
        )
        self.last, self.tokens, self.paused = now, tokens, 0.0
        self.show(moment)

    def on_evaluate(self, args: Any, state: Any, control: Any, metrics: Any = None, **_: Any) -> None:
        """Called by the trainer."""
        if self.began is None or not metrics or not state.is_world_process_zero:
            return
        self.paused += metrics.get("eval_runtime", 0.0)
        self.f1 = metrics.get("eval_f1", self.f1)
        self.show(Moment(state.global_step, state.max_steps, f1=self.f1, evaluation=dict(metrics)))


class ProgressBar(ProgressLines):
    """The same on a terminal: figures at the end of a bar, a line above it for each evaluation."""

    def __init__(self) -> None:
        super().__init__(self._show)

    def on_train_begin(self, args: Any, state: Any, control: Any, **_: Any) -> None:
        """Called by the trainer."""
        super().on_train_begin(args, state, control)
        hidden = not state.is_world_process_zero
        self.bar = tqdm(total=state.max_steps, initial=state.global_step, unit="step", disable=hidden)

    def on_step_end(self, args: Any, state: Any, control: Any, **_: Any) -> None:
        """Called by the trainer."""
        self.bar.update(state.global_step - self.bar.n)

    def on_train_end(self, args: Any, state: Any, control: Any, **_: Any) -> None:
        """Called by the trainer."""
        self.bar.close()

    def _show(self, moment: Moment) -> None:
        if moment.evaluation is None:
            self.bar.set_postfix_str(moment.figures())
        else:
            self.bar.write(str(moment))


def shown(bar: bool | None = None) -> ProgressLines:
    """The trainer callback that shows the progress: a bar on a terminal, lines anywhere else.

    Args:
        bar: Whether a bar; None to look whether standard error is a terminal.
    """
    return ProgressBar() if (sys.stderr.isatty() if bar is None else bar) else ProgressLines()


class Patient(EarlyStoppingCallback):
    """Early stopping that begins to count when an F1 has risen above 0.

    Before that a model learns to write answers at all, which its loss shows and its F1 does not.
    """

    def check_metric_value(self, args: Any, state: Any, control: Any, metric_value: float) -> None:
        """Called by the callback (transformers 5.23.0)."""
        if not (by_f1(args) and metric_value == 0 and not state.best_metric):
            super().check_metric_value(args, state, control, metric_value)


def without_bars() -> None:
    """Switch off the bars of the libraries: in a log file each of their updates would be a line."""
    import datasets
    from huggingface_hub.utils import disable_progress_bars
    from transformers.utils import logging

    datasets.disable_progress_bars()
    disable_progress_bars()
    logging.disable_progress_bar()


def _evaluated(metrics: dict[str, float]) -> str:
    parts = []
    if "eval_f1" in metrics:
        tasks = [key[len("eval_") : -len("_f1")] for key in metrics if key.endswith("_f1") and key != "eval_f1"]
        by_task = ", ".join(f"{task} {metrics[f'eval_{task}_f1']:.4f}" for task in tasks)
        parts.append(f"F1 {metrics['eval_f1']:.4f} ({by_task})")
    for key, name in (("eval_parse_rate", "parse rate"), ("eval_loss", "loss")):
        if key in metrics:
            parts.append(f"{name} {metrics[key]:.4f}")
    return ", ".join(parts)
