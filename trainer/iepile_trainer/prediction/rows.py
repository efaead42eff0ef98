"""Rows to answer: from annotated records, in several batch sizes, under several orders of the labels."""

import json
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any

from iepile_dataset import DataError
from iepile_dataset.answers import UNFIT
from iepile_dataset.corpus.layout import SPLITS
from iepile_dataset.corpus.lines import unpacked
from iepile_dataset.corpus.record_check import problems
from iepile_dataset.instructions.sampling import Draw, shuffled
from iepile_dataset.tasks import TASKS

from ..engines import Row
from ..extraction.arguments import ExtractionOptions
from ..extraction.questions import Count, QuestionBuilder
from .inputs import Item

_TRIES = 16
"""How often an order is drawn again that came before."""


def with_gold(row: Row) -> Row:
    """A published row (task, source, instruction, output) with its gold, which the answer would overwrite, as `label`.

    >>> with_gold({"instruction": "…", "output": "{}"})
    {'instruction': '…', 'output': '{}', 'label': '{}'}
    """
    is_published = (
        "instruction" in row and row.get("output") and not row.keys() & {"label", "error", "cut", "confidence"}
    )
    return {**row, "label": row["output"]} if is_published else row


def rows_of(items: Iterable[Item], options: ExtractionOptions, count: Count = len) -> Iterator[Row]:
    """The rows of a file: as they are, or the questions to annotated records with the annotation as `label`.

    Args:
        items: What the file holds.
        options: See `QuestionBuilder`.
        count: Tokens of an instruction.

    Yields:
        Rows; a line that cannot be asked about has an `error` and no `instruction`.
    """
    builders: dict[tuple[str, str], QuestionBuilder] = {}
    for item in items:
        document = item.document
        if document is None or item.error:
            yield {**with_gold(item.own), "error": item.error} if item.error else with_gold(item.own)
            continue
        language, task = document.prompt_language, TASKS[document.task]
        builder = builders.get((document.task, language))
        try:
            if not document.text.strip():
                raise DataError(f"{item.place}: the text is empty (remove the record or give its text)")
            if builder is None or builder.schema is not document.schema:
                builder = QuestionBuilder(task, document.schema, language, options, count=count)
                builders[document.task, language] = builder
            questions = builder.questions(document.text, item.items)
        except DataError as problem:
            yield {**item.own, "error": str(problem)}
            continue
        except UNFIT:
            reasons = problems(item.own, task.annotation, document.schema)
            words = [f"{reason} ({remedy})" for reason, remedy in reasons]
            words.append("the annotation does not fit its schema (compare it with the record format of the task)")
            yield {**item.own, "error": f"{item.place}: {words[0]}"}
            continue
        source, split, line = _named(item.place)
        row = {"id": f"{language}/{task.name}/{source}/{split}:{line}", "task": task.name, "source": source}
        for question in questions:
            answer = {"instruction": question.instruction, "output": question.output, "label": question.label}
            yield {**row, "language": language, **answer}


def in_orders(rows: Iterable[Row], orders: int) -> Iterator[Row]:
    """Each row under several orders of its labels, numbered by `order`; order 0 is the row as it is.

    The others are drawn from the row's own content, so that they are the same in every run. A row with fewer
    labels than orders has some of them twice.

    >>> row = {"instruction": '{"schema": ["a", "b"], "input": ""}'}
    >>> [(row["order"], json.loads(row["instruction"])["schema"]) for row in in_orders([row], 2)]
    [(0, ['a', 'b']), (1, ['b', 'a'])]
    """
    for row in rows:
        yield {**row, "order": 0}
        instruction = row.get("instruction")
        drawn = [instruction]
        for order in range(1, orders):
            others = (reordered(instruction, order + orders * attempt) for attempt in range(_TRIES))
            for other in others:
                if other not in drawn:
                    break
            drawn.append(other)
            yield {**row, "instruction": other, "order": order}


def reordered(instruction: Any, number: int) -> Any:
    """An instruction with its labels in another order, the same for the same number; what is none stays as it is."""
    try:
        content = json.loads(instruction)
        schema = content["schema"]
        names = [json.dumps(entry) for entry in schema] if isinstance(schema, list) else list(schema)
    except (ValueError, TypeError, KeyError):
        return instruction
    order = shuffled(names, Draw(number, 0).keys(instruction.encode(), len(names)))
    is_list = isinstance(schema, list)
    content["schema"] = [json.loads(entry) for entry in order] if is_list else {name: schema[name] for name in order}
    return json.dumps(content, ensure_ascii=False)


def _named(place: str) -> tuple[str, str, str]:
    """`towns/dev.json:7` → (`towns`, `validation`, `7`), as the dataset names a record of that file."""
    file, _, line = place.rpartition(":")
    path = Path(unpacked(file)).absolute()
    split = next((split for split, names in SPLITS.items() if path.name in names), path.stem)
    return path.parent.name, split, line
