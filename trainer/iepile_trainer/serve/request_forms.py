"""What a request may be, as far as JSON Schema can say it: which schema goes with which task, one text or several."""

from typing import Any

from iepile_dataset.tasks import LANGUAGES, TASKS

Json = dict[str, Any]


def _list(items: Json, **limits: int) -> Json:
    return {"type": "array", "items": items, **limits}


def _by_label(values: Json) -> Json:
    return {"type": "object", "propertyNames": _LABEL, "additionalProperties": values, "minProperties": 1}


_NULL: Json = {"type": "null"}
_WORDS: Json = {"type": ["string", "null"]}
_LABEL: Json = {"type": "string", "pattern": r"^[^\x00]+$"}
_COMMAS: Json = {"type": "string", "pattern": r"^[^\x00\s,\[{][^\x00]*$"}
_LABELS = _list(_LABEL, minItems=1)
_STRINGS: Json = {"type": ["string", "array", "null"], "items": {"type": "string"}}
_TOLD: Json = {"description": _WORDS, "aliases": _STRINGS, "examples": _STRINGS}
_DESCRIBED = _by_label({"anyOf": [_WORDS, {"type": "object", "properties": _TOLD, "additionalProperties": False}]})
_ROLES, _PAIRS = _by_label(_list(_LABEL)), _by_label(_list(_list(_LABEL, minItems=2, maxItems=2), minItems=1))
_PLAIN = [_COMMAS, _LABELS, _DESCRIBED]
_FORMS: dict[str, list[Json]] = {task: [*_PLAIN, _ROLES, _PAIRS] for task in TASKS} | {
    "re": _PLAIN, "spo": [_PAIRS], "kg": [_ROLES, _PAIRS],
}  # fmt: skip


def describe(schema: Json) -> None:
    """Add to the JSON Schema of a request what its fields have to do with each other.

    Lists with one schema, or the triggers, for each of several texts must be as long as these, which cannot be said.
    """
    schema["properties"]["task"]["enum"] = list(TASKS)
    schema["properties"]["language"]["anyOf"][0]["enum"] = list(LANGUAGES)
    triggers = schema["properties"]["triggers"]["anyOf"]
    schema["example"] = {"text": "Ada Bell lives in Rome.", "schema": ["person", "place"], "task": "ner"}
    schema["oneOf"] = []
    for task, forms in _FORMS.items():
        needed = ["schema"] + ["task"] * (task != "ner")
        each = [_list({"anyOf": [form for form in forms if form is not _COMMAS]}, minItems=1)]
        for text, other, schemas, known in (
            ("text", "texts", forms, [triggers[0], _NULL]),
            ("texts", "text", forms + each, triggers),
        ):
            fields = {"task": {"const": task}, other: _NULL, "schema": {"anyOf": schemas}, "triggers": {"anyOf": known}}
            fields[text] = {"type": "string" if text == "text" else "array"}
            schema["oneOf"].append({"title": f"{task}, {text}", "required": [text, *needed], "properties": fields})
