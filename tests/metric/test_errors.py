"""Every error has one name, and the shares of all names sum to the F1 that was lost."""

import gzip
import json

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from iepile_metric import Accumulator
from iepile_metric.errors import KINDS, Analysis
from iepile_metric.record_table import per_record


def analysed(rows, task=None, **options):
    analysis = Analysis(options.get("match", "exact"))
    scores = Accumulator(task, watch=analysis, **options).extend(rows).result()
    return scores, analysis.summary(scores)


def row(task, schema, text, gold, answer, **more):
    instruction = json.dumps({"instruction": "-", "schema": schema, "input": text})
    output = answer if isinstance(answer, str) else json.dumps(answer)
    return {"task": task, "id": "a", "instruction": instruction, "label": json.dumps(gold), "output": output, **more}


def kinds(rows, measure, **options):
    scores, errors = analysed(rows, **options)
    return {kind: found["count"] for kind, found in errors[scores["task"]][measure]["kinds"].items()}


def entity(label, text):
    return {"entity": text, "entity_type": label}


SCHEMA = ["person", "place"]
TEXT = "Ada Lovelace met Bob in New York"


@pytest.mark.parametrize(
    ("gold", "answer", "expected"),
    [
        ([entity("person", "Ada Lovelace")], {"person": []}, {"missed": 1}),
        ([], {"person": ["Bob"]}, {"spurious": 1}),
        ([], {"person": ["Charles"]}, {"not in the text": 1}),
        ([], {"animal": ["Bob"]}, {"outside the schema": 1}),
        ([entity("person", "Bob")], {"place": ["Bob"]}, {"wrong label": 2}),
        ([entity("place", "New York")], {"place": ["York"]}, {"wrong boundary": 2}),
        ([entity("person", "Bob")], "Bob, I think", {"unparseable": 1}),
        # a repeat beyond the annotation is spurious
        ([entity("person", "Bob")], {"person": ["Bob", "Bob"]}, {"spurious": 1}),
        # a pair is made once: Bob as a place belongs to Bob the person, Ada stays spurious
        ([entity("person", "Bob")], {"place": ["Bob"], "person": ["Ada"]}, {"wrong label": 2, "spurious": 1}),
    ],
)
def test_errors_of_entities(gold, answer, expected):
    assert kinds([row("ner", SCHEMA, TEXT, gold, answer)], "entity") == expected


def test_errors_of_relations():
    gold = [{"head": "Ada", "relation": "met", "tail": "Bob"}]
    schema = ["met", "knows"]
    for answer, expected in (
        ({"met": [{"subject": "Bob", "object": "Ada"}]}, {"wrong direction": 2}),
        ({"knows": [{"subject": "Ada", "object": "Bob"}]}, {"wrong label": 2}),
        ({"met": [{"subject": "Ada Lovelace", "object": "Bob"}]}, {"wrong boundary": 2}),
        ({"met": [{"subject": "Ada", "object": "Eve"}]}, {"not in the text": 1, "missed": 1}),
    ):
        assert kinds([row("re", schema, TEXT, gold, answer)], "relation") == expected


def test_errors_of_events():
    gold = [{"event_type": "meet", "event_trigger": "met", "arguments": [{"role": "who", "argument": "Ada"}]}]
    schema = [{"event_type": "meet", "trigger": True, "arguments": ["who", "whom"]}]
    answer = {"meet": [{"trigger": "met", "arguments": {"whom": "Ada"}}]}
    assert kinds([row("ee", schema, TEXT, gold, answer)], "argument") == {"wrong role": 2}
    assert kinds([row("ee", schema, TEXT, gold, answer)], "event") == {}


def test_only_labels_asked_in_the_broken_answer_are_missed_for_being_unparseable():
    gold = [entity("person", "Bob"), entity("place", "New York")]
    rows = [row("ner", ["person"], TEXT, gold, "?"), row("ner", ["place"], TEXT, gold, {"place": []})]
    assert kinds(rows, "entity") == {"unparseable": 1, "missed": 1}


