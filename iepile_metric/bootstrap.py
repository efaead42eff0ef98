"""How certain a score is: bootstrap intervals, and tests on the difference of two systems.

The record is the unit that is drawn, with all its units: mentions of one text are not independent.
Everything is one matrix product per chunk of resamples: weights of records times their counts.
"""

from collections.abc import Iterable, Iterator, Mapping
from typing import Any

import numpy as np
from numpy.typing import NDArray

from .accumulator import Accumulator, Record
from .counts import Outcome

__all__ = ["Counted", "compare"]

Counts = NDArray[np.float64]
TESTS = {
    "permutation": (
        "p is that of a permutation test (approximate randomisation): how often a difference as large comes about "
        "where the two answers to each record are swapped at random."
    ),
    "bootstrap": "p is that of the bootstrap: how often the difference of resampled records has the other sign, twice.",
}
"""What p belongs to."""
_CHUNK = 2_000_000  # weights held at a time


class Counted:
    """A watcher that keeps tp, fp and fn of every record, overall and per label of the headline measure.

    >>> counted = Counted()
    >>> scores = Accumulator("ner", watch=counted)
    >>> scores.add({"id": "a", "output": '{"person": ["Ada"]}', "label": "[]"})
    >>> _ = scores.result()
    >>> counted.keys, counted.counts().tolist()
    ([('ner', '', 'a')], [[0.0, 1.0, 0.0]])
    """

    def __init__(self) -> None:
        self.keys: list[tuple[str, str, str | None]] = []
        self.labels: list[str] = []
        self._rows: list[tuple[int, int, int]] = []
        self._by_label: dict[str, list[tuple[int, int]]] = {}

    def __call__(self, record: Record, outcomes: list[Outcome]) -> None:
        """Take one record."""
        number = len(self.keys)
        self.keys.append((record.task.name, record.source, record.id))
        self.labels.append(record.label)
        self._rows.append(tuple(len(units) for units in outcomes[-1]))  # type: ignore[arg-type]
        for column, units in enumerate(outcomes[-1]):
            for unit in units:
                self._by_label.setdefault(unit[0], []).append((number, column))

    def counts(self) -> Counts:
        """Counts of tp, fp, fn: shape (records, 3)."""
        return np.array(self._rows, dtype=np.float64).reshape(-1, 3)

    def by_label(self) -> dict[str, Counts]:
        """The same for each label."""
        by_label = {}
        for label, places in sorted(self._by_label.items()):
            by_label[label] = np.zeros((len(self.keys), 3))
            np.add.at(by_label[label], tuple(np.array(places).T), 1)
        return by_label


def f1(counts: Counts) -> Counts:
    """F1 from tp, fp, fn in the last axis; 1.0 where there is nothing to count.

    >>> f1(np.array([[3.0, 1.0, 1.0], [0.0, 0.0, 0.0]])).tolist()
    [0.75, 1.0]
    """
    tp, fp, fn = np.moveaxis(counts, -1, 0)
    whole = 2 * tp + fp + fn
    return np.divide(2 * tp, whole, out=np.ones_like(whole), where=whole > 0)


