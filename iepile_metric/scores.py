"""Counts → the dictionary of scores: micro, macro, per label, per source."""

from collections import Counter
from operator import itemgetter
from typing import Any

from .counts import Outcome, rates
from .matching import COUNTS, MATCHES, Pair
from .tasks import Task

# Hits, extra and missed per label: whole numbers, but for overlap matching, whose credits are fractions.
Counters = tuple[Counter[str], Counter[str], Counter[str]]

_BUFFER = 10_000
_LABEL = itemgetter(0)


class Totals:
    """What was counted of one task and source."""

    def __init__(self, task: Task) -> None:
        self.task = task
        self.records = self.rows = self.unlabelled = self.recovered = self.conflicts = self.cut = 0
        self.refused: Counter[str] = Counter()
        self.repaired: Counter[str] = Counter()
        self._labels: dict[str, Counters] = {measure: (Counter(), Counter(), Counter()) for measure in task.measures}
        # Label counting is deferred so that it runs in C.
        self._waiting: list[Outcome] = [([], [], []) for _ in task.measures]
        self._loose: dict[str, list[int]] = {name: [0, 0, 0] for name in task.looser}
        self._places = [(name, task.measures.index(of), self._loose[name]) for name, (of, _) in task.looser.items()]

    def take(self, outcomes: list[Outcome], credited: dict[str, list[Pair]], rematched: dict[str, int]) -> None:
        """Count one record in all measures and looser figures, see `counts.judge`."""
        self.records += 1
        for (a, b, c), (hits, extra, missed) in zip(self._waiting, outcomes):
            a += hits
            b += extra
            c += missed
            if len(a) + len(b) + len(c) > _BUFFER:
                self._settle()
        for name, place, counts in self._places:
            hits, extra, missed = outcomes[place]
            more = rematched.get(name, 0) if rematched else 0
            counts[0] += len(hits) + more
            counts[1] += len(extra) - more
            counts[2] += len(missed) - more
        for measure, pairs in credited.items():
            # What is credited is neither extra nor missed.
            for credit, predicted, gold in pairs:
                for counter, label, sign in zip(self._labels[measure], (gold[0], predicted[0], gold[0]), (1, -1, -1)):
                    counter[label] += sign * credit  # type: ignore[assignment]

    def _settle(self) -> None:
        for counters, waiting in zip(self._labels.values(), self._waiting):
            for counter, units in zip(counters, waiting):
                counter.update(map(_LABEL, units))
                units.clear()

    def labels(self, measure: str) -> Counters:
        """Hits, extra and missed per label."""
        self._settle()
        return self._labels[measure]

    def counts(self, measure: str) -> tuple[float, ...]:
        """Sum hits, extra and missed of a measure or a looser figure."""
        if measure in self._loose:
            return tuple(self._loose[measure])
        return tuple(_whole(counter.total()) for counter in self.labels(measure))

    def add(self, other: "Totals") -> None:
        """Add what was counted elsewhere."""
        for name in ("records", "rows", "unlabelled", "recovered", "conflicts", "cut"):
            setattr(self, name, getattr(self, name) + getattr(other, name))
        self.refused.update(other.refused)
        self.repaired.update(other.repaired)
        for measure in self._labels:
            for mine, theirs in zip(self.labels(measure), other.labels(measure)):
                mine.update(theirs)
        for name, counts in other._loose.items():
            self._loose[name][:] = [a + b for a, b in zip(self._loose[name], counts)]

    def copy(self) -> "Totals":
        """Copy, so that counting may go on."""
        copy = Totals(self.task)
        copy.add(self)
        return copy


def result(totals: dict[tuple[str, str], Totals], match: str, count: str, parse: str) -> dict[str, Any]:
    """Group counts into the result of `iepile_metric.score`.

    Raises:
        ValueError: there is nothing to score.
    """
    by_task: dict[str, dict[str, Totals]] = {}
    for (task, source), total in totals.items():
        by_task.setdefault(task, {})[source] = total
    scores = {
        task: _of_task(sources, match, count, parse)
        for task, sources in by_task.items()
        if any(total.rows for total in sources.values())
    }
    if not scores:
        unlabelled = sum(total.unlabelled for total in totals.values())
        raise ValueError(f"nothing to score: no labelled row ({unlabelled} unlabelled)")
    return next(iter(scores.values())) if len(scores) == 1 else {"tasks": scores}


