"""Counts → the dictionary of scores: micro, macro, per label, per source."""

from collections import Counter
from typing import Any

from .counts import rates, rematched
from .matching import COUNTS, MATCHES
from .mentions import Unit
from .tasks import Task

# Whole numbers, but for overlap matching, whose credits are fractions.
Counters = tuple[Counter[str], Counter[str], Counter[str]]

_BUFFER = 100_000


class Totals:
    """What was counted of one task and source."""

    def __init__(self, task: Task) -> None:
        self.task = task
        self.records = self.rows = self.unlabelled = self.recovered = self.conflicts = 0
        self.refused: Counter[str] = Counter()
        self.repaired: Counter[str] = Counter()
        # Per measure: hits, extra, missed per label; label counting is deferred so that it runs in C.
        self._labels: dict[str, Counters] = {measure: (Counter(), Counter(), Counter()) for measure in task.fields}
        self._waiting: dict[str, tuple[list[str], list[str], list[str]]] = {
            measure: ([], [], []) for measure in task.fields
        }
        self._loose: dict[str, list[int]] = {name: [0, 0, 0] for name in task.looser}
        self._looser = {
            measure: [(self._loose[name], fields) for name, (of, fields) in task.looser.items() if of == measure]
            for measure in task.fields
        }

    def take(self, measure: str, hits: list[Unit], extra: list[Unit], missed: list[Unit]) -> None:
        """Count one record's outcome in one measure, and in the looser figures of that measure."""
        a, b, c = self._waiting[measure]
        for unit in hits:
            a.append(unit[0])
        for unit in extra:
            b.append(unit[0])
        for unit in missed:
            c.append(unit[0])
        if len(a) + len(b) > _BUFFER:
            self._settle()
        for counts, fields in self._looser[measure]:
            more = rematched(extra, missed, fields) if extra and missed else 0
            counts[0] += len(hits) + more
            counts[1] += len(extra) - more
            counts[2] += len(missed) - more

    def credit(self, measure: str, pairs: list[tuple[float, Unit, Unit]]) -> None:
        """Give partial credit: what is credited is neither extra nor missed."""
        hits, extra, missed = self.labels(measure)
        for credit, found, wanted in pairs:
            hits[wanted[0]] += credit  # type: ignore[assignment]
            extra[found[0]] -= credit  # type: ignore[assignment]
            missed[wanted[0]] -= credit  # type: ignore[assignment]

    def _settle(self) -> None:
        for measure, waiting in self._waiting.items():
            for counter, labels in zip(self._labels[measure], waiting, strict=True):
                counter.update(labels)
                labels.clear()

    def labels(self, measure: str) -> Counters:
        """Hits, extra and missed per label."""
        self._settle()
        return self._labels[measure]

    def counts(self, measure: str) -> tuple[float, float, float]:
        """Sum hits, extra and missed of a measure or a looser figure."""
        if measure in self._loose:
            tp, fp, fn = self._loose[measure]
            return tp, fp, fn
        hits, extra, missed = (_whole(sum(counter.values())) for counter in self.labels(measure))
        return hits, extra, missed

    def add(self, other: "Totals") -> None:
        """Add what was counted elsewhere."""
        for name in ("records", "rows", "unlabelled", "recovered", "conflicts"):
            setattr(self, name, getattr(self, name) + getattr(other, name))
        self.refused.update(other.refused)
        self.repaired.update(other.repaired)
        for measure in self._labels:
            for mine, theirs in zip(self.labels(measure), other.labels(measure), strict=True):
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
    scored = {
        task: _of_task(sources, match, count, parse)
        for task, sources in by_task.items()
        if any(total.rows for total in sources.values())
    }
    if not scored:
        unlabelled = sum(total.unlabelled for total in totals.values())
        raise ValueError(f"nothing to score: no labelled row ({unlabelled} unlabelled)")
    if len(scored) == 1:
        return next(iter(scored.values()))
    return {"tasks": scored}


def _of_task(sources: dict[str, Totals], match: str, count: str, parse: str) -> dict[str, Any]:
    task = next(iter(sources.values())).task
    overall = Totals(task)
    for total in sources.values():
        overall.add(total)
    scores: dict[str, Any] = {"task": task.name, **_scores(overall)}
    scores["labels"] = _labels(overall)
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
    scores: dict[str, Any] = _figures("", total.counts(task.headline))
    if set(task.fields) & {"event", "argument"}:
        for measure in task.fields:
            scores |= _figures(f"{measure}_", total.counts(measure))
        for name in task.looser:
            scores |= _figures(f"{name}_", total.counts(name))
        for name, measure in task.same.items():
            scores |= _figures(f"{name}_", total.counts(measure))
    scores |= _macro(total)
    refused = sum(total.refused.values())
    scores |= {
        "records": total.records,
        "rows": total.rows,
        "unlabelled": total.unlabelled,
        "conflicting_labels": total.conflicts,
        "unparseable": refused,
        "unparseable_share": refused / total.rows if total.rows else 0.0,
        "unparseable_kinds": dict(sorted(total.refused.items())),
        "recovered": total.recovered,
        "recovered_kinds": dict(sorted(total.repaired.items())),
    }
    return scores


def _figures(prefix: str, counts: tuple[float, float, float]) -> dict[str, float]:
    precision, recall, f1 = rates(*counts)
    values = dict(zip(("tp", "fp", "fn"), counts, strict=True))
    values = {"precision": precision, "recall": recall, "f1": f1, **values}
    return {f"{prefix}{name}": value for name, value in values.items()}


def _labels(total: Totals) -> dict[str, dict[str, float]]:
    """Score every label by itself, of events in each measure, the headline without prefix too."""
    grouped: dict[str, dict[str, float]] = {}
    measures = {"": total.task.headline}
    if len(total.task.fields) > 1:
        measures |= {f"{measure}_": measure for measure in total.task.fields}
    every = sorted({label for measure in total.task.fields for count in total.labels(measure) for label in count})
    for prefix, measure in measures.items():
        hits, extra, missed = total.labels(measure)
        for label in every:
            counts = (_whole(hits[label]), _whole(extra[label]), _whole(missed[label]))
            figures = _figures(prefix, counts)
            figures[f"{prefix}support"] = _whole(counts[0] + counts[2])
            grouped.setdefault(label, {}).update(figures)
    return grouped


def _macro(total: Totals) -> dict[str, float]:
    hits, extra, missed = total.labels(total.task.headline)
    supported = [label for label in {*hits, *missed} if hits[label] + missed[label] > 1e-9]
    each = [rates(hits[label], extra[label], missed[label]) for label in sorted(supported)]
    if not each:
        each = [rates(0, sum(extra.values()), 0)]
    precision, recall, f1 = (sum(values) / len(each) for values in zip(*each, strict=True))
    return {"macro_precision": precision, "macro_recall": recall, "macro_f1": f1}


def _whole(value: float) -> float:
    """Keep whole counts whole, and shake off what adding and taking away credits leaves behind."""
    rounded = round(value)
    return rounded if abs(value - rounded) < 1e-9 else value
