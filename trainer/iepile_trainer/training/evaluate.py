"""The model examined while it learns: a fixed sample is answered and scored at every evaluation.

The scores stand among the trainer's own evaluation metrics, so that whatever listens to those works as it
does with the loss: trackers, the choice of the best checkpoint, early stopping.
"""

import inspect
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import Any

from .. import TrainerError
from .eval_sample import Sample

_BATCH = 32  # prompts answered together; halved by `predict` where memory runs out


class Examination:
    """Answers a sample with the model in training; every process calls it, each answers its share.

    Args:
        sample: What to answer.
        tokenizer: The model's tokenizer.

    Attributes:
        longest: Tokens that an answer may have: a quarter more than the longest gold answer, and ten.
    """

    def __init__(self, sample: Sample, tokenizer: Any) -> None:
        from ..tokenization.encode import answer_ids

        self.sample, self.tokenizer = sample, tokenizer
        self._answers = answer_ids(tokenizer, [row.get("output") or "" for row in sample.rows])
        self.longest = max(map(len, self._answers)) * 5 // 4 + 10
        self._told: set[str] = set()

    def __call__(self, trainer: Any) -> dict[str, float]:
        """Answer and score.

        Args:
            trainer: A transformers Trainer, in evaluation.

        Returns:
            `eval_f1` (mean over the tasks), `eval_parse_rate`, and for each task `eval_<task>_f1`,
            `eval_<task>_parse_rate` (share of the answers that can be read) and `eval_<task>_loss` (nats per
            token of the gold answers, end token included); the same in every process.

        Raises:
            TrainerError: The examination failed in some process; raised in all of them.
        """
        from accelerate.utils import gather_object

        from iepile_metric import Accumulator

        part: Any
        try:
            part = self._part(trainer)
        except Exception as problem:  # the others wait: they have to learn of it
            part = f"process {trainer.args.process_index}: {type(problem).__name__}: {problem}".splitlines()[0]
        parts = gather_object([part])
        failed = [part for part in parts if isinstance(part, str)]
        if failed:
            raise TrainerError(
                f"the sample could not be answered, {failed[0]} (smaller --per_device_eval_batch_size, "
                "or --predict_rows 0 to go without)"
            )
        answered = {at: row for answers, _ in parts for at, row in answers.items()}
        sums: dict[str, list[float]] = {}
        for _, losses in parts[:1] if _sharded(trainer) else parts:
            for task, pair in losses.items():
                sums[task] = [a + b for a, b in zip(sums.get(task, (0.0, 0.0)), pair)]
        if trainer.is_world_process_zero():
            self._tell_errors(answered)
        result = Accumulator().extend({**self.sample.rows[at], **answered[at]} for at in sorted(answered)).result()
        return _metrics(result.get("tasks") or {result["task"]: result}, sums)

    def _part(self, trainer: Any) -> tuple[dict[int, dict[str, Any]], dict[str, tuple[float, int]]]:
        """This process's answers by their place in the sample, and its losses: per task the sum and the tokens."""
        from ..engines.generate import predict

        rows = self.sample.rows
        # Longest first and dealt in turn: every process has as much to do. Sharded weights are only whole
        # while all processes compute alike, so there each answers everything.
        order = sorted(range(len(rows)), key=lambda at: (-len(rows[at]["instruction"]), at))
        if not _sharded(trainer):
            order = order[trainer.args.process_index :: trainer.args.world_size]
        with trainer.accelerator.autocast():
            answers = predict(trainer.model, self.tokenizer, (rows[at] for at in order), _BATCH, self.longest)
            answered = {at: {k: row[k] for k in row if k in ("output", "error")} for at, row in zip(order, answers)}
            readable = [at for at in order if "error" not in answered[at]]
            size = max(trainer.args.per_device_eval_batch_size, 1)
            losses: dict[str, tuple[float, int]] = {}
            for start in range(0, len(readable), size):
                batch = readable[start : start + size]
                nats = answer_nats(
                    trainer.model,
                    self.tokenizer,
                    [rows[at]["instruction"] for at in batch],
                    [self._answers[at] for at in batch],
                )
                for at, value in zip(batch, nats):
                    total, tokens = losses.get(rows[at]["task"].lower(), (0.0, 0))
                    losses[rows[at]["task"].lower()] = (total + value, tokens + len(self._answers[at]))
        return answered, losses

    def _tell_errors(self, answered: dict[int, dict[str, Any]]) -> None:
        errors = [row["error"] for row in answered.values() if "error" in row]
        if errors and errors[0] not in self._told:
            self._told.add(errors[0])
            print(f"{len(errors)} of {len(answered)} rows of the sample count as wrong: {errors[0]}", flush=True)


