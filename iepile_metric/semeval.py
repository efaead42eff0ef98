"""Counts of SemEval-2013 task 9 beside ours: entities that are right in part, under four schemes.

| scheme | correct | else, where the texts overlap |
|---|---|---|
| strict | text and type agree | incorrect |
| exact | texts agree, whatever the type | incorrect |
| partial | texts agree, whatever the type | partial |
| type | texts overlap and types agree | incorrect |

A predicted entity that overlaps none is spurious, a gold one that nothing is paired with is missed. Precision is
(correct + ½ partial) / predicted, recall the same over the gold. Since answers give no places, two mentions overlap
where they share a word (a character in Chinese).
"""

from collections import Counter
from typing import Any

from .counts import Outcome
from .matching import MOST, overlap
from .mentions import Unit
from .record import Record

SCHEMES = ("strict", "exact", "partial", "type")
COUNTS = ("correct", "incorrect", "partial", "missed", "spurious")


def paired(predicted: list[Unit], gold: list[Unit], scheme: str) -> Counter[str]:
    """Count the entities of one record under one scheme.

    >>> paired([("place", "York City")], [("place", "New York City"), ("name", "Ada")], "partial")
    Counter({'partial': 1, 'missed': 1})
    """
    left = dict(enumerate(gold[:MOST]))
    counts: Counter[str] = Counter()
    for label, text in predicted[:MOST]:
        best: tuple[float, int, str] | None = None
        for number, (true_label, true_text) in left.items():
            shared = 1.0 if text == true_text else overlap(text, true_text)
            is_right = (label == true_label or scheme in ("exact", "partial")) and (shared == 1 or scheme == "type")
            if shared > 0:
                kind = "correct" if is_right else "partial" if scheme == "partial" else "incorrect"
                rank = (1 + shared if is_right else 0.0, -number, kind)
                best = max(best, rank) if best else rank
        if best is None:
            counts["spurious"] += 1
        else:
            counts[best[2]] += 1
            del left[-best[1]]
    counts["missed"] += len(left) + len(gold[MOST:])
    counts["spurious"] += len(predicted[MOST:])
    return +counts


class SemEval:
    """A watcher that counts entities under the four schemes; give it to `Accumulator(watch=…)`.

    >>> from .accumulator import Accumulator
    >>> watch = SemEval()
    >>> gold = '[{"entity": "New York", "entity_type": "place"}]'
    >>> scores = Accumulator("ner", watch=watch)
    >>> scores.add({"output": '{"place": ["York"]}', "label": gold})
    >>> _ = scores.result()
    >>> watch.summary()["ner"]["partial"]["f1"], watch.summary()["ner"]["strict"]["f1"]
    (0.5, 0.0)
    """

    def __init__(self) -> None:
        self._counts: dict[str, dict[str, Counter[str]]] = {}

    def __call__(self, record: Record, outcomes: list[Outcome]) -> None:
        """Take one record; only entities have schemes."""
        task = record.task
        if task.fields.get("entity") is None:
            return
        schemes = self._counts.setdefault(task.name, {scheme: Counter() for scheme in SCHEMES})
        predicted = record.predicted[0] if record.predicted else []
        for scheme, counts in schemes.items():
            counts.update(paired(predicted, record.merged[0], scheme))

    def summary(self) -> dict[str, dict[str, dict[str, Any]]]:
        """{task: {scheme: {correct, incorrect, partial, missed, spurious, precision, recall, f1}}}."""
        return {
            task: {scheme: _figures(counts) for scheme, counts in schemes.items()}
            for task, schemes in self._counts.items()
        }


def _figures(counts: Counter[str]) -> dict[str, Any]:
    right = counts["correct"] + counts["partial"] / 2
    both = counts["correct"] + counts["incorrect"] + counts["partial"]
    predicted, gold = both + counts["spurious"], both + counts["missed"]
    precision, recall = (right / whole if whole else 0.0 for whole in (predicted, gold))
    f1 = 2 * precision * recall / (precision + recall) if right else 0.0
    return {name: counts[name] for name in COUNTS} | {"precision": precision, "recall": recall, "f1": f1}
