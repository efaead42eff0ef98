"""Why F1 was lost: every false positive and false negative under one name.

The rule: with F1 = 2tp / (2tp + fp + fn), what is lost is 1 - F1 = (fp + fn) / (2tp + fp + fn). So each
false positive and each false negative has the share 1 / (2tp + fp + fn), an error that is both (a wrong
label, say) has two, and all shares of a measure sum to the F1 that was lost.
"""

from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any

import orjson

from .accumulator import Record
from .counts import Outcome
from .matching import MOST, credits, normalised, overlap
from .mentions import Unit
from .places import has_place, place_in
from .tasks import TASKS, Task

KINDS = {
    "wrong direction": "the relation holds the other way round",
    "wrong role": "the argument belongs to the event in another role",
    "wrong label": "the texts are right, their label is another",
    "wrong boundary": "the labels are right, the texts overlap those of the gold",
    "not in the text": "predicted, and its text does not occur in the input",
    "outside the schema": "predicted under a label that was not asked",
    "spurious": "predicted, and nothing like it in the gold",
    "missed": "in the gold, and nothing like it predicted",
    "unparseable": "in the gold, asked in an answer that could not be parsed",
}


@dataclass(frozen=True)
class Error:
    """One false positive, one false negative, or one of each that belong together.

    Attributes:
        kind: A key of `KINDS`.
        measure: The measure it counts in.
        predicted: The predicted unit, None if something is missing.
        gold: The gold unit, None if something is too much.
        weight: How much of fp + fn it makes up: 1, for a pair 2, less where overlap gave credit.
        asked: False if the instructions are at hand and none of them asked for the missing label.
    """

    kind: str
    measure: str
    predicted: Unit | None
    gold: Unit | None
    weight: float
    asked: bool = True

    @property
    def label(self) -> str:
        """The label it is counted under: the gold one if there is one."""
        return (self.gold or self.predicted or ("",))[0]


def questions(rows: Iterable[Mapping[str, Any]]) -> tuple[str | None, set[str] | None]:
    """Read the input text and the asked labels from rows → (text or None, labels or None).

    >>> questions([{"instruction": '{"schema": ["person"], "input": "Ada"}'}])
    ('Ada', {'person'})
    """
    text, asked = None, None
    for row in rows:
        try:
            instruction = orjson.loads(row.get("instruction") or "")
            names = {_name(label) for label in instruction["schema"]}
            text = str(instruction["input"])
        except (ValueError, KeyError, TypeError):
            continue
        asked = names | (asked or set())
    return text, asked


def _name(label: Any) -> str:
    if isinstance(label, dict):
        return str(next(label[key] for key in ("event_type", "predicate", "entity_type") if key in label))
    return str(label)


def errors_of(record: Record, outcomes: list[Outcome], match: str = "exact") -> list[Error]:
    """Name every error of one record."""
    text, asked = questions(record.rows)
    _, unanswered = questions(record.failed)
    if record.failed and unanswered is None:
        unanswered = {unit[0] for measure in record.merged for unit in measure}
    errors: list[Error] = []
    for measure, (_, extra, missed) in zip(record.task.measures, outcomes):
        outside = {unit for unit in extra if asked is not None and unit[0] not in asked}
        pairs, extra, missed = _paired(record.task, measure, extra, missed, outside, match)
        errors += pairs
        for unit in extra:
            kind = "spurious"
            if unit in outside:
                kind = "outside the schema"
            elif text is not None and not all(_occurs(unit[i], text, match) for i in record.task.texts(measure)):
                kind = "not in the text"
            errors.append(Error(kind, measure, unit, None, 1))
        for unit in missed:
            kind = "unparseable" if unit[0] in (unanswered or ()) else "missed"
            errors.append(Error(kind, measure, None, unit, 1, asked is None or unit[0] in asked))
    return errors


def _paired(
    task: Task, measure: str, extra: list[Unit], missed: list[Unit], outside: set[Unit], match: str
) -> tuple[list[Error], list[Unit], list[Unit]]:
    """Pair extra with missed units → the errors that are both, and what is left of either."""
    positions, fields = task.texts(measure), task.fields[measure]
    role = fields.index("role") if "role" in fields else None
    errors, missed = [], list(missed)
    # What was never asked is paired with nothing, unless overlap has given credit for it.
    apart = [] if match == "overlap" else [unit for unit in extra if unit in outside]
    extra = list(extra) if match == "overlap" else [unit for unit in extra if unit not in outside]
    for credit, predicted, gold in credits(extra, missed, positions) if match == "overlap" else ():
        errors.append(Error("wrong boundary", measure, predicted, gold, 2 * (1 - credit)))
        extra.remove(predicted)
        missed.remove(gold)
    for kind in ("wrong direction", "wrong role", "wrong label", "wrong boundary"):
        for predicted in extra[:MOST] if missed else ():
            alike = (unit for unit in missed if _is(kind, predicted, unit, positions, role, match))
            if gold := next(alike, ()):
                errors.append(Error(kind, measure, predicted, gold, 2))
                extra.remove(predicted)
                missed.remove(gold)
    return errors, apart + extra, missed


def _is(kind: str, predicted: Unit, gold: Unit, positions: tuple[int, ...], role: int | None, match: str) -> bool:
    same = [a == b for a, b in zip(predicted, gold)]
    texts = [same[i] for i in positions]
    labels = [same[i] for i in range(len(gold)) if i not in positions]
    if kind == "wrong direction":
        return len(gold) == 3 and len(positions) == 2 and same[0] and predicted[1:] == (gold[2], gold[1])
    if kind == "wrong role":
        return role is not None and all(texts) and not same[role] and labels.count(False) == 1
    if kind == "wrong label":
        return all(texts) and not all(labels)
    return all(labels) and not all(texts) and all(_touch(predicted[i], gold[i], match) for i in positions)


