"""Answers as models write them: recovered where the meaning is plain, counted by kind."""

import json

import pytest

from iepile_metric import TASKS, score
from iepile_metric.parse_answer import object_in
from iepile_metric.repairs import (
    COMMAS,
    CUT_OFF,
    DUPLICATES,
    ESCAPES,
    FENCED,
    FLAT,
    QUOTES,
    SHAPE,
    SURROUNDED,
    THOUGHT,
    UNQUOTED,
)

GOLD = '[{"entity": "Ada", "entity_type": "person"}]'


@pytest.mark.parametrize(
    ("output", "kinds"),
    [
        ('{"person": ["Ada"]}', []),
        (' {"person": ["Ada"]}\n', []),
        ('```json\n{"person": ["Ada"]}\n```', [FENCED]),
        ('Here you are:\n```\n{"person": ["Ada"]}\n```\nAnything else?', [FENCED]),
        ('The entities are: {"person": ["Ada"]}', [SURROUNDED]),
        ('{"person": ["Ada"]} I hope this helps.', [SURROUNDED]),
        ('<think>{"person": ["Bob"]}?</think>{"person": ["Ada"]}', [THOUGHT]),
        ('For the schema {label}: {"person": ["Ada"]}', [SURROUNDED]),
        ("{'person': ['Ada']}", [QUOTES]),
        ('{"person": ["Ada",],}', [COMMAS]),
        ('{person: ["Ada"]}', [UNQUOTED]),
        ('{"person": ["Ada"], "remark\n": []}', [ESCAPES]),
        ('{"person": ["Ada"', [CUT_OFF]),
        ('{"person": ["Ada"], "place": [', [CUT_OFF]),
        ('```json\n{"person": ["Ada"], "pla', [CUT_OFF, FENCED]),
        ('{"person": [], "person": ["Ada"]}', [DUPLICATES]),
        ('{"person": "Ada"}', [SHAPE]),
        ('{"person": ["Ada", null, {"age": 3}], "place": null}', [SHAPE]),
        ('{"person": [{"entity": "Ada"}]}', [SHAPE]),
        ('[{"person": ["Ada"]}]', [SHAPE]),
        (GOLD, [FLAT]),
        ('{"person": [["Ada"]]}', [SHAPE]),
    ],
)
def test_plain_meaning_is_recovered_and_named(output, kinds):
    result = score([{"label": GOLD, "output": output}], task="ner")
    assert (result["tp"], result["fp"], result["fn"]) == (1, 0, 0)
    assert result["recovered_kinds"] == dict.fromkeys(sorted(kinds), 1)
    assert result["recovered"] == bool(kinds)
    strict = score([{"label": GOLD, "output": output}], task="ner", parse="strict")
    assert strict["unparseable_kinds"] == ({"needs repair": 1} if kinds else {})
    assert strict["f1"] == (0.0 if kinds else 1.0)


@pytest.mark.parametrize(
    ("output", "reason"),
    [
        ("", "empty"),
        (None, "empty"),
        (" \n", "empty"),
        ("There are none.", "no JSON object"),
        ("42", "no JSON object"),
        ('["Ada", "Bob"]', "nothing that was asked"),
        ("[" * 100, "nested too deep"),
        ("{broken: " + "x" * 30_000, "broken JSON"),
        ('{"person": ["Ada, "Bob"]}', "broken JSON"),
        ('{"person": ["Ada], "place": []}', "broken JSON"),
        ('{"person": ["Ada"], "place": ["Ulm]}', "broken JSON"),
        ("<think>Perhaps Ada", "thought without an answer"),
        ("x" * 2_000_001, "too long"),
    ],
)
def test_what_has_no_plain_meaning_is_unparseable_with_a_reason(output, reason):
    result = score([{"label": GOLD, "output": output}], task="ner")
    assert result["unparseable_kinds"] == {reason: 1}
    assert (result["tp"], result["fp"], result["fn"]) == (0, 0, 1)


@pytest.mark.parametrize(("output", "value"), [("{}", {}), ("[]", []), ("None: {}", {})])
def test_an_empty_object_is_an_answer(output, value):
    assert object_in(output)[0] == value


def test_colons_in_texts_and_doubled_keys_are_told_apart():
    label = json.dumps([{"entity": "at 10:30", "entity_type": "time"}])
    result = score([{"label": label, "output": '{"time": ["at 10:30"]}'}], task="ner")
    assert (result["f1"], result["recovered"]) == (1.0, 0)
    result = score([{"label": label, "output": '{"time": ["at 10:30"], "time" : ["noon"]}'}], task="ner")
    # both values of the doubled key count: noon is too much
    assert (result["tp"], result["fp"], result["recovered_kinds"]) == (1, 1, {DUPLICATES: 1})


EVENT = json.dumps(
    [{"event_type": "attack", "event_trigger": "hit", "arguments": [{"role": "agent", "argument": "Ada"}]}]
)


@pytest.mark.parametrize(
    "event",
    [
        {"trigger": "hit", "arguments": {"agent": "Ada"}},
        {"trigger": "hit", "arguments": {"agent": ["Ada"], "place": "NAN", "time": ["NAN"]}},
        {"trigger": "hit", "arguments": {"agent": "Ada", "place": None, "time": [], "way": ""}},
        {"trigger": "hit", "arguments": [{"role": "agent", "argument": "Ada"}]},
        {"trigger": "hit", "agent": "Ada"},
        {"trigger": "hit", "arguments": {"agent": {"text": "Ada"}}},
    ],
)
def test_events_are_read_in_every_plain_shape(event):
    for events in ([event], event):
        result = score([{"label": EVENT, "output": json.dumps({"attack": events})}], task="ee")
        assert (result["event_f1"], result["argument_f1"]) == (1.0, 1.0), events


@pytest.mark.parametrize("arguments", [[], None, "NAN", 3, {}])
def test_arguments_of_no_shape_leave_the_event(arguments):
    answer = json.dumps({"attack": [{"trigger": "hit", "arguments": arguments}]})
    result = score([{"label": EVENT, "output": answer}], task="ee")
    assert (result["event_tp"], result["argument_tp"], result["argument_fn"]) == (1, 0, 1)


@pytest.mark.parametrize("task", TASKS)
def test_the_quick_reading_agrees_with_the_close_one(task):
    answers = [
        {},
        {"a": []},
        {"a": ["x", "y", "x"]},
        {"a": ["NAN", ""]},
        {"a": [{"subject": "x", "object": "y"}]},
        {"a": {"x": {"b": "y", "c": ["z"]}}},
        {"a": [{"trigger": "t", "arguments": {"r": "x", "s": ["y", "NAN"], "q": "NAN"}}]},
        {"a": [{"trigger": "NAN", "arguments": {}}]},
        {"a": [{"r": "x", "s": ["y", "z"]}, {"r": "NAN"}]},
    ]
    entry = TASKS[task]
    read = 0
    for answer in answers:
        try:
            units, _ = entry.reading.read(answer)
        except (TypeError, ValueError, AttributeError, KeyError):
            continue
        read += 1
        assert units == entry.reading.units(entry.reading.items(answer)), answer
    assert read >= 2


def test_lone_surrogates_can_be_written():
    result = score([{"label": "[]", "output": '{"\\ud800": ["\\udfff"]}'}], task="ner")
    assert result["fp"] == 1
    json.dumps(result, ensure_ascii=False).encode()