def test_gold_that_was_never_asked_is_missed_and_counted():
    gold = [entity("person", "Bob"), entity("animal", "cat")]
    _, errors = analysed([row("ner", SCHEMA, TEXT, gold, {"person": []})])
    assert errors["ner"]["entity"]["kinds"]["missed"]["count"] == 2
    assert errors["ner"]["entity"]["not_asked"] == 1


def test_the_summary_counts_by_label_and_lists_pairs_and_confusions():
    gold = [entity("person", "Bob"), entity("place", "New York"), entity("person", "Ada Lovelace")]
    answer = {"place": ["Bob", "New York"], "person": ["Ada"]}
    scores, errors = analysed([row("ner", SCHEMA, TEXT, gold, answer, source="one")])
    found = errors["ner"]["entity"]
    # tp 1 (New York), fp 2 and fn 2: F1 = 2/(2+4) = 1/3, each unit has the share 1/6
    assert scores["f1"] == pytest.approx(1 / 3)
    assert found["lost_f1"] == pytest.approx(2 / 3)
    assert found["kinds"]["wrong label"] == {"count": 2, "share": pytest.approx(2 / 6)}
    assert found["labels"] == {"person": {"wrong boundary": 2, "wrong label": 2}}
    # Bob: person → place; Ada: a person missed and a person too much
    assert found["confusion"] == {"place": {"place": 1}, "person": {"place": 1, "": 1}, "": {"person": 1}}
    assert [(pair["gold"], pair["predicted"], pair["count"]) for pair in found["pairs"]] == [
        ("person", "person", 1),
        ("person", "place", 1),
    ]
    assert found["pairs"][1]["examples"][0]["gold"] == ("person", "Bob")


@pytest.mark.parametrize("match", ["exact", "normalised", "overlap"])
@pytest.mark.parametrize("name", ["ner_weibo", "re_scierc", "ee_phee", "eea_phee", "ner_crossner_politics"])
def test_shares_sum_to_the_lost_f1_on_noisy_answers(reference, name, match):
    with gzip.open(reference / "scoring" / f"{name}.jsonl.gz", "rt", encoding="utf-8") as file:
        rows = [json.loads(line) for line in file]
    scores, errors = analysed(rows, match=match)
    for measure, found in errors[scores["task"]].items():
        f1 = scores.get(f"{measure}_f1", scores["f1"])
        assert sum(kind["share"] for kind in found["kinds"].values()) == pytest.approx(1 - f1)
        assert sum(sum(label.values()) for label in found["labels"].values()) == pytest.approx(
            sum(kind["count"] for kind in found["kinds"].values())
        )
        assert set(found["kinds"]) <= set(KINDS)
        assert len(found["pairs"]) <= 10


texts = st.sampled_from(["Ada", "Ada Lovelace", "Bob", "York", "New York", "Charles"])
units = st.lists(st.tuples(st.sampled_from(["person", "place", "animal"]), texts), max_size=6)


@settings(max_examples=60, deadline=None)
@given(gold=units, predicted=units, match=st.sampled_from(["exact", "normalised", "overlap"]))
def test_every_unit_that_is_wrong_has_exactly_one_name(gold, predicted, match):
    answer = {}
    for label, text in predicted:
        answer.setdefault(label, []).append(text)
    scores, errors = analysed([row("ner", SCHEMA, TEXT, [entity(*unit) for unit in gold], answer)], match=match)
    found = errors["ner"]["entity"]
    assert sum(kind["count"] for kind in found["kinds"].values()) == pytest.approx(scores["fp"] + scores["fn"])
    assert sum(kind["share"] for kind in found["kinds"].values()) == pytest.approx(1 - scores["f1"])


def test_one_row_per_record_goes_to_pandas():
    rows = [
        row("ner", SCHEMA, TEXT, [entity("person", "Bob")], {"person": ["Bob"]}, source="one"),
        {**row("ner", SCHEMA, TEXT, [entity("person", "Bob")], "?", source="one"), "id": "b"},
    ]
    frame = per_record(rows).to_pandas()
    assert frame["f1"].tolist() == [1.0, 0.0]
    assert frame["unparseable"].tolist() == [0, 1]
    assert frame["missed"].tolist() == ["[]", '[["person","Bob"]]']
