"""What a generated or predicted row means, beyond its shape: question, answer and gold belong together."""

from collections.abc import Callable, Iterator
from typing import Any

import orjson

from ..answers import NAN
from ..corpus.record_check import problems
from ..errors import shown
from ..tasks import TASKS
from .fast_check import ANY_SCHEMA, label_fit, original_fit, prediction_fit, raw_fit, record_fit, row_fit
from .shapes import Defect, defects, without_values

ROW_FITS: dict[str, Callable[[Any], bool]] = {
    "row": row_fit, "prediction": prediction_fit, "original": original_fit, "raw": raw_fit,
}  # fmt: skip

_LABEL_FITS = {task.annotation: label_fit(task.annotation) for task in TASKS.values()}
_RECORD_FITS = {task.annotation: record_fit(task.annotation, ANY_SCHEMA) for task in TASKS.values()}
_NAMES = ("event_type", "predicate", "entity_type")
_REGENERATE = "generate the row again"


class RowCheck:
    """Checks rows one after the other; the gold of a record, which its rows repeat, is checked once.

    >>> row = {"output": "{}", "label": "[", "task": "NER"}
    >>> next(RowCheck("prediction").defects(row))[0]
    'label is not JSON'
    """

    def __init__(self, name: str) -> None:
        self._name, self._fits = name, ROW_FITS[name]
        self._label: tuple[str, str] | None = None
        self.about: tuple[str, str] | None = None
        """(question, gold) of the row last checked, for finding repeated ids. The gold stands for the record, since a
        long text is asked about in several windows."""

    def defects(self, row: Any) -> Iterator[Defect]:
        """What is wrong with a row, first its shape, then its meaning."""
        self.about = None
        if not self._fits(row):
            yield from defects(row, self._name)
            if not isinstance(row, dict):
                return
        if self._name == "raw":
            self.about = ("", str(row.get("record")))
            yield from _record(row.get("record"))
            return
        task = row.get("task")
        if isinstance(task, str) and task and task.lower() not in TASKS:
            yield "task is unknown", f"task {shown(task)} is unknown", f"one of {', '.join(TASKS)}"
        if self._name == "row" and isinstance(row.get("id"), str):
            start = f"{row.get('language')}/{task}/{row.get('source')}/"
            if not row["id"].startswith(start):
                yield (
                    "id is not that of its source",
                    f"id {shown(row['id'])} does not begin with {shown(start)}",
                    "the id names language, task, source, split and line",
                )
        asked, text = None, None
        if isinstance(row.get("instruction"), str) and row["instruction"]:
            asked, text, wrong = _question(row["instruction"])
            yield from wrong
            self.about = (row["instruction"], str(row.get("label")))
        if self._name != "prediction" and isinstance(row.get("output"), str):
            yield from _answer(row["output"], row.get("label"), asked, text)
        if isinstance(row.get("label"), str):
            yield from self._gold(row["label"], task)

    def _gold(self, label: str, task: Any) -> Iterator[Defect]:
        if not label or self._label == (label, task):
            return
        try:
            items = orjson.loads(label)
        except orjson.JSONDecodeError as error:
            yield "label is not JSON", f"label is not JSON: {error}", "the gold is the record's annotation list as JSON"
            return
        entry = TASKS.get(task.lower()) if isinstance(task, str) else None
        key = entry.annotation if entry else None
        if (_LABEL_FITS[key](items) if key else isinstance(items, list)) or self._name == "original":
            self._label = (label, task)
            return
        wrong = list(defects({"text": "", key: items}, key)) if key else []
        for kind, reason, remedy in wrong:
            yield f"label: {kind}", f"label: {reason}", remedy
        if not isinstance(items, list) and not wrong:
            yield "label is not a list", f"label is {shown(label)}, not a list", "the gold is an annotation list"


def _record(line: Any) -> Iterator[Defect]:
    """A kept record is checked without its labels, since the source's schema is not at hand."""
    try:
        record = orjson.loads(line)
    except orjson.JSONDecodeError as error:
        yield "record is not JSON", f"record is not JSON: {error}", "prepare the folder again"
        return
    key = next((key for key in _RECORD_FITS if isinstance(record, dict) and key in record), next(iter(_RECORD_FITS)))
    if not _RECORD_FITS[key](record):
        wrong = list(defects(record, key))
        yield from wrong
        for reason, remedy in () if wrong else problems(record, key, ANY_SCHEMA):
            yield without_values(reason), reason, remedy


def _question(instruction: str) -> tuple[Any, str | None, list[Defect]]:
    """What is asked and of which text, where both can be read."""
    try:
        question = orjson.loads(instruction)
    except orjson.JSONDecodeError as error:
        return None, None, [("instruction is not JSON", f"instruction is not JSON: {error}", _REGENERATE)]
    if isinstance(question, dict):
        prompt, asked, text = question.get("instruction"), question.get("schema"), question.get("input")
        fine = type(prompt) is type(text) is str and prompt and type(asked) is list and asked
        if fine and all(type(entry) is str or type(entry) is dict for entry in asked or ()):
            return asked, text, []
    wrong = [
        (f"instruction: {kind}", f"instruction: {reason}", remedy)
        for kind, reason, remedy in defects(question, "instruction")
    ]
    text = question.get("input") if isinstance(question, dict) else None
    return None, text if isinstance(text, str) else None, wrong


def _answer(output: str, label: Any, asked: Any, text: str | None) -> Iterator[Defect]:
    if not output:
        if label:
            yield "output is empty", "output is empty although label is not", _REGENERATE
        return
    try:
        answer = orjson.loads(output)
    except orjson.JSONDecodeError as error:
        yield (
            "output is not JSON",
            f"output is not JSON: {error}",
            "generate the row again; a file of model answers is checked with --as prediction",
        )
        return
    if not isinstance(answer, dict):
        yield "output is not an object", f"output is {shown(output)}, not an object", "write {label: answer}"
        return
    names = _asked_names(asked)
    if names is not None and list(answer) != names:
        yield (
            "output answers other labels than asked",
            f"output answers {shown(list(answer))}, asked were {shown(names)}",
            "each asked label is a key, in the order of the schema",
        )
    if text is not None:
        for mention in _unquoted(answer, text):
            yield (
                "output does not quote the text",
                f"output holds {shown(mention)}, which does not occur in the text",
                "an answer must quote the text letter for letter",
            )


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


def _unquoted(value: Any, text: str) -> Iterator[Any]:
    """The leaves of an answer that are not in the text: in every task's answer, leaves are mentions."""
    if type(value) is str:
        if value not in text and value != NAN:
            yield value
    elif type(value) is list:
        for part in value:
            yield from _unquoted(part, text)
    elif type(value) is dict:
        for part in value.values():
            yield from _unquoted(part, text)
    else:
        yield value
