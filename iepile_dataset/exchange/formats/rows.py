"""Rows of `iepile predict` or of a prepared folder: the annotation that their answers state, a record's rows as one."""

from collections.abc import Iterator
from itertools import groupby
from typing import Any

from ...answers import UNFIT
from ...errors import DataError, shown
from ...instructions.parse import annotation, read_instruction
from ..document import Document, Loss
from ..files import DataFile
from ..format import Format, ReadOptions
from ..records import document_of


def fits(file: DataFile) -> bool:
    """An instruction and its output, both strings."""
    return any(isinstance(one.get("instruction"), str) and isinstance(one.get("output"), str) for one in file.objects)


def read(file: DataFile, options: ReadOptions) -> Iterator[Document | Loss]:
    """Records; rows with the same id that follow one another are one, rows without id each their own."""

    def record_id(entry: tuple[int, str, Any]) -> Any:
        line, _, row = entry
        return (row.get("id") if isinstance(row, dict) else None) or line

    for _, group in groupby(file.values(), record_id):
        rows = list(group)
        line, raw, _ = rows[0]
        items: list[dict[str, Any]] = []
        losses = []
        question = None
        for _, _, part in rows:
            try:
                if isinstance(part, ValueError):
                    raise part
                question = read_instruction(part["instruction"], part.get("task") or "ner")
                items += annotation(question, part["output"])
            except (*UNFIT, DataError) as error:
                answer = shown(part["output"]) if isinstance(part, dict) and "output" in part else ""
                losses.append(
                    ("an answer that cannot be read", f"{error}: {answer}", "score it, which reads more forms")
                )
        if question is None:
            yield Loss(file.name, line, losses[0][1], "expected instruction and output", raw, "no instruction", True)
            continue
        try:
            document = document_of({"text": question.text, question.task.annotation: items}, file.name, line)
        except UNFIT as error:
            reason = f"an answer of another shape: {type(error).__name__} {error}"
            yield Loss(file.name, line, reason, "expected the task's shape", raw, "an answer of another shape", True)
            continue
        document.split = file.split
        document.losses += losses
        yield document


FORMAT = Format("rows", "rows of iepile with answers", fits, read, ("instruction", "output", "label", "task"))
