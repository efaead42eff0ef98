"""Whether confidences mean what they say: how often units of a given confidence are right.

A row may carry `confidence`: {measure: [a number between 0 and 1, or null, for each unit of the answer]}, in the
order in which `parse_answer.read_answer` reads the units of `output`.
"""

from array import array
from collections import Counter
from collections.abc import Mapping
from typing import Any

import numpy as np
from numpy.typing import NDArray

from .accumulator import Record
from .counts import Outcome, rates
from .matching import respelt
from .mentions import Unit

BINS = 10
CUTS = (0.0, 0.5, 0.6, 0.7, 0.8, 0.9, 0.95)
"""Confidences below which units are left out, to see what that brings and costs."""

_UNKNOWN = -1.0

Values = NDArray[Any]


class Calibration:
    """A watcher that compares confidences with outcomes; give it to `Accumulator(watch=…)`.

    Units are right as the scores say: of a unit that was predicted several times, the surest ones are the hits. With
    match "overlap", units are right or wrong as a whole.

    >>> from .accumulator import Accumulator
    >>> calibration = Calibration()
    >>> scores = Accumulator("ner", watch=calibration)
    >>> gold = '[{"entity": "Ada", "entity_type": "person"}]'
    >>> scores.add({"output": '{"person": ["Ada", "Bob"]}', "label": gold, "confidence": {"entity": [0.9, 0.3]}})
    >>> _ = scores.result()
    >>> table = calibration.summary()["ner"]["measures"]["entity"]
    >>> [(line["low"], line["units"], line["precision"]) for line in table["bins"]]
    [(0.3, 1, 0.0), (0.9, 1, 1.0)]
    """

    def __init__(self, match: str = "exact") -> None:
        self._match = match
        # Task, measure → confidence (-1 if unknown) of each unit that is right, of each that is wrong, and the missed.
        self._found: dict[tuple[str, str], tuple[array[float], array[float], list[int]]] = {}
        self._misaligned: Counter[str] = Counter()

    def __call__(self, record: Record, outcomes: list[Outcome]) -> None:
        """Take one record."""
        stated = self._stated(record)
        if stated is None:
            return
        for measure, sure, predicted, outcome in zip(record.task.fields, stated, record.predicted, outcomes):
            right, wrong, missed = self._found.setdefault(
                (record.task.name, measure), (array("d"), array("d"), [0])
            )  # fmt: skip
            hits, extra = Counter(outcome[0]), Counter(outcome[1])
            missed[0] += len(outcome[2])
            for unit, times in Counter(self._spelt(record, measure, predicted)).items():
                known = sorted(sure.get(unit, ()), reverse=True)[:times]
                known += [_UNKNOWN] * (times - len(known))
                right.extend(known[: hits[unit]])
                wrong.extend(known[times - extra[unit] :])

    def summary(self) -> dict[str, Any]:
        """Sum up per task and measure.

        Returns:
            {task: {"misaligned": rows whose confidences do not fit their answer, "measures": {measure: {"units" that
            are right or wrong, "known" of them with a confidence, their mean "confidence" and "precision", "ece" (the
            mean distance of the two over the bins, weighted by units), "brier" (the mean squared error), "bins":
            [{"low", "high", "units", "confidence", "precision"}] and "cuts": [{"min_confidence", "kept", "precision",
            "recall", "f1"}]}}}}. Empty where no row carries a confidence. Units without one are in no bin, and stay
            at every cut.
        """
        tasks = dict.fromkeys([*(task for task, _ in self._found), *self._misaligned])
        return {
            task: {
                "misaligned": self._misaligned[task],
                "measures": {
                    measure: _table(right, wrong, missed[0])
                    for (name, measure), (right, wrong, missed) in self._found.items()
                    if name == task
                },
            }
            for task in tasks
        }

    def _stated(self, record: Record) -> list[dict[Unit, list[float]]] | None:
        """For each measure, unit → its confidences in the answers; None where no answer states any."""
        stated: list[dict[Unit, list[float]]] = [{} for _ in record.task.fields]
        any_row = False
        for row, answer in record.answers:
            confidence = row.get("confidence")
            if confidence is None or answer is None:
                continue
            if not _fits(confidence, record, answer):
                self._misaligned[record.task.name] += 1
                continue
            any_row = True
            for measure, units, sure in zip(record.task.fields, answer, stated):
                for unit, value in zip(self._spelt(record, measure, units), confidence.get(measure) or ()):
                    sure.setdefault(unit, []).append(_UNKNOWN if value is None else float(value))
        return stated if any_row else None

    def _spelt(self, record: Record, measure: str, units: list[Unit]) -> list[Unit]:
        return respelt(units, record.task.texts(measure)) if self._match == "normalised" else units


def _fits(confidence: Any, record: Record, answer: tuple[list[Unit], ...]) -> bool:
    """Whether what a row states is one number between 0 and 1, or null, for each unit."""
    if not isinstance(confidence, Mapping):
        return False
    stated = [(confidence.get(measure), units) for measure, units in zip(record.task.fields, answer)]
    return all(
        values is None
        or (
            isinstance(values, list)
            and len(values) == len(units)
            and all(value is None or (type(value) in (int, float) and 0 <= value <= 1) for value in values)
        )
        for values, units in stated
    )


def _table(right: "array[float]", wrong: "array[float]", missed: int) -> dict[str, Any]:
    values, hits = np.array([*right, *wrong]), np.arange(len(right) + len(wrong)) < len(right)
    known, known_hits = values[values >= 0], hits[values >= 0]
    places = np.minimum((known * BINS).astype(int), BINS - 1)  # the last bin includes 1
    lines = [
        {"low": place / BINS, "high": (place + 1) / BINS, **_means(known[places == place], known_hits[places == place])}
        for place in np.unique(places).tolist()
    ]
    distance = sum(line["units"] * abs(line["confidence"] - line["precision"]) for line in lines)
    return {
        **_means(known, known_hits),
        "known": len(known),
        "units": len(values),
        "ece": distance / len(known) if len(known) else None,
        "brier": float(np.mean((known - known_hits) ** 2)) if len(known) else None,
        "bins": lines,
        "cuts": [_cut(least, values, hits, missed) for least in CUTS],
    }


def _means(values: Values, hits: Values) -> dict[str, Any]:
    confidence, precision = (float(part.mean()) if len(part) else None for part in (values, hits))
    return {"units": len(values), "confidence": confidence, "precision": precision}


def _cut(least: float, values: Values, hits: Values, missed: int) -> dict[str, float]:
    """The scores when units of less confidence are left out; a hit that is left out is missed."""
    kept = hits[(values >= least) | (values == _UNKNOWN)]
    tp = int(kept.sum())
    precision, recall, f1 = rates(tp, len(kept) - tp, missed + int(hits.sum()) - tp)
    return {"min_confidence": least, "kept": len(kept), "precision": precision, "recall": recall, "f1": f1}
