"""The scores of the original IEPile toolkit, to compare with figures published from it.

Its rules, inferred from its figures: percentages rounded to two digits; F1 from the rounded precision and recall; rows
of the same source and id are one record, the first label counting; an answer that is not a JSON object, by itself and
unrepaired, is an error, counted per row; what is no string is passed over as a mention, subject, object or trigger
and matches nothing as an argument; a missing key is the empty string; a trigger "NAN" is not;
gold that repeats is not merged. `normal` counts multisets, `set` sets.
"""

import json
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from hashlib import sha256
from typing import Any

from .mentions import Unit

__all__ = ["original_score"]


def original_score(rows: Iterable[Mapping[str, Any]], task: str, count: str = "multiset") -> dict[str, float]:
    """Score as the original toolkit does; use `iepile_metric.score` for anything else.

    Args:
        rows: With `instruction`, `label`, `output`, and `id` and `source` where known; without an id the input text
            identifies the record, whose digest the original takes for one.
        task: ner, re, spo, ee or eea. Types of SPO are those of the row's schema.
        count: "multiset" (its mode `normal`) or "set".

    Returns:
        `records`, `unparseable_outputs`, and precision, recall and f1 in per cent, for events with the
        prefixes `event_` and `argument_`.

    Raises:
        ValueError: a task the original cannot score, or a row without instruction or label.

    >>> row = {"instruction": '{"input": "Ada"}', "label": '[{"entity": "Ada", "entity_type": "person"}]'}
    >>> original_score([{**row, "output": '{"person": ["Ada", "Bob"]}'}], "ner")
    {'records': 1, 'unparseable_outputs': 0, 'precision': 50.0, 'recall': 100.0, 'f1': 66.67}
    """
    rules = _RULES.get(task.lower())
    if rules is None:
        raise ValueError(f"the original toolkit gives no usable score for {task!r}: only {', '.join(_RULES)}")
    records: dict[tuple[str, str], tuple[list[_Units], list[_Units]]] = {}
    unparseable = 0
    for number, row in enumerate(rows):
        try:
            question = json.loads(row["instruction"])
            gold = [rules.gold(item) for item in json.loads(row["label"])]
            identity = row.get("id") or sha256(question["input"].encode("utf-8", "replace")).hexdigest()
        except (KeyError, TypeError, ValueError, AttributeError) as error:
            raise ValueError(f"row {number}: no instruction with an input text, or no label: {error}") from error
        answered = records.setdefault((str(row.get("source")), identity), (gold, []))[1]
        answer = _object(row.get("output") or "")
        if answer is None:
            unparseable += 1
            continue
        for kind, items in answer.items():
            for item in items if isinstance(items, list) else ():
                answered += rules.answered(kind, item, question)
    scores: dict[str, float] = {"records": len(records), "unparseable_outputs": unparseable}
    for i, prefix in enumerate(rules.prefixes):
        pairs = [tuple([unit for units in side for unit in units[i]] for side in record) for record in records.values()]
        scores |= _figures(prefix, pairs, count)
    return scores


_Units = tuple[list[Unit], ...]


@dataclass(frozen=True)
class _Rules:
    """One task's measures, and the units (per measure) of an annotated and of a predicted item."""

    prefixes: tuple[str, ...]
    gold: Callable[[dict[str, Any]], _Units]
    answered: Callable[[str, Any, Mapping[str, Any]], Iterable[_Units]]


def _object(output: str) -> dict[str, Any] | None:
    try:
        answer = json.loads(output)
    except (ValueError, RecursionError):
        return None
    return answer if isinstance(answer, dict) else None


# Where the original would crash on a predicted item of another shape, the item is passed over.
def _entity(kind: str, item: Any, question: Mapping[str, Any]) -> Iterator[_Units]:
    if isinstance(item, str):
        yield ([(kind, item)],)


def _relation(kind: str, item: Any, question: Mapping[str, Any]) -> Iterator[_Units]:
    if isinstance(item, dict):
        subject, object_ = item.get("subject", ""), item.get("object", "")
        if isinstance(subject, str) and isinstance(object_, str):
            yield ([(kind, subject, object_)],)


def _typed_relation(kind: str, item: Any, question: Mapping[str, Any]) -> Iterator[_Units]:
    entries = [entry for entry in question.get("schema") or () if isinstance(entry, dict)]
    types = next((entry for entry in entries if entry.get("predicate") == kind), {})
    for (relation,) in _relation(kind, item, question):
        named = [item.get(key, types.get(key)) for key in ("subject_type", "object_type")]
        yield ([(*unit, *map(str, named)) for unit in relation],)


def _event(kind: str, item: Any, question: Mapping[str, Any]) -> Iterator[_Units]:
    if isinstance(item, dict) and isinstance(trigger := item.get("trigger", ""), str):
        yield [(kind, trigger)], _arguments(kind, item.get("arguments"))


def _event_without_trigger(kind: str, item: Any, question: Mapping[str, Any]) -> Iterator[_Units]:
    if isinstance(item, dict):
        yield [(kind, "")], _arguments(kind, item)


def _arguments(kind: str, roles: Any) -> list[Unit]:
    return [
        (kind, role, text) if isinstance(text, str) else (kind, role, repr(text), "no text")
        for role, value in (roles.items() if isinstance(roles, dict) else ())
        for text in (value if isinstance(value, list) else [value])
        if text != "NAN"
    ]


def _annotated_arguments(event: dict[str, Any]) -> list[Unit]:
    return [(event["event_type"], argument["role"], argument["argument"]) for argument in event["arguments"]]


_RULES = {
    "ner": _Rules(("",), lambda item: ([(item["entity_type"], item["entity"])],), _entity),
    "re": _Rules(("",), lambda item: ([(item["relation"], item["head"], item["tail"])],), _relation),
    "spo": _Rules(
        ("",),
        lambda item: ([tuple(str(item[key]) for key in ("relation", "head", "tail", "head_type", "tail_type"))],),
        _typed_relation,
    ),
    "ee": _Rules(
        ("event_", "argument_"),
        lambda item: ([(item["event_type"], item["event_trigger"])], _annotated_arguments(item)),
        _event,
    ),
    "eea": _Rules(
        ("event_", "argument_"),
        lambda item: ([(item["event_type"], "")], _annotated_arguments(item)),
        _event_without_trigger,
    ),
}


def _figures(prefix: str, pairs: list[tuple[list[Unit], ...]], count: str) -> dict[str, float]:
    shared = wanted = answered = 0
    for gold, predicted in pairs:
        if count == "set":
            gold, predicted = list(set(gold)), list(set(predicted))
        shared += (Counter(gold) & Counter(predicted)).total()
        wanted += len(gold)
        answered += len(predicted)
    precision = round(100 * shared / answered, 2) if answered else 0.0
    recall = round(100 * shared / wanted, 2) if wanted else 0.0
    f1 = round(2 * precision * recall / (precision + recall), 2) if precision + recall else 0.0
    return {f"{prefix}precision": precision, f"{prefix}recall": recall, f"{prefix}f1": f1}
