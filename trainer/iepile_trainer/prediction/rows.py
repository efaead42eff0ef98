"""Rows to answer: from annotated records, in several batch sizes, under several orders of the labels."""

import json
from collections.abc import Iterable, Iterator
from functools import cache
from pathlib import Path
from typing import Any

from iepile_dataset import DataError, Schema
from iepile_dataset.answers import UNFIT
from iepile_dataset.corpus.layout import SPLITS
from iepile_dataset.corpus.record_check import problems
from iepile_dataset.instructions.sampling import Draw, shuffled
from iepile_dataset.tasks import TASKS

from ..extraction.documents import language_of
from ..extraction.questions import Asker, Count
from .inputs import Item

Row = dict[str, Any]

_TRIES = 16
"""How often an order is drawn again that came before."""


def rows_of(
    items: Iterable[Item],
    split_num: int | None = None,
    descriptions: bool = False,
    max_prompt_tokens: int | None = None,
    count: Count = len,
) -> Iterator[Row]:
    """The rows of a file: as they are, or the questions to annotated records with the annotation as `label`.

    Args:
        items: What the file holds.
        split_num: See `Asker`.
        descriptions: See `Asker`.
        max_prompt_tokens: See `Asker`.
        count: Tokens of an instruction.

    Yields:
        Rows; a line that cannot be asked about has an `error` and no `instruction`.
    """
    askers: dict[tuple[int, str, str], tuple[Schema, Asker]] = {}
    for item in items:
        document = item.document
        if document is None or item.error:
            yield {**item.own, "error": item.error} if item.error else item.own
            continue
        language = document.language or language_of(document.text)
        name = (id(document.schema), document.task, language)
        try:
            if not document.text.strip():
                raise DataError(f"{item.place}: the text is empty (remove the record or give its text)")
            if name not in askers:
                options = (split_num, descriptions, None, max_prompt_tokens, count)
                # The schema is kept beside its asker: while it lives, no other one has its id.
                askers[name] = document.schema, Asker(TASKS[document.task], document.schema, language, *options)
            questions = askers[name][1].questions(document.text, item.items)
        except DataError as problem:
            yield {**item.own, "error": str(problem)}
            continue
        except UNFIT:
            yield {**item.own, "error": f"{item.place}: {_why(item)}"}
            continue
        source, line = _named(item.place)
        for question in questions:
            yield {
                "id": f"{language}/{TASKS[document.task].name}/{source}:{line}",
                "task": TASKS[document.task].name,
                "source": source.partition("/")[0],
                "language": language,
                "instruction": question.instruction,
                "output": question.output,
                "label": question.label,
            }


def in_orders(rows: Iterable[Row], orders: int) -> Iterator[Row]:
    """Each row under several orders of its labels, numbered by `order`; order 0 is the row as it is.

    The others are drawn from the row's own content, so that they are the same in every run. A row with fewer
    labels than orders has some of them twice.

    >>> row = {"instruction": '{"schema": ["a", "b"], "input": ""}'}
    >>> [(each["order"], json.loads(each["instruction"])["schema"]) for each in in_orders([row], 2)]
    [(0, ['a', 'b']), (1, ['b', 'a'])]
    """
    for row in rows:
        yield {**row, "order": 0}
        instruction = row.get("instruction")
        drawn = [instruction]
        for order in range(1, orders):
            for attempt in range(_TRIES):
                other = reordered(instruction, order + orders * attempt)
                if other not in drawn:
                    break
            drawn.append(other)
            yield {**row, "instruction": other, "order": order}


def reordered(instruction: Any, number: int) -> Any:
    """An instruction with its labels in another order, the same for the same number; what is none stays as it is."""
    try:
        asked = json.loads(instruction)
        schema = asked["schema"]
        names = [json.dumps(entry) for entry in schema] if isinstance(schema, list) else list(schema)
    except (ValueError, TypeError, KeyError):
        return instruction
    order = shuffled(names, _draw(number).keys(instruction.encode(), len(names)))
    if isinstance(schema, list):
        asked["schema"] = [json.loads(entry) for entry in order]
    else:
        asked["schema"] = {name: schema[name] for name in order}
    return json.dumps(asked, ensure_ascii=False)


@cache
def _draw(number: int) -> Draw:
    return Draw(number, 0)


def _why(item: Item) -> str:
    assert item.document is not None
    for reason, remedy in problems(item.own, TASKS[item.document.task].annotation, item.document.schema):
        return f"{reason} ({remedy})"
    return "the annotation does not fit its schema (compare it with the record format of the task)"


def _named(place: str) -> tuple[str, str]:
    """`towns/dev.json:7` → (`towns/validation`, `7`), as the dataset names a record of that file."""
    file, _, line = place.rpartition(":")
    path = Path(file).absolute()
    split = next((split for split, names in SPLITS.items() if path.name in names), path.stem)
    return f"{path.parent.name}/{split}", line
