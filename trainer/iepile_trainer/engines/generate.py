"""Answers of a model at hand: during training, in the quickstart, and wherever rows go in and rows come out."""

from collections.abc import Iterable, Iterator
from itertools import tee
from typing import Any

from .answer import Answer
from .options import EngineOptions

__all__ = ["answered", "predict"]


def predict(
    model: Any,
    tokenizer: Any,
    rows: Iterable[dict[str, Any]],
    batch_size: int | str = 32,
    max_new_tokens: int = 256,
    constrain: str = "none",
) -> Iterator[dict[str, Any]]:
    """Answer the instruction of every row.

    Args:
        model: A transformers or peft model, causal or encoder-decoder.
        tokenizer: Its tokenizer; gets the `plain` prompt format where it has no chat template.
        rows: Rows with an `instruction`.
        batch_size: Prompts per forward pass, or `auto`; halved when memory runs out.
        max_new_tokens: Longest answer, in tokens.
        constrain: `none`, `json` or `extractive`, see `EngineOptions`.

    Yields:
        The rows in input order with the model's text as `output`. A row that cannot be answered has an empty
        `output` and an `error` that says why; it does not stop the others.
    """
    from .transformers_engine import TransformersEngine

    options = EngineOptions(batch_size=str(batch_size), max_new_tokens=max_new_tokens, constrain=constrain)
    was_training = model.training
    model.eval()
    try:
        read, sent = tee(rows)
        for row, answer in zip(read, TransformersEngine(model, tokenizer, options).answer(sent)):
            yield answered(row, answer)
    finally:
        model.train(was_training)


def answered(row: dict[str, Any], answer: Answer) -> dict[str, Any]:
    """The row with its answer as `output`, and an `error` where there is none.

    >>> answered({"id": "1", "output": "gold"}, Answer("", "too long"))
    {'id': '1', 'output': '', 'error': 'too long'}
    """
    return {**row, "output": answer.text} | ({"error": answer.error} if answer.error else {})
