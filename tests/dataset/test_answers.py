import json

import pytest

from iepile_dataset import Schema
from iepile_dataset.answers import (
    argument_answers,
    entity_answers,
    event_answers,
    relation_answers,
    trigger_answers,
)

SUE = Schema(types=("sue",), roles={"sue": ("plaintiff", "place")})


def event(trigger, **arguments):
    return {
        "event_type": "sue",
        "event_trigger": trigger,
        "arguments": [{"role": role, "argument": a} for role, values in arguments.items() for a in values],
    }


def test_identical_mentions_merge_and_follow_the_text():
    items = [{"entity": m, "entity_type": "city"} for m in ("Ulm", "Bonn", "Ulm")]
    assert entity_answers("Bonn, Ulm, Ulm", items, Schema(types=("city",))) == {"city": '["Bonn", "Ulm"]'}


def test_identical_triples_merge():
    items = [{"head": "A", "relation": "r", "tail": "B"}] * 2
    assert relation_answers("A B", items, Schema(relations=("r",))) == {"r": '[{"subject": "A", "object": "B"}]'}


def test_two_different_events_with_one_trigger_stay_two_in_ee_and_one_in_eet():
    items = [event("sued", plaintiff=["Ada"]), event("sued", plaintiff=["Bo"])]
    assert len(json.loads(event_answers("Ada and Bo sued", items, SUE)["sue"])) == 2
    assert trigger_answers("Ada and Bo sued", items, SUE) == {"sue": '["sued"]'}


def test_whole_identical_events_merge_whatever_the_order_of_their_arguments():
    items = [event("sued", plaintiff=["Ada"], place=["Ulm"]), event("sued", place=["Ulm"], plaintiff=["Ada"])]
    assert len(json.loads(event_answers("Ada sued in Ulm", items, SUE)["sue"])) == 1


def test_events_without_their_triggers_merge_as_eea_sees_them():
    items = [event("sued", place=["Ulm"]), event("went to court", place=["Ulm"])]
    assert argument_answers("sued, went to court in Ulm", items, SUE) == {
        "sue": '[{"plaintiff": "NAN", "place": "Ulm"}]'
    }


def test_several_arguments_of_a_role_become_a_list_in_text_order():
    answer = json.loads(event_answers("Bo and Ada sued", [event("sued", plaintiff=["Ada", "Bo", "Ada"])], SUE)["sue"])
    assert answer[0]["arguments"] == {"plaintiff": ["Bo", "Ada"], "place": "NAN"}


@pytest.mark.parametrize("trigger", ["", "NAN", None])
def test_a_missing_trigger_is_written_nan(trigger):
    assert json.loads(event_answers("x", [event(trigger)], SUE)["sue"])[0]["trigger"] == "NAN"


def test_nothing_is_stripped_and_everything_is_escaped_as_json_does():
    mention = ' "quoted"\\ \t\u0001 é 中 😀 '
    answer = entity_answers(mention, [{"entity": mention, "entity_type": "x"}], Schema(types=("x",)))
    assert answer["x"] == json.dumps([mention], ensure_ascii=False)
