"""Where answers and gold stand in the rows of a file: ours, published ones, and those of other toolkits.

| rows | the answer | the gold |
|---|---|---|
| of `iepile predict` | `output` | `label` |
| published ones (`task`, `source`, `instruction`, `output`) with answers beside | `prediction` | `output` |
| extractions of `iepile predict` from annotated texts | `extractions` | `entity`, `relation`, `event` or `label` |
| of LLaMA-Factory (`prompt`, `predict`, `label`) and others | `predict`, `generated`, `response` … | `label` … |
"""

import json
from collections.abc import Mapping
from typing import Any

from .extractions import gold_key, row_of

__all__ = ["ANSWERS", "layout_of"]

ANSWERS = ("prediction", "predict", "generated", "generated_text", "response", "model_output", "output")
"""Keys that hold the model's text, the first one that a row has."""
GOLD = ("label", "gold", "labels", "reference", "target", "output")
"""Keys that hold the gold."""
OURS = ("output", "label")


def layout_of(row: Mapping[str, Any]) -> tuple[str, str]:
    """Name the keys of a row that hold the answer and the gold.

    Raises:
        ValueError: it lacks one of them.

    >>> layout_of({"output": "{}", "label": "[]"}), layout_of({"output": "{}", "prediction": "{}"})
    (('output', 'label'), ('prediction', 'output'))
    >>> layout_of({"task": "NER", "instruction": "…", "output": "{}"})
    Traceback (most recent call last):
    ValueError: the row has 'output' alone: put the answer in 'output' and the gold in 'label'
    """
    answer = next((key for key in ANSWERS if key in row), None)
    gold = next((key for key in GOLD if key in row and key != answer), None)
    if answer is None and "extractions" in row and (stated := gold_key(row)):
        return "extractions", stated
    if answer is None:
        raise ValueError(f"the row has no 'output', nor any other key of an answer ({', '.join(ANSWERS[:-1])})")
    if gold is None and answer == "output":
        raise ValueError("the row has 'output' alone: put the answer in 'output' and the gold in 'label'")
    if gold is None:
        raise ValueError(f"the row has no 'label', nor any other key of the gold ({', '.join(GOLD[1:])})")
    return answer, gold


def as_ours(row: dict[str, Any]) -> dict[str, Any]:
    """Give a row with the answer as `output` and the gold as `label`, both as text.

    Raises:
        ValueError: it lacks one of them, or it is no text.

    >>> as_ours({"predict": "{}", "label": [], "prompt": "…"})["label"]
    '[]'
    """
    answer, gold = layout_of(row)
    if answer == "extractions":
        return row_of(row, gold)
    if row[answer] is not None and not isinstance(row[answer], str):
        raise ValueError(f"{answer!r} is {type(row[answer]).__name__}, not text: write its JSON as a string")
    label = row[gold]
    if isinstance(label, list | dict) and (answer, gold) != OURS:
        label = json.dumps(label, ensure_ascii=False)
    if label is not None and not isinstance(label, str):
        raise ValueError(f"{gold!r} is {type(label).__name__}, not text: write its JSON as a string")
    return {**row, "output": row[answer], "label": label}
