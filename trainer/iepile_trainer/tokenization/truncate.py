"""Rows that are too long: cut into windows, or their text shortened; never their labels or their answer."""

import json
from bisect import bisect_left
from collections import Counter
from collections.abc import Callable
from typing import Any

from iepile_dataset import DataError
from iepile_dataset.answers import NO_MENTION, UNFIT, leaves
from iepile_dataset.instructions.lost_units import Units, units_of
from iepile_dataset.instructions.parse import read_instruction
from iepile_dataset.instructions.split_row import split_row

OVERLONG = ("window", "shorten", "drop", "error")

Pair = tuple[str, str]
"""(instruction, output)"""


def brought_under(
    row: dict[str, str], limit: int, length: Callable[..., int], tokenizer: Any, how: str, overlap: int = 0
) -> tuple[str, list[Pair]]:
    """What a row that is too long becomes: its fate, and rows within the limit, none where it has to go.

    Args:
        row: `task`, `instruction`, `output` and, where known, `label`.
        limit: Tokens of prompt and answer.
        length: Instruction and output → their tokens.
        tokenizer: Counts the tokens of texts.
        how: One of `OVERLONG`; what cannot be cut into windows is shortened.
        overlap: Sentences that a window repeats of the one before.
    """
    cut = windows(row, limit, length, tokenizer, overlap) if how == "window" else None
    if cut:
        return "window", cut
    if how == "shorten" or (how == "window" and cut is None):
        shorter = shortened(row["instruction"], row["output"], limit, length)
        if shorter is not None:
            return "shortened", [(shorter, row["output"])]
    return "dropped", []


def windows(
    row: dict[str, str], limit: int, length: Callable[..., int], tokenizer: Any, overlap: int
) -> list[Pair] | None:
    """Rows about the windows of a row's text; None where it is not a row of this package's form."""

    def count(text: str) -> int:
        return len(tokenizer(text, add_special_tokens=False, verbose=False)["input_ids"])

    try:
        return [(cut["instruction"], cut["output"]) for cut in split_row(row, limit, length, count, overlap)]
    except (DataError, *UNFIT):
        return None


def gold_units(task: str, instruction: str, output: str) -> Units:
    """The units of an answer, as the dataset counts them; its mentions where the row is not of this package's form.

    >>> gold_units("NER", '{"schema": ["city"], "input": "In Ulm"}', '{"city": ["Ulm"]}')
    Counter({('city', 'Ulm'): 1})
    >>> gold_units("", "Which cities?", '{"found": ["Ulm"]}')
    Counter({('Ulm',): 1})
    """
    try:
        return units_of(read_instruction(instruction, task), output)
    except (DataError, *UNFIT):
        return Counter((mention,) for mention in mentions(output))


def lost(task: str, gold: Units, parts: list[Pair]) -> int:
    """Units of an answer that none of the rows that it became still states."""
    left: Units = Counter()
    for part in parts:
        left |= gold_units(task, *part)
    return (gold - left).total()


def mentions(answer: str) -> list[str]:
    """Every string that an answer quotes from its text; [] where it is not JSON.

    >>> mentions('{"found": [{"trigger": "opened", "arguments": {"place": "NAN", "who": ["Ada", "Bo"]}}]}')
    ['opened', 'Ada', 'Bo']
    """
    try:
        return [leaf for leaf in leaves(json.loads(answer)) if isinstance(leaf, str) and leaf not in NO_MENTION]
    except json.JSONDecodeError:
        return []


def shortened(instruction: str, output: str, limit: int, length: Callable[..., int]) -> str | None:
    """A shortened instruction, None where its text would lose a mention of the answer."""
    shorter = shorten(instruction, lambda text: length(text, output) <= limit)
    if shorter is None:
        return None
    before, after = json.loads(instruction)["input"], json.loads(shorter)["input"]
    return None if any(mention in before and mention not in after for mention in mentions(output)) else shorter


def shorten(instruction: str, fits: Callable[[str], bool]) -> str | None:
    """The instruction with the longest beginning of its `input` that fits, None if nothing does.

    Latin words are not cut in two.

    >>> shorten('{"schema": ["x"], "input": "one two three"}', lambda text: len(text) <= 39)
    '{"schema": ["x"], "input": "one two"}'
    """
    try:
        asked = json.loads(instruction)
        text = asked["input"]
    except (json.JSONDecodeError, KeyError, TypeError):
        return None

    def cut(end: int) -> str:
        return json.dumps({**asked, "input": text[:end]}, ensure_ascii=False)

    # text[:low] fits (or is empty), text[:low + 1] does not
    low = bisect_left(range(1, len(text)), True, key=lambda end: not fits(cut(end)))
    if text[low - 1 : low + 1].isascii() and text[low - 1 : low + 1].isalnum():
        low = max(text.rfind(" ", 0, low), 0)
    low = len(text[:low].rstrip())
    return cut(low) if low and fits(cut(low)) else None
