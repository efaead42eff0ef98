"""Scores while training: `compute_metrics` for a Trainer, and one score from several processes."""

from collections.abc import Callable, Mapping, Sequence
from typing import Any

import numpy as np

from .accumulator import Accumulator


def compute_metrics(
    tokenizer: Any, rows: Sequence[Mapping[str, Any]], task: str | None = None, **options: Any
) -> Callable[[Any], dict[str, float]]:
    """Make the `compute_metrics` of a Trainer that evaluates on `rows`.

    Predictions are token ids (`predict_with_generate`), decoded as they are; or logits or ids under
    teacher forcing, of which those that predict a supervised token (label not -100) are decoded. The latter
    is cheap and flatters the model: use it to see a trend, and `iepile predict` for a figure to publish. A
    Trainer keeps ids rather than logits with
    `preprocess_logits_for_metrics=lambda logits, labels: logits.argmax(-1)`.

    Args:
        tokenizer: Anything with `batch_decode(ids, skip_special_tokens=True)` and `pad_token_id`.
        rows: The evaluation rows, in the order of the evaluation dataset, with `label`, `id`, `task`, `source`.
        task: The task of rows that do not name theirs.
        options: `match`, `count`, `parse`.

    Returns:
        A function from a Trainer's `EvalPrediction` to the numbers at the top of the result; with several
        tasks their names stand before (`ner_f1`).
    """

    def compute(evaluated: Any) -> dict[str, float]:
        predictions = evaluated.predictions
        predictions = np.asarray(predictions[0] if isinstance(predictions, tuple) else predictions)
        labels = np.asarray(evaluated.label_ids)
        if predictions.ndim == 3:
            predictions = predictions.argmax(-1)
        if predictions.shape == labels.shape and (labels == -100).any():
            # The token at one place is predicted at the place before.
            supervised = labels[:, 1:] != -100
            predictions = [row[mask] for row, mask in zip(predictions[:, :-1], supervised)]
        else:
            predictions = np.where(predictions == -100, tokenizer.pad_token_id, predictions)
        answers = tokenizer.batch_decode(predictions, skip_special_tokens=True)
        if len(answers) != len(rows):
            raise ValueError(f"{len(answers)} predictions for {len(rows)} evaluation rows")
        scores = Accumulator(task, **options)
        scores.extend({**row, "output": answer} for row, answer in zip(rows, answers))
        return numbers(scores.result())

    return compute


def numbers(result: dict[str, Any]) -> dict[str, float]:
    """Keep the numbers of a result, flat, for a log.

    >>> numbers({"task": "ner", "f1": 0.5, "labels": {}})
    {'f1': 0.5}
    >>> numbers({"tasks": {"ner": {"f1": 0.5}, "re": {"f1": 0.25}}})
    {'ner_f1': 0.5, 're_f1': 0.25}
    """
    by_task = {f"{task}_": scores for task, scores in result.get("tasks", {}).items()} or {"": result}
    every = ((task + name, value) for task, scores in by_task.items() for name, value in scores.items())
    return {name: value for name, value in every if isinstance(value, int | float)}


def gathered(scores: Accumulator) -> Accumulator:
    """Unite the accumulators of all processes of an `accelerate` run; every process gets the whole.

    Each row must have been added in one process only: split rows with
    `accelerator.split_between_processes(rows)`, since a prepared DataLoader repeats rows to fill the last
    batch. The batches of a record may be spread over processes.
    """
    from accelerate.utils import gather_object

    parts = gather_object([scores])
    whole = parts[0]
    for part in parts[1:]:
        whole.merge(part)
    return whole