def answer_nats(model: Any, tokenizer: Any, instructions: Sequence[str], answers: Sequence[list[int]]) -> list[float]:
    """Negative log-likelihood of each answer after its prompt, in nats, summed over its tokens.

    Only the tokens of answers are projected onto the vocabulary.
    """
    import torch

    from ..tokenization.encode import prompt_ids

    prompts = prompt_ids(tokenizer, list(instructions))
    both = bool(model.config.is_encoder_decoder)
    inputs = prompts if both else [prompt + answer for prompt, answer in zip(prompts, answers)]
    ids, mask = _padded(inputs, tokenizer.pad_token_id, model.device)
    targets, _ = _padded([[-100] * (0 if both else len(p)) + a for p, a in zip(prompts, answers)], -100, model.device)
    asked: dict[str, Any] = {"input_ids": ids, "attention_mask": mask, "use_cache": False}
    with torch.no_grad():
        if both:
            logits = model(**asked, labels=targets).logits
        else:
            # The token at one place is predicted at the place before.
            targets = targets[:, 1:]
            places = (targets != -100).any(0).nonzero().flatten()
            base = model.get_base_model() if hasattr(model, "get_base_model") else model
            if "logits_to_keep" in inspect.signature(type(base).forward).parameters:
                logits = model(**asked, logits_to_keep=places).logits
            else:
                logits = model(**asked).logits[:, places]
            targets = targets[:, places]
        nats = torch.nn.functional.cross_entropy(
            logits.float().transpose(1, 2), targets, ignore_index=-100, reduction="none"
        )
    return [float(value) for value in nats.sum(1)]


def _padded(rows: Sequence[list[int]], filler: int, device: Any) -> tuple[Any, Any]:
    import torch

    longest = max(map(len, rows))
    ids = torch.tensor([[*row, *[filler] * (longest - len(row))] for row in rows], device=device)
    mask = torch.tensor([[1] * len(row) + [0] * (longest - len(row)) for row in rows], device=device)
    return ids, mask


def _metrics(tasks: dict[str, dict[str, Any]], sums: dict[str, list[float]]) -> dict[str, float]:
    metrics: dict[str, float] = {
        "eval_f1": sum(scores["f1"] for scores in tasks.values()) / len(tasks),
        "eval_parse_rate": 1 - sum(s["unparseable"] for s in tasks.values()) / sum(s["rows"] for s in tasks.values()),
    }
    for task, scores in tasks.items():
        metrics |= {
            f"eval_{task}_f1": float(scores["f1"]),
            f"eval_{task}_parse_rate": 1 - scores["unparseable_share"],
        }
        if task in sums:
            metrics[f"eval_{task}_loss"] = sums[task][0] / sums[task][1]
    return metrics


def _sharded(trainer: Any) -> bool:
    """Whether no process holds the whole weights (FSDP, ZeRO-3)."""
    plugin = trainer.accelerator.state.deepspeed_plugin if trainer.is_deepspeed_enabled else None
    return bool(trainer.is_fsdp_enabled or (plugin is not None and plugin.zero_stage == 3))


class Examined:
    """Mixed into a transformers Trainer: evaluations hold the scores and leave the state of chance as it was.

    Attributes:
        examination: None to evaluate by the loss alone.
    """

    args: Any
    state: Any
    examination: Examination | None = None

    def evaluate(self, *args: Any, **kwargs: Any) -> Any:
        """Evaluate; training goes on as if nothing had happened."""
        with unchanged_chance():
            return super().evaluate(*args, **kwargs)  # type: ignore[misc]

    def evaluation_loop(self, *args: Any, **kwargs: Any) -> Any:
        """Evaluate one dataset, with the sample."""
        output = super().evaluation_loop(*args, **kwargs)  # type: ignore[misc]
        if self.examination is not None and kwargs.get("metric_key_prefix", "eval") == "eval":
            output.metrics.update(self.examination(self))
        return output

    def _determine_best_metric(self, *args: Any, **kwargs: Any) -> bool:
        # Of weights that cannot answer anything yet, the first are not the best: the newest are.
        if by_f1(self.args) and self.state.best_metric == 0:
            self.state.best_metric = None
        return bool(super()._determine_best_metric(*args, **kwargs))  # type: ignore[misc]


def by_f1(config: Any) -> bool:
    """Whether an F1 says which weights are the best."""
    return str(config.metric_for_best_model or "").endswith("f1")


@contextmanager
def unchanged_chance() -> Iterator[None]:
    """Put the state of every random generator back: training goes on as if nothing had been evaluated."""
    import random

    import numpy as np
    import torch

    python, arrays = random.getstate(), np.random.get_state()
    devices = [torch.cuda.current_device()] if torch.cuda.is_available() else []
    try:
        with torch.random.fork_rng(devices):
            yield
    finally:
        random.setstate(python)
        np.random.set_state(arrays)
