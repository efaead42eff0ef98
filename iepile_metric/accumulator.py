"""Rows in, scores out: the streaming accumulator."""

from array import array
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import asdict, dataclass, field, fields
from typing import Any

import orjson

from .counts import Outcome, judge
from .matching import COUNTS, MATCHES, normalised
from .mentions import Units, united
from .parse_answer import Unparseable, read_answer
from .scores import Totals, result
from .tasks import Task, task_named

__all__ = ["PARSES", "ScoringOptions"]

PARSES = {
    "lenient": "answers are repaired where their meaning is plain",
    "strict": "an answer that needs any repair is unparseable",
}


@dataclass(frozen=True)
class ScoringOptions:
    """How answers are read and counted; each value is explained in the table of its `choices`.

    Raises:
        ValueError: unknown match, count or parse.
    """

    match: str = field(default="exact", metadata={"help": "When two texts are the same.", "choices": MATCHES})
    count: str = field(
        default="multiset",
        metadata={"help": "Repetitions count as annotated, or each unit once.", "choices": COUNTS},
    )
    parse: str = field(
        default="lenient",
        metadata={"help": "Repair answers where the meaning is plain, or refuse.", "choices": PARSES},
    )

    def __post_init__(self) -> None:
        for option in fields(self):
            value, known = getattr(self, option.name), option.metadata["choices"]
            if value not in known:
                raise ValueError(f"unknown {option.name} {value!r}: choose one of {', '.join(known)}")


@dataclass(slots=True)
class Record:
    """One record while its batches come in: gold once, predictions united.

    Attributes:
        task: How it is judged.
        source: Name of its dataset; "" if unknown.
        id: Its identity within the source; None if every row is a record.
        label: The annotation as it stood in the row.
        merged, annotated: Gold unit lists after merging and as they stood, one per measure.
        predicted: Unit lists of all answers, united.
        answers: Each of its rows with the units of its answer, None where that could not be parsed; kept only if
            somebody watches.
        watched: Whether the watcher has seen it.
    """

    task: Task
    source: str
    id: str | None
    label: str
    merged: Units
    annotated: Units
    predicted: Units
    answers: tuple[tuple[Mapping[str, Any], Units | None], ...] = ()
    watched: bool = False

    @property
    def rows(self) -> list[Mapping[str, Any]]:
        """All its rows."""
        return [row for row, _ in self.answers]

    @property
    def failed(self) -> list[Mapping[str, Any]]:
        """The rows whose answer could not be parsed."""
        return [row for row, units in self.answers if units is None]

    @property
    def key(self) -> tuple[str, str, str | None]:
        """What tells it from other records."""
        return self.task.name, self.source, self.id


class Returned(ValueError):
    """A streamed record came back after it had been counted."""


Watcher = Callable[[Record, list[Outcome]], None]


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
        self._respell = normalised if self._match == "normalised" else None
        self._task = task_named(task) if task else None
        self._streamed = streamed
        self._watch = watch
        self._open: dict[Any, Record] = {}
        self._current: Record | None = None
        self._current_totals: Totals
        self._closed: array[int] = array("q")
        self._totals: dict[tuple[str, str], Totals] = {}
        self._of_row: dict[tuple[Any, str], Totals] = {}
        self._gold: tuple[Task | None, str, tuple[Units, Units]] = (None, "", ((), ()))

    def add(self, row: Mapping[str, Any]) -> None:
        """Take one row: `output` and `label`, and `id`, `task`, `source` where known.

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
        else:
            if kinds:
                totals.repaired.update(kinds)
                totals.recovered += 1
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
            ValueError: nothing was scored, or a streamed record came back after it had been counted.
        """
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

    def _gold_of(self, task: Task, label: str) -> tuple[Units, Units]:
        if label == self._gold[1] and task is self._gold[0]:
            return self._gold[2]
        try:
            value = orjson.loads(label)
            if value.__class__ is not list and value.__class__ is not dict:
                raise TypeError("neither list nor object")
            gold = task.gold(value, self._respell)
        except (ValueError, TypeError, AttributeError, KeyError) as error:
            reason = f"{type(error).__name__}: {error}"
            raise ValueError(f"label is no {task.name} annotation ({reason}): {str(label)[:80]}") from error
        self._gold = (task, label, gold)
        return gold

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
