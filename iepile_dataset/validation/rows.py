"""What a generated or predicted row means, beyond its shape: question, answer and gold belong together."""

from array import array
from collections.abc import Iterator
from typing import Any

import numpy as np
import orjson

from ..answers import NAN, leaves
from ..corpus.record_check import problems
from ..errors import shown
from ..tasks import ANNOTATIONS, TASKS
from .shapes import Defect, defects, without_values

ROW_FORMATS = ("row", "prediction", "original", "raw")

_NAMES = ("event_type", "predicate", "entity_type")
_REGENERATE = "generate the row again"
_MASK = 0xFFFFFFFF


class Ids:
    """Collects (id, question, gold); two rows of one id are fine if they ask different things and have the same gold.

    Only digests are kept. Two unlike ids are taken for the same with a probability of 4e-7 in four million rows.

    >>> ids = Ids()
    >>> for line, (asked, text) in enumerate([("x", "t"), ("y", "t"), ("x", "t"), ("z", "u")]):
    ...     ids.add("a", asked, text, line)
    >>> list(ids.repeated()), list(ids.conflicting())
    ([(2, 0)], [(3, 2)])
    """

    def __init__(self) -> None:
        self._ids, self._lines = array("Q"), array("Q")
        self._asked, self._about = array("I"), array("I")

    def add(self, name: object, asked: object, about: object, line: int) -> None:
        """Take note of a row."""
        self._ids.append(hash(name) & 0xFFFFFFFFFFFFFFFF)
        self._asked.append(hash(asked) & _MASK)
        self._about.append(hash(about) & _MASK)
        self._lines.append(line)

    def repeated(self) -> Iterator[tuple[int, int]]:
        """(line, earlier line) of rows that ask the same thing under the same id."""
        return self._neighbours(self._asked, np.equal)

    def conflicting(self) -> Iterator[tuple[int, int]]:
        """(line, earlier line) of rows that bear the same id and are about different records."""
        return self._neighbours(None, np.not_equal)

    def _neighbours(self, beside: "array[int] | None", compare: np.ufunc) -> Iterator[tuple[int, int]]:
        """Rows of one id that follow each other, in the order of ids and of what they are sorted by beside."""
        ids, lines = np.frombuffer(self._ids, np.uint64), np.frombuffer(self._lines, np.uint64)
        values = np.frombuffer(self._about if beside is None else beside, np.uint32)
        order = np.argsort(ids, kind="stable") if beside is None else np.lexsort((values, ids))
        same = (ids[order][1:] == ids[order][:-1]) & compare(values[order][1:], values[order][:-1])
        yield from sorted((int(lines[order[place + 1]]), int(lines[order[place]])) for place in np.flatnonzero(same))


