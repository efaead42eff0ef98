"""A generated row that is too long → rows about the windows of its text.

Windows are cut as for a token budget, and each answer holds what stands in its window. The rows keep their record's id
and annotation: what two windows both say counts once.
"""

import json
from collections.abc import Callable, Iterator, Mapping
from typing import Any

from ..answers import UNFIT, Items
from .parse import Question, annotation, answer_of, items_asked, output_of, read_instruction
from .windows import LEAST_TEXT, windows, within

__all__ = ["split_row"]

Row = Mapping[str, str]


def split_row(
    row: Row, limit: int, length: Callable[[str, str], int], count: Callable[[str], int], overlap: int = 0
) -> Iterator[dict[str, str]]:
    """Rows about consecutive windows of a row's text, each within a limit.

    Args:
        row: `task`, `instruction`, `output` and, where known, the record's annotation as `label`.
        limit: The most tokens of instruction and answer together.
        length: Their tokens.
        count: The tokens of a text.
        overlap: Sentences that a window repeats of the one before.

    Yields:
        The row with another `instruction` and `output`. A window of which nothing is asked (EEA without events) has
        none; one that cannot be brought under the limit is left out.

    Raises:
        DataError: The row's instruction is not of this form.
        ValueError, TypeError, KeyError, AttributeError: Nor is its answer.

    >>> row = {"task": "NER", "label": "", "output": '{"city": ["Ulm", "Rome"]}',
    ...     "instruction": '{"schema": ["city"], "input": "Ada was born in Ulm. Later she lived in Rome."}'}
    >>> letters = lambda *parts: sum(map(len, parts))
    >>> [row["output"] for row in split_row(row, 80, letters, len)]
    ['{"city": ["Ulm"]}', '{"city": ["Rome"]}']
    """
    question = read_instruction(row["instruction"], row["task"])
    items = _items(row, question)

    def written(piece: str) -> int:
        return count(json.dumps(piece, ensure_ascii=False)[1:-1])

    def split(text: str, room: int) -> Iterator[dict[str, str]]:
        for start, end in windows(text, room, written, overlap):
            window = text[start:end]
            pair = _ask(question, window, within(window, items, question.task)) if window.strip() else None
            if pair is None:
                continue
            if length(*pair) <= limit:
                yield {**row, "instruction": pair[0], "output": pair[1]}
            elif room > LEAST_TEXT:  # the answer takes more room than was left for it
                yield from split(window, max(room * 3 // 4, LEAST_TEXT))

    nothing = answer_of(question, question.labels, {})
    room = limit - length(_instruction(question, question.instruction["schema"], ""), nothing)
    if room >= LEAST_TEXT:
        yield from split(question.text, room)


def _items(row: Row, question: Question) -> Items:
    """What the row's answer is made of: its share of the annotation, or else what the answer states."""
    try:
        items = items_asked(question, row.get("label") or "null")
        if output_of(question, items) == row["output"]:
            return items
    except UNFIT:
        pass
    return annotation(question, row["output"])


def _ask(question: Question, text: str, items: Items) -> tuple[str, str] | None:
    """(instruction, output) about a window, None where nothing is asked of it."""
    task, schema, labels = question.task, question.instruction["schema"], question.labels
    answer = task.answer(text, items, question.schema)
    if task.hints:
        hints = {label: json.loads(entry) for label, entry in task.hints(text, items, question.schema).items()}
        labels = tuple(label for label in labels if label in hints)
        if isinstance(schema, Mapping):
            schema = {label: {label: schema[label][label], **hints[label]} for label in labels}
        else:
            schema = [hints[label] for label in labels]
    return (_instruction(question, schema, text), answer_of(question, labels, answer)) if labels else None


def _instruction(question: Question, schema: Any, text: str) -> str:
    return json.dumps({**question.instruction, "schema": schema, "input": text}, ensure_ascii=False)
