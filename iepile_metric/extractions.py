"""What `iepile predict` extracts from annotated texts, as rows: answers in the task's shape, gold beside them."""

import json
from collections.abc import Mapping
from typing import Any

__all__ = ["gold_key", "row_of"]

_GOLD = ("label", "entity", "relation", "event")


def gold_key(row: Mapping[str, Any]) -> str | None:
    """The key of the annotation in a line of extractions, None where there is none."""
    return next((key for key in _GOLD if key in row), None)


def row_of(line: Mapping[str, Any], gold: str) -> dict[str, Any]:
    """A line of extractions as a row.

    Args:
        line: With `text`, `task`, `extractions` and the annotation.
        gold: The annotation's key.

    Returns:
        The line with `instruction`, `output`, `label`, and `annotated`: the extractions as an annotation has them,
        with their places.

    Raises:
        ValueError: An extraction has another shape.

    >>> ulm = {"label": "city", "text": "Ulm", "start": 3, "end": 6}
    >>> row_of({"text": "In Ulm", "task": "ner", "extractions": [ulm], "entity": []}, "entity")["output"]
    '{"city": ["Ulm"]}'
    """
    try:
        items = [_item(one) for one in line["extractions"] or ()]
        answer = _ANSWERS[str(line["task"]).lower()](items)
        text = line["text"]
    except (KeyError, TypeError, AttributeError) as error:
        raise ValueError(f"no line of extractions ({type(error).__name__}: {error})") from None
    label = line[gold] if isinstance(line[gold], str) else json.dumps(line[gold], ensure_ascii=False)
    question = json.dumps({"input": text}, ensure_ascii=False)
    # Where nothing of the model's answer could be read, there is none to score.
    output = "" if line.get("error") and not items else json.dumps(answer, ensure_ascii=False)
    return {**line, "instruction": question, "output": output, "label": label, "annotated": items}


def _item(one: Mapping[str, Any]) -> dict[str, Any]:
    """An extraction as an annotation."""
    if "head" in one:
        item = {"relation": one["label"], "head_type": one["head"]["label"], "tail_type": one["tail"]["label"]}
        for name in ("head", "tail"):
            end = one[name]
            item |= {name: end["text"], f"{name}_start": end["start"], f"{name}_end": end["end"]}
        return item
    if "arguments" in one:
        trigger = one["trigger"] or {"text": "", "start": None, "end": None}
        arguments = [
            {"argument": part["text"], "role": part["label"], "start": part["start"], "end": part["end"]}
            for part in one["arguments"]
        ]
        event = {"event_type": one["label"], "event_trigger": trigger["text"], "arguments": arguments}
        return event | {"start": trigger["start"], "end": trigger["end"]}
    return {"entity_type": one["label"], "entity": one["text"], "start": one["start"], "end": one["end"]}


def _entities(items: list[dict[str, Any]]) -> dict[str, Any]:
    answer: dict[str, dict[str, None]] = {}
    for item in items:
        answer.setdefault(item["entity_type"], {})[item["entity"]] = None
    return {label: list(mentions) for label, mentions in answer.items()}


def _relations(items: list[dict[str, Any]]) -> dict[str, Any]:
    answer: dict[str, list[dict[str, str]]] = {}
    for item in items:
        answer.setdefault(item["relation"], []).append({"subject": item["head"], "object": item["tail"]})
    return answer


def _graph(items: list[dict[str, Any]]) -> dict[str, Any]:
    answer: dict[str, dict[str, dict[str, list[str]]]] = {}
    for item in items:
        entity = answer.setdefault(item["head_type"], {}).setdefault(item["head"], {})
        entity.setdefault(item["relation"], []).append(item["tail"])
    return answer


def _events(items: list[dict[str, Any]]) -> dict[str, Any]:
    answer: dict[str, list[dict[str, Any]]] = {}
    for item in items:
        roles: dict[str, list[str]] = {}
        for part in item["arguments"]:
            roles.setdefault(part["role"], []).append(part["argument"])
        answer.setdefault(item["event_type"], []).append({"trigger": item["event_trigger"], "arguments": roles})
    return answer


def _triggers(items: list[dict[str, Any]]) -> dict[str, Any]:
    return {label: [event["trigger"] or "NAN" for event in events] for label, events in _events(items).items()}


def _arguments(items: list[dict[str, Any]]) -> dict[str, Any]:
    return {label: [event["arguments"] for event in events] for label, events in _events(items).items()}


_ANSWERS = {
    "ner": _entities, "re": _relations, "spo": _relations, "kg": _graph, "ee": _events, "eet": _triggers,
    "eea": _arguments,
}  # fmt: skip
