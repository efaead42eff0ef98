"""The scores of a run against its answers: what `scores.json` says, and what the answers beside it give."""

from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from iepile_cards import Difference

_FIGURES = ("precision", "recall", "f1", "records", "unparseable")
_PRECISION = 1e-9


def compare_scores(run: Path) -> "Iterator[Difference]":
    """Score the answers of a run anew, and yield where its `scores.json` says otherwise.

    Splits and tasks that `scores.json` does not name are left out: nothing is said about them. So is a run without
    answers.

    Raises:
        ValueError: There is no row to score in the file of answers.
    """
    from iepile_cards.model_card import ANSWERS
    from iepile_cards.provenance import read_json
    from iepile_metric import score
    from iepile_metric.files import rows_of
    from iepile_trainer.publish import split_of

    stated = read_json(run / "scores.json")
    if not stated or not (run / ANSWERS).is_file():
        return
    by_split: dict[str, list[dict[str, Any]]] = {}
    for row in rows_of(run / ANSWERS)[0]:
        by_split.setdefault(split_of(row, "predictions"), []).append(row)
    for split, rows in by_split.items():
        found = score(rows)
        for task, scores in (found.get("tasks") or {found["task"]: found}).items():
            if task in stated.get(split, {}):
                yield from _compare(f"{split}.{task}", stated[split][task], scores)


def _compare(place: str, stated: dict[str, Any], found: dict[str, Any]) -> "Iterator[Difference]":
    from iepile_cards import Difference
    from iepile_cards.model_card import ANSWERS

    for name in _FIGURES:
        if name in stated and abs(stated[name] - found[name]) > _PRECISION:
            yield Difference(f"scores.json {place}.{name}", str(stated[name]), ANSWERS, str(found[name]))
    for source, figures in found.get("sources", {}).items():
        if source in stated.get("sources", {}):
            yield from _compare(f"{place}.sources.{source}", stated["sources"][source], figures)
