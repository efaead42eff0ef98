"""The three rows that IEPile's specification prints come out byte for byte, given their schema order."""

import json
import re

import pytest

from iepile_dataset import Options, Schema
from iepile_dataset.instructions.instructor import Instructor
from iepile_dataset.tasks import TASKS


def printed_rows(reference) -> dict[str, dict]:
    text = (reference / "iepile_readme.md").read_text("utf-8")
    blocks = re.findall(r'\{\s*"task": .*?\n\s*\}\n', text, flags=re.DOTALL)
    return {row["task"]: row for row in map(json.loads, blocks)}


def ask(task: str, schema: Schema, text: str, items: list) -> tuple[str, str]:
    asker = Instructor(TASKS[task.lower()], schema, "en", False, Options(split_num=-1))
    questions = asker.ask(text, items)
    return asker.instruction(questions.asked[0], text), questions.outputs[0]


def test_the_specification_prints_three_rows(reference):
    assert sorted(printed_rows(reference)) == ["EE", "NER", "RE"]


@pytest.mark.parametrize("task", ["NER", "RE", "EE"])
def test_a_printed_row_comes_out_byte_for_byte(reference, task):
    row = printed_rows(reference)[task]
    asked, answer = json.loads(row["instruction"]), json.loads(row["output"])
    if task == "NER":
        schema = Schema(types=tuple(asked["schema"]))
        items = [{"entity": m, "entity_type": kind} for kind, mentions in answer.items() for m in mentions]
    elif task == "RE":
        schema = Schema(relations=tuple(asked["schema"]))
        items = [
            {"head": pair["subject"], "relation": name, "tail": pair["object"]}
            for name, pairs in answer.items()
            for pair in pairs
        ]
    else:
        names = [entry["event_type"] for entry in asked["schema"]]
        schema = Schema(types=tuple(names), roles={e["event_type"]: tuple(e["arguments"]) for e in asked["schema"]})
        items = [
            {
                "event_type": kind,
                "event_trigger": event["trigger"],
                "arguments": [{"argument": a, "role": r} for r, a in event["arguments"].items() if a != "NAN"],
            }
            for kind, events in answer.items()
            for event in events
        ]
    # The annotation's own order must not matter: answers follow the text.
    assert ask(task, schema, asked["input"], items[::-1]) == (row["instruction"], row["output"])


@pytest.mark.parametrize("task", TASKS)
@pytest.mark.parametrize("language", ["en", "zh"])
def test_a_prompt_is_the_original_one(reference, task, language):
    prompts = json.loads((reference / "instructions.json").read_text("utf-8"))
    assert TASKS[task].prompt(language) == prompts[task.upper()][language]
