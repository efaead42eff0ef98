"""Answers that need no weights, so that a table has a floor and a ceiling."""

import json
import re
from collections import Counter
from collections.abc import Callable, Iterable
from typing import Any

from ..data.arguments import DataArguments
from ..data.holdout import text_of
from ..data.load import load_rows
from ..errors import TrainerError
from .rows import Rows, Source, place_of, source_of

__all__ = ["BASELINES"]

_WORD = re.compile(r"[A-Za-z0-9_\u00c0-\u024f]+|\S")


def gold(rows: Rows, corpus: str) -> Rows:
    """The annotation itself; where it does not score 1, the corpus is at fault, or its rows were cut."""
    return rows


def empty(rows: Rows, corpus: str) -> Rows:
    """Nothing at all."""
    return [{**row, "output": "{}"} for row in rows]


def dictionary(rows: Rows, corpus: str) -> Rows:
    """What the training rows of the same source state, wherever a text holds all that it names.

    Of several labels for the same mentions, the commonest. Of events the triggers alone; of tasks that are asked in
    another shape, nothing.
    """
    known: dict[Source, Dictionary] = {}
    answered = []
    for row in rows:
        source = source_of(row)
        if source not in known:
            known[source] = Dictionary(_training_rows(source, corpus))
        answered.append({**row, "output": known[source].answer(row["instruction"])})
    return answered


BASELINES: dict[str, Callable[[Rows, str], Rows]] = {"empty": empty, "dictionary": dictionary, "gold": gold}
"""Name → rows and corpus to answered rows."""


class Dictionary:
    """What was stated of which mentions.

    Args:
        rows: With `instruction` and the gold answer as `output`.

    >>> ask = '{"instruction": "", "schema": ["city", "person"], "input": "Ada left Ulm"}'
    >>> Dictionary([{"instruction": ask, "output": '{"city": ["Ulm"], "person": ["Ada"]}'}]).answer(
    ...     '{"schema": ["city"], "input": "Ulm and Ulmer, not Ada"}')
    '{"city": ["Ulm"]}'
    """

    def __init__(self, rows: Iterable[dict[str, Any]]) -> None:
        labels: dict[tuple[str, ...], Counter[str]] = {}
        shapes: dict[tuple[str, ...], Any] = {}
        for row in rows:
            for label, items in _labelled(row["output"]):
                for item in items:
                    mentions, shape = _named(item)
                    if mentions:
                        labels.setdefault(mentions, Counter())[label] += 1
                        shapes[mentions] = shape
        self._by_first: dict[str, list[tuple[tuple[str, ...], str, Any]]] = {}
        for mentions, counts in labels.items():
            entry = (mentions, counts.most_common(1)[0][0], shapes[mentions])
            self._by_first.setdefault(_WORD.findall(mentions[0])[0], []).append(entry)

    def answer(self, instruction: str) -> str:
        """The answer to an instruction, as JSON."""
        text = text_of(instruction)
        schema = json.loads(instruction)["schema"]
        found: dict[str, list[Any]] = {
            label if isinstance(label, str) else label.get("event_type", ""): [] for label in schema
        }
        words = _WORD.findall(text)
        for word in dict.fromkeys(words):
            for mentions, label, shape in self._by_first.get(word, ()):
                if label in found and all(_stands(mention, text) for mention in mentions):
                    found[label].append(shape)
        return json.dumps(found, ensure_ascii=False)


def _training_rows(source: Source, corpus: str) -> Iterable[dict[str, Any]]:
    task, language, name = source
    data = DataArguments(task=[task], source=[name], language=language, data_dir=place_of(corpus), negatives="none")
    try:
        return list(load_rows(data, "train"))
    except (TrainerError, ValueError):  # it has no such split
        return []


def _labelled(output: str) -> Iterable[tuple[str, list[Any]]]:
    answer = json.loads(output)
    return [(label, items) for label, items in answer.items() if isinstance(items, list)]


def _named(item: Any) -> tuple[tuple[str, ...], Any]:
    """The mentions that an item names, and how it is said again."""
    if isinstance(item, str):
        return (item,) if item.strip() else (), item
    if "subject" in item and isinstance(item.get("object"), str):
        mentions = (item["subject"], item["object"])
        return mentions if all(mention.strip() for mention in mentions) else (), item
    trigger = item.get("trigger")
    named = isinstance(trigger, str) and trigger.strip()
    return ((trigger,), {"trigger": trigger, "arguments": {}}) if named else ((), {})


def _stands(mention: str, text: str) -> bool:
    """Whether a text holds a mention as whole words; in scripts without spaces, at all."""
    start = text.find(mention)
    while start >= 0:
        end = start + len(mention)
        before, after = text[start - 1 : start] + mention[0], mention[-1] + text[end : end + 1]
        if not any(len(pair) == 2 and pair.isalnum() and pair.isascii() for pair in (before, after)):
            return True
        start = text.find(mention, start + 1)
    return False
