"""Scores for schema-based information extraction that can be trusted and published.

>>> from iepile_metric import score
>>> gold = '[{"entity": "Ada", "entity_type": "person"}, {"entity": "Paris", "entity_type": "place"}]'
>>> scores = score([{"output": '{"person": ["Ada", "Bob"], "place": []}', "label": gold}], task="ner")
>>> scores["tp"], scores["fp"], scores["fn"], scores["f1"]
(1, 1, 1, 0.5)

The parts, each in a module of its own: `Accumulator` (rows one by one, merged over processes),
`score_file`, `score_ways` (several orders or batch sizes), `Analysis` (errors by name), `Calibration` (what
confidences are worth), `intervals` and `compare` (certainty), `per_record` (a table),
`compute_metrics` and `gathered` (training), `original_score` (the figures of the original toolkit).
"""

from collections.abc import Iterable, Mapping
from typing import TYPE_CHECKING, Any

from .accumulator import Accumulator, score_rows
from .tasks import TASKS

if TYPE_CHECKING:
    from .bootstrap import compare, intervals
    from .calibration import Calibration
    from .errors import Analysis
    from .files import score_file
    from .original_scorer import original_score
    from .record_table import per_record
    from .robustness import score_ways
    from .trainer_metrics import compute_metrics, gathered

__all__ = [
    "TASKS",
    "Accumulator",
    "Analysis",
    "Calibration",
    "compare",
    "compute_metrics",
    "gathered",
    "intervals",
    "original_score",
    "per_record",
    "score",
    "score_file",
    "score_ways",
]

# Scoring itself needs neither numpy nor pyarrow nor jinja: what does is imported when it is asked for.
_PLACES = {
    "Analysis": "errors",
    "Calibration": "calibration",
    "compare": "bootstrap",
    "compute_metrics": "trainer_metrics",
    "gathered": "trainer_metrics",
    "intervals": "bootstrap",
    "original_score": "original_scorer",
    "per_record": "record_table",
    "score_file": "files",
    "score_ways": "robustness",
}


def __getattr__(name: str) -> Any:
    if name in _PLACES:
        from importlib import import_module

        return getattr(import_module(f".{_PLACES[name]}", __name__), name)
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")


def score(
    rows: Iterable[Mapping[str, Any]],
    task: str | None = None,
    match: str = "exact",
    count: str = "multiset",
    parse: str = "lenient",
    compat: str | None = None,
) -> dict[str, Any]:
    """Score rows whose `output` is a model's answer and whose `label` is the annotation.

    Args:
        rows: Dictionaries with `output` (text, as the model wrote it) and `label` (JSON text: the record's
            whole annotation, or an answer that stands for it; "" if unlabelled), and `id`, `source`, `task`,
            `instruction` where known. Rows of one id are batches of one record; without id each row is a record.
        task: The task of rows that do not name theirs.
        match: "exact", "normalised", "span" or "overlap" (see `matching.MATCHES`).
        count: "multiset" or "set" (see `matching.COUNTS`).
        parse: "lenient" repairs answers where the meaning is plain, "strict" refuses.
        compat: "original" gives the figures of the original toolkit instead (`original_scorer.original_score`);
            then `task` is needed and `match` and `parse` mean nothing.

    Returns:
        `precision`, `recall`, `f1` (fractions) and `tp`, `fp`, `fn` of the task's headline measure; for
        events the same with the prefixes `event_`, `argument_` and the four of the literature; `macro_f1`;
        `records`, `rows`, `unlabelled`, `unparseable`, `recovered` and their shares; grouped scores in
        `labels` and `sources`; `definitions` say what was counted. Rows of several tasks give
        `{"tasks": {name: scores}}`.

        The gold of a record is its whole annotation. Labels that were annotated and never asked therefore
        count as missed; generated questions ask every annotated label.

    Raises:
        ValueError: unknown task or option, a label that is no annotation of the task, nothing to score.

    >>> score([{"output": "I cannot say.", "label": "[]"}], task="re")["unparseable"]
    1
    """
    if compat is not None:
        from .original_scorer import original_score

        if compat != "original" or task is None:
            raise ValueError(f"compat is {compat!r}, task {task!r}: the one needs to be 'original', the other given")
        return original_score(rows, task, count)
    return score_rows(rows, task, match=match, count=count, parse=parse)
