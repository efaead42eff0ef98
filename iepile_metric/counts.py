"""True positives, false positives and false negatives: counted here and nowhere else."""

from collections import Counter

from .matching import Pair, credits, respelt
from .mentions import Unit, Units
from .tasks import Task

Outcome = tuple[list[Unit], list[Unit], list[Unit]]
"""Of one record in one measure: hits (true positives), extra (false positives), missed (false negatives)."""


Judgement = tuple[list[Outcome], dict[str, list[Pair]], dict[str, int]]
"""What is right and wrong in the answers about one record.

The outcomes, one per measure; measure → pairs of extra and missed units that overlap, only with match "overlap";
looser figure → how many extra units are hits by it, only where there are extra and missed units.
"""


def judge(
    task: Task, predicted: Units, merged: Units, annotated: Units, match: str = "exact", once: bool = False
) -> Judgement:
    """Match the units of one record in every measure of its task.

    Args:
        task: How it is judged.
        predicted: Units of the answers, one list per measure.
        merged: Gold units after identical items were merged, as generated answers merge them.
        annotated: Gold units as annotated.
        match: One of `matching.MATCHES`; with "normalised" the gold is so already.
        once: Count every unit at most once ("set").
    """
    if match == "normalised":
        predicted = tuple(respelt(units, task.texts(measure)) for measure, units in zip(task.measures, predicted))
    if predicted == merged and not once:
        return [(units, [], []) for units in merged], {}, {}
    outcomes = [outcome(units, gold, stated, once) for units, gold, stated in zip(predicted, merged, annotated)]
    credited: dict[str, list[Pair]] = {}
    matched: dict[str, int] = {}
    for measure, (_, extra, missed) in zip(task.measures, outcomes):
        if extra and missed:
            if match == "overlap":
                credited[measure] = credits(extra, missed, task.texts(measure))
            for name, (of, fields) in task.looser.items():
                if of == measure:
                    matched[name] = rematched(extra, missed, fields)
    return outcomes, credited, matched


def outcome(predicted: list[Unit], merged: list[Unit], annotated: list[Unit], once: bool = False) -> Outcome:
    """Match the units of one record in one measure.

    With a unit predicted P times, present G times in the merged gold and R ≥ G times in the
    annotation as it stands: min(P, G) hits, max(0, G - P) missed, max(0, P - R) extra. A mention that
    was annotated twice may thus be answered once or twice; a third time is an error.

    Args:
        predicted: Units of the answer, with repetition.
        merged: Gold units after identical items were merged.
        annotated: Gold units as annotated.
        once: Count every unit at most once ("set").

    >>> outcome([("x", "a"), ("x", "a"), ("x", "b")], [("x", "a")], [("x", "a")])
    ([('x', 'a')], [('x', 'a'), ('x', 'b')], [])
    """
    if once:
        predicted, merged, annotated = ([*dict.fromkeys(units)] for units in (predicted, merged, annotated))
    if predicted == merged:
        return merged, [], []
    wanted = dict.fromkeys(merged, 1)
    if len(wanted) < len(merged):
        wanted = Counter(merged)
    spare: dict[Unit, int] = {}
    if len(annotated) > len(merged):
        spare = Counter(annotated) - Counter(merged)
    hits: list[Unit] = []
    extra: list[Unit] = []
    for unit in predicted:
        left = wanted.get(unit)
        if left:
            wanted[unit] = left - 1
            hits.append(unit)
        elif spare.get(unit):
            spare[unit] -= 1
        else:
            extra.append(unit)
    if len(hits) == len(merged):
        return hits, extra, []
    return hits, extra, [unit for unit, left in wanted.items() for _ in range(left)]


def rematched(extra: list[Unit], missed: list[Unit], fields: tuple[int, ...]) -> int:
    """Count how many extra units would be hits if only some of their fields had to match.

    >>> rematched([("attack", "agent", "Ada")], [("attack", "target", "Ada")], (0, 2))
    1
    """
    wanted: dict[Unit, int] = {}
    for unit in missed:
        view = tuple([unit[i] for i in fields])
        wanted[view] = wanted.get(view, 0) + 1
    matched = 0
    for unit in extra:
        view = tuple([unit[i] for i in fields])
        left = wanted.get(view)
        if left:
            wanted[view] = left - 1
            matched += 1
    return matched


def rates(tp: float, fp: float, fn: float) -> tuple[float, float, float]:
    """Precision, recall and F1 as fractions, from counts and never from rounded parts.

    0/0 is 1.0 only where nothing was expected and nothing predicted, else 0.0.

    >>> rates(3, 1, 2)
    (0.75, 0.6, 0.6666666666666666)
    >>> rates(0, 0, 0), rates(0, 0, 2)
    ((1.0, 1.0, 1.0), (0.0, 0.0, 0.0))
    """
    if not (tp or fp or fn):
        return 1.0, 1.0, 1.0
    precision = tp / (tp + fp) if tp else 0.0
    recall = tp / (tp + fn) if tp else 0.0
    return precision, recall, 2 * tp / (2 * tp + fp + fn)