def _sizes(records: int, resamples: int) -> list[int]:
    """How many resamples are held at a time."""
    step = max(1, _CHUNK // max(1, records))
    return [min(step, resamples - start) for start in range(0, resamples, step)]


def _draws(records: int, resamples: int, seed: int) -> Iterator[NDArray[np.float32]]:
    """Yield chunks of bootstrap weights, shape (some resamples, records): how often each record is drawn."""
    rng = np.random.default_rng(seed)
    for size in _sizes(records, resamples):
        drawn = rng.integers(records, size=(size, records), dtype=np.int32)
        drawn += np.arange(size, dtype=np.int32)[:, None] * records
        weights = np.bincount(drawn.ravel(), minlength=size * records)
        yield weights.reshape(size, records).astype(np.float32)


def interval(counts: Counts, resamples: int = 10_000, level: float = 0.95, seed: int = 0) -> tuple[float, float]:
    """Percentile bootstrap interval of F1 over records.

    Args:
        counts: tp, fp, fn of each record, shape (records, 3).
        resamples: How many samples of as many records to draw.
        level: The share of samples within the interval.
        seed: Same seed, same interval.

    >>> interval(np.array([[1.0, 0.0, 0.0]] * 50))
    (1.0, 1.0)
    """
    scores = np.concatenate([f1(weights @ counts) for weights in _draws(len(counts), resamples, seed)])
    low, high = np.quantile(scores, [(1 - level) / 2, (1 + level) / 2])
    return float(low), float(high)


def intervals(counted: Counted, resamples: int = 10_000, level: float = 0.95, seed: int = 0) -> dict[str, Any]:
    """Intervals of F1 for each task, overall and for each source.

    Returns:
        {task: {"level", "resamples", "records", "f1": [low, high], "sources": {name: [low, high]}}}.
    """
    counts = counted.counts()
    options = (resamples, level, seed)
    by_task: dict[str, Any] = {}
    for task in sorted({key[0] for key in counted.keys}):
        mine = np.array([key[0] == task for key in counted.keys])
        named = sorted({key[1] for key in counted.keys if key[0] == task and key[1]})
        sources = {name: counts[[key[:2] == (task, name) for key in counted.keys]] for name in named}
        by_task[task] = {
            "level": level,
            "resamples": resamples,
            "records": int(mine.sum()),
            "f1": list(interval(counts[mine], *options)),
            "sources": {name: list(interval(part, *options)) for name, part in sources.items()},
        }
    return by_task


def compare(
    first: Iterable[Mapping[str, Any]],
    second: Iterable[Mapping[str, Any]],
    task: str | None = None,
    test: str = "permutation",
    resamples: int = 10_000,
    level: float = 0.95,
    seed: int = 0,
    **options: Any,
) -> dict[str, Any]:
    """Compare two systems on the records that both answered.

    Args:
        first: Rows of one system, as for `iepile_metric.score`, with ids.
        second: Rows of the other.
        task: The task of rows that do not name theirs.
        test: "permutation" swaps the systems' answers at random, record by record; "bootstrap" draws
            records, and asks how often the difference changes its sign.
        resamples: How many times.
        level: The share of samples within the intervals, which are bootstrapped in both tests.
        seed: Same seed, same result.
        options: `count` and `parse` of `Accumulator`, and `match`, which cannot be "overlap" here.

    Returns:
        `f1` of both, `difference` (second minus first), its `interval` and two-sided `p_value`, and in words
        (`explanation`) what p belongs to and why it disagrees with the interval, where it does; the figures for each of
        `labels`; `records` compared, and `only_first`, `only_second` that were left out.

    Raises:
        ValueError: no common record, a record whose annotations differ, or an unknown test.

    >>> gold = '[{"entity": "Ada", "entity_type": "person"}]'
    >>> a = [{"id": str(i), "label": gold, "output": "{}"} for i in range(20)]
    >>> b = [{**row, "output": '{"person": ["Ada"]}'} for row in a]
    >>> result = compare(a, b, "ner", resamples=1000)
    >>> result["difference"], result["p_value"] < 0.01
    (1.0, True)
    """
    if test not in ("permutation", "bootstrap"):
        raise ValueError(f"unknown test {test!r}: choose permutation or bootstrap")
    if options.get("match") == "overlap":
        raise ValueError("systems are compared by whole units: use match exact or normalised")
    one, other = Counted(), Counted()
    for rows, counted in ((first, one), (second, other)):
        Accumulator(task, watch=counted, **options).extend(rows).result()
    pairs = _common(one, other)
    labels = sorted({*one.by_label(), *other.by_label()})
    a, b = (_blocks(counted, labels)[list(side)] for counted, side in zip((one, other), zip(*pairs)))
    total, *by_label = _differences(a, b, test, resamples, level, seed)
    return {
        **total,
        "test": test,
        "explanation": " ".join([TESTS[test], _verdict(total, level)]).strip(),
        "level": level,
        "resamples": resamples,
        "records": len(pairs),
        "only_first": len(one.keys) - len(pairs),
        "only_second": len(other.keys) - len(pairs),
        "labels": dict(zip(labels, by_label)),
    }


def _verdict(total: Mapping[str, Any], level: float) -> str:
    """Say why interval and p disagree, where they do."""
    low, high = total["interval"]
    is_outside = not low <= 0 <= high
    if is_outside == (total["p_value"] < 1 - level):
        return ""
    return (
        f"Interval and p disagree: the interval {'leaves out' if is_outside else 'holds'} 0, p is "
        f"{total['p_value']:.4f}. The interval resamples records, p asks what happens if the systems are alike; near "
        "the threshold, or with few records, they differ: take the difference as undecided."
    )


def _common(one: Counted, other: Counted) -> list[tuple[int, int]]:
    """Numbers of the records that are in both, aligned by id, or by place where records have none."""
    first, second = (
        {(*key[:2], number if key[2] is None else key[2]): number for number, key in enumerate(counted.keys)}
        for counted in (one, other)
    )
    pairs = [(number, second[key]) for key, number in first.items() if key in second]
    if not pairs:
        raise ValueError("no record is in both: ids, sources and tasks must agree")
    for a, b in pairs:
        if one.labels[a] != other.labels[b]:
            raise ValueError(f"record {one.keys[a]} has another annotation in the second file")
    return pairs


def _blocks(counted: Counted, labels: list[str]) -> Counts:
    """One block of three columns for the total and for each label: shape (records, blocks, 3)."""
    by_label, nothing = counted.by_label(), np.zeros((len(counted.keys), 3))
    return np.stack([counted.counts(), *(by_label.get(label, nothing) for label in labels)], axis=1)


def _differences(a: Counts, b: Counts, test: str, resamples: int, level: float, seed: int) -> Iterator[dict[str, Any]]:
    """Yield the figures of each block of counts, shape (records, blocks, 3)."""
    records, blocks, _ = a.shape
    observed = f1(b.sum(axis=0)) - f1(a.sum(axis=0))
    flat = np.concatenate([a.reshape(records, -1), b.reshape(records, -1)], axis=1).astype(np.float32)
    drawn = []
    for weights in _draws(records, resamples, seed):
        both = (weights @ flat).reshape(len(weights), 2, blocks, 3).astype(np.float64)
        drawn.append(f1(both[:, 1]) - f1(both[:, 0]))
    differences = np.concatenate(drawn)
    low, high = np.quantile(differences, [(1 - level) / 2, (1 + level) / 2], axis=0)
    if test == "bootstrap":
        sides = np.stack([(differences <= 0).sum(axis=0), (differences >= 0).sum(axis=0)])
        p_values = np.minimum(1.0, 2 * (sides.min(axis=0) + 1) / (resamples + 1))
    else:
        extreme = np.zeros(blocks)
        change = (b - a).reshape(records, -1).astype(np.float32)
        totals = (a.sum(axis=0), b.sum(axis=0))
        for swapped in _swaps(records, resamples, seed):
            moved = (swapped @ change).reshape(len(swapped), blocks, 3).astype(np.float64)
            permuted = f1(totals[1] - moved) - f1(totals[0] + moved)
            extreme += (np.abs(permuted) >= np.abs(observed) - 1e-12).sum(axis=0)
        p_values = (extreme + 1) / (resamples + 1)
    for i, f1s in enumerate(np.stack([f1(a.sum(axis=0)), f1(b.sum(axis=0))], axis=1)):
        yield {
            "f1": f1s.tolist(),
            "difference": float(observed[i]),
            "interval": [float(low[i]), float(high[i])],
            "p_value": float(p_values[i]),
        }


def _swaps(records: int, resamples: int, seed: int) -> Iterator[NDArray[np.float32]]:
    """Yield chunks of coin throws, shape (some resamples, records)."""
    rng = np.random.default_rng(seed)
    for size in _sizes(records, resamples):
        bits = np.unpackbits(rng.integers(256, size=(size, (records + 7) // 8), dtype=np.uint8), axis=1)
        yield bits[:, :records].astype(np.float32)
