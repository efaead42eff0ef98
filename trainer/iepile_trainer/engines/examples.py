"""Annotated rows as turns before the question: what a model that was not trained for this can go by.

Of the rows of the same task those come nearest whose source, schema and text are most like the question's; the most
alike stands last. A row about the question's own text is never shown.
"""

import json
import re
from collections.abc import Iterable, Mapping
from itertools import islice
from pathlib import Path
from typing import Any

from iepile_dataset import DataError
from iepile_dataset.answers import UNFIT
from iepile_dataset.errors import shown
from iepile_dataset.instructions.parse import Question, annotation, output_of, read_instruction

from ..errors import TrainerError
from ..json_lines import numbered_objects

__all__ = ["MOST", "Turn", "write_examples"]

Turn = tuple[str, str]
"""An instruction and its answer."""

MOST = 2000  # rows that are looked through for each question
_WORD = re.compile(r"\w+?(?=[\u3400-\u9fff])|[\u3400-\u9fff]|\w+")


class Examples:
    """Rows to show from.

    Args:
        rows: With `task`, `instruction` and `output`; with `source`, rows of the question's own are preferred.
        most: How many to show.
        place: What they are called in errors.

    Raises:
        TrainerError: A row whose answer does not fit its instruction, or no row.

    >>> ask = '{"instruction": "", "schema": ["city"], "input": "%s"}'
    >>> rows = [{"task": "NER", "instruction": ask % text, "output": '{"city": []}'}
    ...         for text in ("It rains.", "It rains in Ulm.", "Ada left.")]
    >>> turns = Examples(rows, 2).nearest({"task": "NER", "instruction": ask % "It rains in Rome."})
    >>> [json.loads(instruction)["input"] for instruction, _ in turns]
    ['It rains.', 'It rains in Ulm.']
    """

    def __init__(self, rows: Iterable[Mapping[str, Any]], most: int, place: str = "examples") -> None:
        self.most = most
        self._rows: dict[str, list[tuple[Any, frozenset[str], frozenset[str], str, Turn]]] = {}
        for number, row in enumerate(rows, 1):
            if lacking := [name for name in ("task", "instruction", "output") if name not in row]:
                raise TrainerError(f"{place}:{number}: this is no example (no {lacking[0]!r})")
            try:
                task, turn = str(row["task"]).lower(), (str(row["instruction"]), str(row["output"]))
                question = read_instruction(turn[0], task)
                _refuse_unfit(question, turn[1])
            except DataError as problem:
                raise TrainerError(f"{place}:{number}: this is no example ({problem})") from None
            except UNFIT:
                reason = f"its output is no answer to its instruction, out of its text: {shown(row['output'])}"
                raise TrainerError(f"{place}:{number}: this is no example ({reason})") from None
            self._rows.setdefault(task, []).append((row.get("source"), *_traits(question), question.text, turn))
        if not self._rows:
            raise TrainerError(f"{place}: no example in it")

    @classmethod
    def read(cls, path: str, most: int) -> "Examples":
        """Those of a file of JSON lines, the first so many of them.

        Raises:
            TrainerError: There is no such file, or a line that is no row.
        """
        try:
            return cls((row for _, row in islice(numbered_objects(path), MOST)), most, path)
        except OSError as problem:
            raise TrainerError(f"{path}: {problem.strerror or problem} (wanted a file of rows, JSON lines)") from None

    def nearest(self, row: Mapping[str, Any]) -> list[Turn]:
        """The examples for a row, the most alike last; none where its task has none."""
        task = str(row.get("task")).lower()
        try:
            question = read_instruction(str(row["instruction"]), task)
        except (DataError, *UNFIT):
            return []
        labels, words = _traits(question)

        def likeness(number: int) -> tuple[bool, float, float, int]:
            source, its_labels, its_words, _, _ = self._rows[task][number]
            mine = source is not None and source == row.get("source")
            return mine, _overlap(labels, its_labels), _overlap(words, its_words), -number

        rows = self._rows.get(task, [])
        others = [number for number, (*_, text, _) in enumerate(rows) if text != question.text]
        return [rows[number][-1] for number in sorted(others, key=likeness)[-self.most :]]


def write_examples(path: Path, rows: Iterable[Mapping[str, Any]]) -> str:
    """Write rows as a file of examples, without what is not shown.

    Returns:
        The path, as an option has it.
    """
    from iepile_dataset.atomic import write_file

    names = ("task", "source", "instruction", "output")
    kept = ({name: row[name] for name in names} for row in rows)
    write_file(path, "".join(json.dumps(row, ensure_ascii=False) + "\n" for row in kept))
    return str(path)


def _refuse_unfit(question: Question, output: str) -> None:
    """One of `UNFIT` where an answer has another shape than was asked, or names what is not in the text."""
    output_of(question, annotation(question, output))
    if any(isinstance(value, str) for value in json.loads(output).values()):  # its letters would be mentions
        raise ValueError


def _traits(question: Question) -> tuple[frozenset[str], frozenset[str]]:
    return frozenset(question.labels), frozenset(_WORD.findall(question.text.lower()))


def _overlap(one: frozenset[str], other: frozenset[str]) -> float:
    return len(one & other) / (len(one | other) or 1)