def _touch(one: str, other: str, match: str) -> bool:
    if match == "span":
        here, there = place_in(one), place_in(other)
        return one == other or bool(here and there and here[0] < there[1] and there[0] < here[1])
    return one == other or (bool(one and other) and (one in other or other in one or overlap(one, other) > 0))


def _occurs(part: str, text: str, match: str) -> bool:
    if match == "span":
        return has_place(part)
    return part in text or (match == "normalised" and part in normalised(text))


Labels = tuple[str, ...]
Pair = tuple[str, Labels, Labels]


@dataclass
class _Tally:
    """The errors of one measure of one task."""

    hits: Counter[str] = field(default_factory=Counter)
    kinds: Counter[tuple[str, str]] = field(default_factory=Counter)
    pairs: Counter[Pair] = field(default_factory=Counter)
    examples: dict[Pair, list[dict[str, Any]]] = field(default_factory=dict)
    not_asked: int = 0


class Analysis:
    """A watcher that names the errors of all records; give it to `Accumulator(watch=…)`.

    >>> from .accumulator import Accumulator
    >>> analysis = Analysis()
    >>> gold = '[{"entity": "Ada", "entity_type": "person"}]'
    >>> scores = Accumulator("ner", watch=analysis)
    >>> scores.add({"output": '{"place": ["Ada"]}', "label": gold})
    >>> analysis.summary(scores.result())["ner"]["entity"]["kinds"]
    {'wrong label': {'count': 2, 'share': 1.0}}
    """

    def __init__(self, match: str = "exact", examples: int = 3) -> None:
        self._match, self._examples = match, examples
        self._tallies: dict[tuple[str, str], _Tally] = {}

    def __call__(self, record: Record, outcomes: list[Outcome]) -> list[Error]:
        """Take one record; give its errors."""
        task = record.task
        errors = errors_of(record, outcomes, self._match)
        for measure, (hits, _, _) in zip(task.fields, outcomes):
            self._tallies.setdefault((task.name, measure), _Tally()).hits.update(unit[0] for unit in hits)
        for error in errors:
            tally = self._tallies[task.name, error.measure]
            tally.kinds[error.label, error.kind] += error.weight  # type: ignore[assignment]
            tally.not_asked += not error.asked
            texts = task.texts(error.measure)
            pair = (error.kind, _labels(error.gold, texts), _labels(error.predicted, texts))
            tally.pairs[pair] += 1
            shown = tally.examples.setdefault(pair, [])
            if len(shown) < self._examples:
                shown.append(
                    {"id": record.id, "source": record.source, "gold": error.gold, "predicted": error.predicted}
                )
        return errors

    def summary(self, scores: dict[str, Any], pairs: int = 10) -> dict[str, Any]:
        """Sum up per task and measure.

        Args:
            scores: The result of the accumulator that was watched.
            pairs: How many of the most frequent pairs of gold and predicted labels to list.

        Returns:
            {task: {measure: {"lost_f1", "not_asked", "kinds": {kind: {"count", "share"}}, "labels": {label: {kind:
            count}}, "confusion": {gold label: {predicted label: count}}, "pairs": […]}}}. Counts of kinds
            are of fp + fn. In the confusion matrix "" stands for nothing; units whose text is wrong stand
            there twice, as missed and as too much. `not_asked` counts missed units whose label was in none
            of the record's instructions (0 where there are no instructions).
        """
        tasks = scores.get("tasks") or {scores["task"]: scores}
        return {
            name: {
                measure: _summary(self._tallies.get((name, measure), _Tally()), figures, measure, pairs)
                for measure in TASKS[name].fields
            }
            for name, figures in tasks.items()
        }


def _summary(tally: _Tally, figures: dict[str, Any], measure: str, pairs: int) -> dict[str, Any]:
    prefix = f"{measure}_" if f"{measure}_tp" in figures else ""
    whole = 2 * figures[f"{prefix}tp"] + figures[f"{prefix}fp"] + figures[f"{prefix}fn"]
    kinds: Counter[str] = Counter()
    labels: dict[str, dict[str, float]] = {}
    for (label, kind), count in sorted(tally.kinds.items()):
        kinds[kind] += count
        labels.setdefault(label, {})[kind] = count
    confusion = {label: {label: count} for label, count in sorted(tally.hits.items())}
    ordered = sorted(tally.pairs.items(), key=lambda item: (-item[1], item[0]))
    for (_, wanted, answered), count in ordered:
        gold, predicted = (names[0] if names else "" for names in (wanted, answered))
        for row, column in [(gold, predicted)] if gold != predicted else [(gold, ""), ("", predicted)]:
            counts = confusion.setdefault(row, {})
            counts[column] = counts.get(column, 0) + count
    return {
        "lost_f1": 1 - figures[f"{prefix}f1"],
        "not_asked": tally.not_asked,
        "kinds": {kind: {"count": kinds[kind], "share": kinds[kind] / whole} for kind in KINDS if kinds[kind]},
        "labels": labels,
        "confusion": confusion,
        "pairs": [
            {
                "kind": kind,
                "gold": " / ".join(wanted),
                "predicted": " / ".join(answered),
                "count": count,
                "examples": tally.examples[kind, wanted, answered],
            }
            for (kind, wanted, answered), count in [pair for pair in ordered if all(pair[0])][:pairs]
        ],
    }


def _labels(unit: Unit | None, texts: tuple[int, ...]) -> Labels:
    return () if unit is None else tuple(text for i, text in enumerate(unit) if i not in texts)
