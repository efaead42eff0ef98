"""True positives, false positives and false negatives: counted here and nowhere else."""

from collections import Counter

from .mentions import Unit

Outcome = tuple[list[Unit], list[Unit], list[Unit]]
"""Of one record in one measure: hits (true positives), extra (false positives), missed (false negatives)."""


def outcome(predicted: list[Unit], merged: list[Unit], annotated: list[Unit], once: bool = False) -> Outcome:
    """Match the units of one record.

    With a unit predicted P times, present G times in the merged gold and R ≥ G times in the
    annotation as it stands: min(P, G) hits, max(0, G - P) missed, max(0, P - R) extra. A mention that
    was annotated twice may thus be answered once or twice; a third time is an error.

    Args:
        predicted: Units of the answer, with repetition.
        merged: Gold units after identical items were merged, as generated answers merge them.
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
        spare = Counter(annotated)
        for unit in merged:
            spare[unit] -= 1
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


def united(had: list[Unit], more: list[Unit]) -> list[Unit]:
    """Put the units of two answers about one record together.

    A unit that both give counts as often as the one that gives it most often: batches ask for different labels, but
    windows of a long text may quote the same name, and the record names it once.

    >>> united([("x", "a"), ("x", "a")], [("x", "a"), ("x", "b")])
    [('x', 'a'), ('x', 'a'), ('x', 'b')]
    """
    if not had or not more or set(had).isdisjoint(more):
        return had + more
    return list((Counter(had) | Counter(more)).elements())


def rematched(extra: list[Unit], missed: list[Unit], fields: tuple[int, ...]) -> int:
    """Count how many extra units would be hits if only some of their fields had to match.

    >>> rematched([("attack", "agent", "Ada")], [("attack", "target", "Ada")], (0, 2))
    1
    """
    if not (extra and missed):
        return 0
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
