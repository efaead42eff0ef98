"""Rows in, scores out: the streaming accumulator."""

from array import array
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import asdict
from typing import Any

from .counts import judge
from .matching import normalised
from .mentions import Units, united
from .options import PARSES, ScoringOptions
from .parse_answer import Unparseable, read_answer
from .places import check_text, placed, text_of
from .record import GoldReader, Record, Watcher
from .scores import Totals, result
from .tasks import Task, task_named

__all__ = ["PARSES", "Accumulator", "Record", "Returned", "ScoringOptions", "Watcher", "score_rows"]


class Returned(ValueError):
    """A streamed record came back after it had been counted."""


class Accumulator:
    """Collects answers and gives scores; several can be merged.

    Rows with the same task, source and id are batches of one record: their predictions unite and
    their gold counts once. Rows without id are records of their own. Rows with an empty label are
    counted as unlabelled and left out.

    Args:
        task: Task of rows that do not name one.
        streamed: The batches of a record follow each other, as `iepile predict` writes them; then a
            record is counted and forgotten when the next one begins, and memory stays flat. If a record
            does come back, `result` raises.
        watch: Called once with every record and its outcomes (one per measure): when it is complete, which
            for most is when `result` is first asked for.
        options: The fields of `ScoringOptions`.

    Raises:
        ValueError: unknown task, match, count or parse.

    >>> scores = Accumulator("ner")
    >>> scores.add({"output": '{"person": ["Ada"]}', "label": '[{"entity": "Ada", "entity_type": "person"}]'})
    >>> scores.result()["f1"]
    1.0
    """

    def __init__(
        self,
        task: str | None = None,
        *,
        streamed: bool = False,
        watch: Watcher | None = None,
        **options: str,
    ) -> None:
        self.options = ScoringOptions(**options)
        self._strict, self._once = self.options.parse == "strict", self.options.count == "set"
        self._match = self.options.match
        self._spans = self._match == "span"
        self._gold_of = GoldReader(normalised if self._match == "normalised" else None, self._spans)
        self._task = task_named(task) if task else None
        self._streamed = streamed
        self._watch = watch
        self._open: dict[Any, Record] = {}
        self._current: Record | None = None
        self._current_totals: Totals
        self._closed: array[int] = array("q")
        self._totals: dict[tuple[str, str], Totals] = {}
        self._of_row: dict[tuple[Any, str], Totals] = {}

    def add(self, row: Mapping[str, Any]) -> None:
        """Take one row: `output` and `label`, and `id`, `task`, `source`, `instruction` and `cut` where known.

        Raises:
            ValueError: the row has no task, or its label is not the task's annotation. Nothing of such
                a row is counted.
        """
        name, source, label = row.get("task"), row.get("source") or "", row.get("label")
        try:
            totals = self._of_row[name, source]
        except KeyError:
            totals = self._opened(name, source)
        task = totals.task
        if label == "" or label is None:
            totals.unlabelled += 1
            return
        output = row.get("output")
        if output.__class__ is not str and output is not None:
            raise ValueError(f"output is {type(output).__name__}, not text")
        if self._spans:
            text = text_of(row)
            check_text(task, self._gold_of(task, label)[0], text)
        identity = row.get("id")
        record = self._current
        if (
            record is None
            or identity is None
            or record.id != identity
            or record.task is not task
            or record.source != source
        ):
            record = self._begun(task, source, identity, label, totals)
        if record.label != label:
            self._gold_of(task, label)
            totals.conflicts += 1
        totals.rows += 1
        predicted: Units | None = None
        try:
            predicted, kinds = read_answer(task, output or "", self._strict, row.get("instruction"))
        except Unparseable as reason:
            totals.refused[str(reason)] += 1
            totals.cut += row.get("cut") is True
        else:
            if kinds:
                totals.repaired.update(kinds)
                totals.recovered += 1
                totals.cut += row.get("cut") is True
            if self._spans:
                predicted = placed(task, predicted, row, text)
            before = record.predicted
            record.predicted = tuple(map(united, before, predicted)) if before else predicted
        if self._watch:
            record.answers += ((row, predicted),)
        if identity is None:
            self._count(record, totals)

    def extend(self, rows: Iterable[Mapping[str, Any]]) -> "Accumulator":
        """Take many rows."""
        for row in rows:
            self.add(row)
        return self

    def merge(self, other: "Accumulator") -> "Accumulator":
        """Take over what another accumulator (of another process, say) has collected.

        Records that are still open in both unite, so a record's batches may have been spread over
        processes.

        Raises:
            ValueError: the other one counts by other rules.
        """
        if self.options != other.options:
            raise ValueError("accumulators with different match, count or parse do not merge")
        for key, totals in other._totals.items():
            self._totals.setdefault(key, Totals(totals.task)).add(totals)
        self._closed.extend(other._closed)
        self._gold_of.placed += other._gold_of.placed
        self._gold_of.unplaced += other._gold_of.unplaced
        for record in self._pending() + other._pending():
            mine_open = self._open.setdefault(record.key, record)
            if mine_open is record:
                continue
            if mine_open.label != record.label:
                self._totals[record.task.name, record.source].conflicts += 1
            if mine_open.predicted and record.predicted:
                mine_open.predicted = tuple(map(united, mine_open.predicted, record.predicted))
            mine_open.predicted = mine_open.predicted or record.predicted
            mine_open.answers += record.answers
        self._current = None
        return self

    def result(self) -> dict[str, Any]:
        """Give the scores so far; more rows may follow.

        Returns:
            The scores of the task (see `iepile_metric.score`), or `{"tasks": {name: scores}}` if rows of
            several tasks came in.

        Raises:
            ValueError: nothing was scored, no gold has a place where match is "span", or a streamed record came
                back after it had been counted.
        """
        if self._gold_of.unplaced and not self._gold_of.placed:
            raise ValueError("no place (start, end) in the gold, which match span needs: choose another match")
        pending = self._pending()
        if self._streamed and _repeats(self._closed + array("q", [hash(record.key) for record in pending])):
            raise Returned("the batches of a record do not follow each other: score without `streamed`")
        totals = {key: total.copy() for key, total in self._totals.items()}
        for record in pending:
            self._count(record, totals[record.task.name, record.source])
        return result(totals, **asdict(self.options))

    def _opened(self, name: Any, source: str) -> Totals:
        task = task_named(name) if name else self._task
        if task is None:
            raise ValueError("the row names no task: give one, such as task='ner'")
        totals = self._totals.setdefault((task.name, source), Totals(task))
        self._of_row[name, source] = totals
        return totals

    def _begun(self, task: Task, source: str, identity: str | None, label: str, totals: Totals) -> Record:
        """Give the record that a row belongs to, if it is not the one before."""
        record = None if self._streamed or identity is None else self._open.get((task.name, source, identity))
        if record is None:
            record = Record(task, source, identity, label, *self._gold_of(task, label), ())
        if identity is None:
            return record
        if self._streamed:
            self._close()
        else:
            self._open[record.key] = record
        self._current, self._current_totals = record, totals
        return record

    def _close(self) -> None:
        """Count and forget the last record, unless it is the first: that may go on from elsewhere."""
        record = self._current
        if record is None:
            return
        if not self._open:
            self._open[record.key] = record
        else:
            self._closed.append(hash((record.task.name, record.source, record.id)))  # of its key
            self._count(record, self._current_totals)

    def _pending(self) -> list[Record]:
        """List the records that are not yet counted."""
        pending = list(self._open.values())
        return [*pending, self._current] if self._streamed and self._current else pending

    def _count(self, record: Record, totals: Totals) -> None:
        """Judge a complete record: the one place where outcomes arise."""
        task, predicted = record.task, record.predicted or record.task.nothing
        judgement = judge(task, predicted, record.merged, record.annotated, self._match, self._once)
        totals.take(*judgement)
        if self._watch and not record.watched:
            record.watched = True
            self._watch(record, judgement[0])


def _repeats(hashes: "array[int]") -> bool:
    if len(hashes) < 250_000:  # beyond, a set of all would take ten times the memory
        return len(set(hashes)) < len(hashes)
    import numpy as np

    ordered = np.sort(np.frombuffer(hashes, dtype=np.int64))
    return bool((ordered[1:] == ordered[:-1]).any())


def score_rows(rows: Iterable[Mapping[str, Any]], task: str | None = None, **options: Any) -> dict[str, Any]:
    """Score rows; see `iepile_metric.score`.

    Rows that can be read twice are first taken as a stream, which is quicker and takes no memory, and again
    with all records open if the batches of a record turn out to be scattered.

    Raises:
        ValueError: as `Accumulator` does, with the number of the row.
    """
    streamed = not isinstance(rows, Iterator)
    scores = Accumulator(task, streamed=streamed, **options)
    for number, row in enumerate(rows):
        try:
            scores.add(row)
        except ValueError as error:
            raise ValueError(f"row {number}: {error}") from error
    try:
        return scores.result()
    except Returned:
        return Accumulator(task, **options).extend(rows).result()
