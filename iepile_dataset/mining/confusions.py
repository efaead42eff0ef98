"""Which labels a model takes for each other, from its answers to annotated texts."""

from collections import Counter
from collections.abc import Mapping, Sequence
from typing import Any

import fsspec
import numpy as np
import orjson

from ..answers import UNFIT, leaves
from ..bounded import refuse_endless
from ..corpus.layout import json_object
from ..corpus.lines import lines_in
from ..corpus.records import read_records
from ..corpus.sources import Source
from ..errors import DataError, Problem, keep, shown
from ..tasks import TASKS
from .cooccurrence import mentions


class Confusions:
    """The confusions of one source's labels, counted over a model's answers.

    A mention that the model gives to one label and that is annotated with another only counts as the annotated
    label taken for the given one.

    Args:
        source: Whose labels and task it is.
    """

    def __init__(self, source: Source) -> None:
        self._task, self._schema = TASKS[source.task], source.schema
        self._labels = self._task.labels(source.schema)
        self._keys: dict[str, list[str]] = {}  # typed relations may share one key of the answer
        for label in self._labels:
            self._keys.setdefault(self._task.key(label, source.schema), []).append(label)
        self._right: Counter[str] = Counter()
        self._taken: Counter[tuple[str, str]] = Counter()

    def add(self, answer: Mapping[str, Any], items: Sequence[Mapping[str, Any]]) -> None:
        """Count one answer.

        Args:
            answer: The parsed answer: what the model gave to each label; labels that the schema lacks do not count.
            items: The record's whole annotation.

        Raises:
            One of `answers.UNFIT`: the annotation does not fit the schema.
        """
        # An answer may quote any part of the text; where, does not matter here.
        text = "\n".join(leaf for leaf in leaves(items) if isinstance(leaf, str))
        answers = self._task.answer(text, items, self._schema)
        gold = {label: set(mentions(orjson.loads(value))) for label, value in answers.items()}
        for key, value in answer.items():
            given = self._keys.get(key, [])
            for mention in dict.fromkeys(mentions(value)):
                right = [label for label in given if mention in gold.get(label, ())]
                self._right.update(right)
                if not right:
                    meant = [label for label, known in gold.items() if mention in known]
                    self._taken.update((label, other) for label in meant for other in given)

    def shares(self) -> np.ndarray:
        """Row's label taken for column's label: the share of the row's annotated mentions that the model gave."""
        place = {label: number for number, label in enumerate(self._labels)}
        table = np.zeros((len(place), len(place)))
        for (label, other), number in self._taken.items():
            if label in place:
                table[place[label], place[other]] = number
        given = table.sum(axis=1, keepdims=True) + np.array([[self._right[label]] for label in self._labels])
        return table / np.maximum(given, 1)


def read_predictions(
    file: str, sources: Sequence[Source], counts: Counter[str], problems: list[Problem]
) -> dict[str, Confusions]:
    """Confusions by source key, from rows with `task`, `source`, `output`, `label` and, where known, `language`.

    Args:
        file: JSON lines, `.gz` too.
        sources: Whose labels are asked about; rows of others are passed over.
        counts: Is added to: `predictions` read, `unparseable`, `other_sources`, and `unreadable` lines.
        problems: The first unreadable lines are added to it.

    Raises:
        DataError: There is no such file.
    """
    if not fsspec.core.url_to_fs(file)[0].exists(file):
        raise DataError(f"{file}: no such predictions file (iepile predict writes one)")
    confusions = {source.key: Confusions(source) for source in sources}
    # Rows that do not state their language are those of the first source of that name.
    by_name = {key.partition("/")[2]: counter for key, counter in reversed(confusions.items())}
    refuse_endless(file)
    with fsspec.open(file, "rb", compression="infer") as lines:
        for number, line, row in read_records(enumerate(lines_in(lines), 1)):
            counts["predictions"] += 1
            try:
                name, language = f"{row['task'].upper()}/{row['source']}", row.get("language")
                counter = confusions.get(f"{language}/{name}") if language else by_name.get(name)
                items = orjson.loads(row["label"]) if row["label"] else None
                output = row["output"]
                answer = json_object(output[output.find("{") : output.rfind("}") + 1])
                if counter is None:
                    counts["other_sources"] += 1
                elif items is None or answer is None:
                    counts["unlabelled" if items is None else "unparseable"] += 1
                else:
                    counter.add(answer, items)
            except UNFIT as error:
                counts["unreadable"] += 1
                cause = "not JSON" if isinstance(row, ValueError) else f"{type(error).__name__}: {error}"
                reason = f"no prediction: {cause} in {shown(line.decode('utf-8', 'replace').rstrip())}"
                remedy = "give rows with task, source, output and label, as iepile predict writes them"
                keep(problems, Problem.of_line(file, number, line, reason, remedy))
    return confusions