def _of_task(sources: dict[str, Totals], match: str, count: str, parse: str) -> dict[str, Any]:
    task = next(iter(sources.values())).task
    overall = Totals(task)
    for total in sources.values():
        overall.add(total)
    scores: dict[str, Any] = {"task": task.name, **_scores(overall), "labels": _labels(overall)}
    named = {name: total for name, total in sources.items() if name and total.rows}
    if named:
        scores["sources"] = {name: _scores(total) for name, total in sorted(named.items())}
    scores["definitions"] = {
        "match": f"{match}: {MATCHES[match]}",
        "count": f"{count}: {COUNTS[count]}",
        "parse": parse,
        "units": {measure: list(fields) for measure, fields in task.fields.items()}
        | {name: [task.fields[measure][i] for i in fields] for name, (measure, fields) in task.looser.items()},
        "same": task.same,
        "headline": task.headline,
        "f1": "2tp / (2tp + fp + fn), between 0 and 1; 1.0 where nothing was expected and nothing predicted",
        "macro": "mean over the labels with support",
    }
    return scores


def _scores(total: Totals) -> dict[str, Any]:
    task = total.task
    measures = {"": task.headline}
    if {"event", "argument"} & {*task.measures}:
        measures |= {name: name for name in (*task.measures, *task.looser)} | task.same
    scores: dict[str, Any] = {}
    for name, measure in measures.items():
        scores |= _figures(f"{name}_" if name else "", total.counts(measure))
    refused = total.refused.total()
    return {
        **scores,
        **_macro(total),
        "records": total.records,
        "rows": total.rows,
        "unlabelled": total.unlabelled,
        "conflicting_labels": total.conflicts,
        "unparseable": refused,
        "unparseable_share": refused / total.rows if total.rows else 0.0,
        "unparseable_kinds": dict(sorted(total.refused.items())),
        "recovered": total.recovered,
        "recovered_share": total.recovered / total.rows if total.rows else 0.0,
        "recovered_kinds": dict(sorted(total.repaired.items())),
        "cut": total.cut,
    }


def _figures(prefix: str, counts: tuple[float, ...]) -> dict[str, float]:
    tp, fp, fn = counts
    names = ("precision", "recall", "f1", "tp", "fp", "fn")
    return {f"{prefix}{name}": value for name, value in zip(names, (*rates(tp, fp, fn), *counts))}


def _labels(total: Totals) -> dict[str, dict[str, float]]:
    """Score every label by itself, of events in each measure, the headline without prefix too."""
    measures = {"": total.task.headline}
    if len(total.task.measures) > 1:
        measures |= {f"{measure}_": measure for measure in total.task.measures}
    names = sorted({label for measure in total.task.measures for count in total.labels(measure) for label in count})
    grouped: dict[str, dict[str, float]] = {label: {} for label in names}
    for prefix, measure in measures.items():
        for label, figures in grouped.items():
            hits, extra, missed = (_whole(counter[label]) for counter in total.labels(measure))
            figures |= _figures(prefix, (hits, extra, missed))
            figures[f"{prefix}support"] = _whole(hits + missed)
    return grouped


def _macro(total: Totals) -> dict[str, float]:
    hits, extra, missed = total.labels(total.task.headline)
    supported = sorted(label for label in {*hits, *missed} if hits[label] + missed[label] > 1e-9)
    by_label = [rates(hits[label], extra[label], missed[label]) for label in supported]
    by_label = by_label or [rates(0, extra.total(), 0)]
    names = ("macro_precision", "macro_recall", "macro_f1")
    return {name: sum(values) / len(by_label) for name, values in zip(names, zip(*by_label))}


def _whole(value: float) -> float:
    """Keep whole counts whole, and shake off what adding and taking away credits leaves behind."""
    rounded = round(value)
    return rounded if abs(value - rounded) < 1e-9 else value