class RowCheck:
    """Checks rows one after the other; the gold of a record, which its rows repeat, is checked once.

    Args:
        name: The rows' format, one of `ROW_FORMATS`.
        ids: Takes note of (id, question, gold). The gold stands for the record, since a long text is asked about in
            several windows.

    >>> row = {"output": "{}", "label": "[", "task": "NER"}
    >>> next(RowCheck("prediction", Ids()).defects(1, row))[0]
    'label is not JSON'
    """

    def __init__(self, name: str, ids: Ids) -> None:
        self._name, self._ids = name, ids
        self._label: tuple[str, str] | None = None

    def defects(self, number: int, row: Any) -> Iterator[Defect]:
        """What is wrong with the row at a place, first its shape, then its meaning."""
        yield from defects(row, self._name)
        if not isinstance(row, dict):
            return
        name, question, label = (row.get(key) for key in ("id", "instruction", "label"))
        if self._name == "raw":
            question, label = "", row.get("record")
            yield from _record(label)
        else:
            yield from self._meaning(row)
        if isinstance(name, str) and isinstance(question, str) and (question or self._name == "raw"):
            self._ids.add(name, question, str(label), number)

    def _meaning(self, row: dict[str, Any]) -> Iterator[Defect]:
        task, label = row.get("task"), row.get("label")
        if isinstance(task, str) and task and task.lower() not in TASKS:
            yield "task is unknown", f"task {shown(task)} is unknown", f"one of {', '.join(TASKS)}"
        if self._name == "row" and isinstance(row.get("id"), str):
            start = f"{row.get('language')}/{task}/{row.get('source')}/"
            if not row["id"].startswith(start):
                reason = f"id {shown(row['id'])} does not begin with {shown(start)}"
                yield "id is not that of its source", reason, "the id names language, task, source, split and line"
        asked = text = None
        if isinstance(row.get("instruction"), str) and row["instruction"]:
            question, error = _parsed(row["instruction"], "instruction", _REGENERATE)
            wrong = error or [
                (f"instruction: {kind}", f"instruction: {reason}", remedy)
                for kind, reason, remedy in defects(question, "instruction")
            ]
            yield from wrong
            if isinstance(question, dict):
                text = question.get("input") if isinstance(question.get("input"), str) else None
                asked = None if wrong else question["schema"]
        if self._name != "prediction" and isinstance(row.get("output"), str):
            yield from _answer(row["output"], label, asked, text)
        if isinstance(label, str) and label and self._label != (label, task):
            wrong = list(self._gold(label, task))
            yield from wrong
            self._label = None if wrong else (label, str(task))

    def _gold(self, label: str, task: Any) -> Iterator[Defect]:
        items, error = _parsed(label, "label", "the gold is the record's annotation list as JSON")
        entry = TASKS.get(task.lower()) if isinstance(task, str) else None
        if error:
            yield from error
        elif self._name == "original":
            return
        elif entry:
            for kind, reason, remedy in defects({"text": "", entry.annotation: items}, entry.annotation):
                yield f"label: {kind}", f"label: {reason}", remedy
        elif not isinstance(items, list):
            yield "label is not a list", f"label is {shown(label)}, not a list", "the gold is an annotation list"


def _parsed(text: Any, noun: str, remedy: str) -> tuple[Any, list[Defect]]:
    """The value of a JSON string, and what keeps it from being read."""
    try:
        return orjson.loads(text), []
    except orjson.JSONDecodeError as error:
        return None, [(f"{noun} is not JSON", f"{noun} is not JSON: {error}", remedy)]


def _record(line: Any) -> Iterator[Defect]:
    """A kept record is checked without its labels, since the source's schema is not at hand."""
    record, error = _parsed(line, "record", "prepare the folder again")
    if error:
        yield from error
        return
    key = next((key for key in ANNOTATIONS if isinstance(record, dict) and key in record), ANNOTATIONS[0])
    wrong = list(defects(record, key))
    yield from wrong
    for reason, remedy in () if wrong else problems(record, key, None):
        yield without_values(reason), reason, remedy


def _answer(output: str, label: Any, asked: Any, text: str | None) -> Iterator[Defect]:
    if not output:
        if label:
            yield "output is empty", "output is empty although label is not", _REGENERATE
        return
    remedy = "generate the row again; a file of model answers is checked with --as prediction"
    answer, error = _parsed(output, "output", remedy)
    if error:
        yield from error
        return
    if not isinstance(answer, dict):
        yield "output is not an object", f"output is {shown(output)}, not an object", "write {label: answer}"
        return
    names = _asked_names(asked)
    if names is not None and list(answer) != names:
        reason = f"output answers {shown(list(answer))}, asked were {shown(names)}"
        remedy = "each asked label is a key, in the order of the schema"
        yield "output answers other labels than asked", reason, remedy
    for mention in leaves(answer) if text is not None else ():
        if not isinstance(mention, str) or (mention not in str(text) and mention != NAN):
            reason = f"output holds {shown(mention)}, which does not occur in the text"
            yield "output does not quote the text", reason, "an answer must quote the text letter for letter"


def _asked_names(asked: Any) -> list[str] | None:
    """The answer's keys, None where an entry of the schema does not say its own."""
    if not isinstance(asked, list):
        return None
    names: dict[str, None] = {}
    for entry in asked:
        name = entry if type(entry) is str else next((entry[key] for key in _NAMES if key in entry), None)
        if type(name) is not str:
            return None
        names[name] = None
    return list(names)
