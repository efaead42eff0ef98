"""What is counted, case by case (goldens/*.json say why), and what must hold for any input."""

import json
import random
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from iepile_metric import TASKS, Accumulator, score
from iepile_metric.counts import outcome

GOLDENS = [
    pytest.param(path.stem, case, id=f"{path.stem}: {case['name']}")
    for path in sorted((Path(__file__).parent / "goldens").glob("*.json"))
    for case in json.loads(path.read_text(encoding="utf-8"))
]


def test_every_task_has_goldens():
    assert {case.values[0] for case in GOLDENS} == set(TASKS)


@pytest.mark.parametrize(("task", "case"), GOLDENS)
def test_the_golden_figures_come_out(task, case):
    result = score(case["rows"], task=task, **case.get("options", {}))
    found = {key: result[key] for key in case["expected"]}
    assert found == pytest.approx(case["expected"]), case["why"]
    for group in ("labels", "sources"):
        for name, expected in case.get(group, {}).items():
            assert {key: result[group][name][key] for key in expected} == pytest.approx(expected)


def test_top_level_keys_with_f1_are_numbers_and_groupings_are_nested():
    for task in TASKS:
        result = score([{"source": "one", "label": "[]", "output": "{}"}], task=task)
        assert all(isinstance(value, float) for key, value in result.items() if "f1" in key)
        assert {key for key, value in result.items() if isinstance(value, dict)} == {
            "labels",
            "sources",
            "definitions",
            "unparseable_kinds",
            "recovered_kinds",
        }


def test_several_tasks_give_one_block_each():
    rows = [{"task": "NER", "label": "[]", "output": "{}"}, {"task": "re", "label": "[]", "output": "{}"}]
    assert set(score(rows)["tasks"]) == {"ner", "re"}


@pytest.mark.parametrize(
    ("rows", "options", "message"),
    [
        ([{"label": "[]", "output": "{}"}], {}, "row 0: the row names no task"),
        ([{"label": "[]", "output": "{}", "task": "parsing"}], {}, "unknown task 'parsing': choose one of ner"),
        ([], {"task": "ner"}, "nothing to score"),
        ([{"label": "", "output": "{}"}], {"task": "ner"}, "1 unlabelled"),
        ([{"label": "{", "output": "{}"}], {"task": "ner"}, "row 0: label is no ner annotation"),
        ([{"label": '[{"entity": "x"}]', "output": "{}"}], {"task": "ner"}, "KeyError: 'entity_type'"),
        ([{"label": "[]", "output": {}}], {"task": "ner"}, "output is dict, not text"),
        ([{"label": "[]", "output": "{}"}], {"task": "ner", "match": "fuzzy"}, "unknown match 'fuzzy'"),
        ([{"label": "[]", "output": "{}"}], {"task": "ner", "count": "bag"}, "choose one of multiset, set"),
        ([{"label": "[]", "output": "{}"}], {"task": "ner", "parse": "loose"}, "unknown parse"),
    ],
)
def test_what_cannot_be_scored_is_refused_with_a_reason(rows, options, message):
    with pytest.raises(ValueError, match=message):
        score(rows, **options)


def test_one_record_with_two_annotations_is_counted_as_a_conflict():
    rows = [
        {"id": "a", "label": "[]", "output": "{}"},
        {"id": "a", "label": '[{"entity": "Ada", "entity_type": "person"}]', "output": "{}"},
    ]
    assert score(rows, task="ner")["conflicting_labels"] == 1


labels = st.sampled_from(["person", "place", "年份"])
texts = st.sampled_from(["Ada", "Bob", "New York", "York", "北京", "北京市", "NAN", ""])
mentions = st.lists(st.tuples(labels, texts), max_size=6)
records = st.lists(st.tuples(mentions, mentions, st.sampled_from(["one", "two"])), min_size=1, max_size=8)
options = st.fixed_dictionaries(
    {
        "match": st.sampled_from(["exact", "normalised", "overlap"]),
        "count": st.sampled_from(["multiset", "set"]),
    }
)


def annotation(units):
    return json.dumps([{"entity": text, "entity_type": label} for label, text in units])


def batches(number, gold, predicted, source, size):
    """A record's rows: its predictions, in batches of so many labels, as instructions ask for them."""
    asked = list(dict.fromkeys(label for label, _ in predicted))
    for start in range(0, max(1, len(asked)), size):
        answer = {label: [] for label in asked[start : start + size]}
        for label, text in predicted:
            if label in answer:
                answer[label].append(text)
        output = json.dumps(answer)
        yield {"id": str(number), "source": source, "label": annotation(gold), "output": output}


def rows_of(drawn, size=10):
    for number, (gold, predicted, source) in enumerate(drawn):
        yield from batches(number, gold, predicted, source, size)


def test_what_two_rows_of_one_record_both_say_is_said_once():
    # Two windows of a long text both quote Ada; within one row a repetition stays an error.
    gold = annotation([("person", "Ada")])
    twice = [{"id": "a", "label": gold, "output": '{"person": ["Ada"]}'}] * 2
    assert score(twice, task="ner")["f1"] == 1.0
    repeated = [{"id": "a", "label": gold, "output": '{"person": ["Ada", "Ada"]}'}]
    assert score(repeated, task="ner")["precision"] == 0.5


@settings(max_examples=60, deadline=None)
@given(drawn=records, options=options, seed=st.integers(0, 99), size=st.integers(1, 3))
def test_order_of_records_batches_and_annotations_changes_nothing(drawn, options, seed, size):
    plain = score(rows_of(drawn), task="ner", **options)
    shuffled = [(random.Random(seed).sample(gold, len(gold)), predicted, source) for gold, predicted, source in drawn]
    rows = list(rows_of(shuffled, size))
    random.Random(seed).shuffle(rows)
    again = score(rows, task="ner", **options)
    assert _close(plain, again)


def _close(one, other):
    if isinstance(one, dict):
        return all(_close(one[key], other[key]) for key in one if key != "rows")
    return one == pytest.approx(other)


@settings(max_examples=60, deadline=None)
@given(drawn=records, options=options, cut=st.integers(0, 20), streamed=st.booleans())
def test_merged_accumulators_give_the_score_of_all_rows(drawn, options, cut, streamed):
    rows = list(rows_of(drawn, 2))
    whole = score(rows, task="ner", **options)
    first, second = (Accumulator("ner", streamed=streamed, **options) for _ in range(2))
    merged = first.extend(rows[:cut]).merge(second.extend(rows[cut:]))
    assert _close(whole, merged.result())
    assert _close(whole, merged.result())  # asking twice changes nothing


@settings(max_examples=60, deadline=None)
@given(drawn=records, options=options)
def test_gold_against_itself_is_one(drawn, options):
    result = score(rows_of([(gold, gold, source) for gold, _, source in drawn]), task="ner", **options)
    assert (result["f1"], result["macro_f1"], result["fp"], result["fn"]) == (1.0, 1.0, 0, 0)


@settings(max_examples=60, deadline=None)
@given(drawn=records, options=options)
def test_a_wrong_answer_more_never_raises_precision(drawn, options):
    before = score(rows_of(drawn), task="ner", **options)
    worse = [(gold, [*predicted, ("person", "Zaphod")], source) for gold, predicted, source in drawn]
    after = score(rows_of(worse), task="ner", **options)
    assert after["precision"] <= before["precision"] + 1e-12
    assert after["fp"] > before["fp"] - 1e-12
    assert (after["tp"], after["fn"]) == pytest.approx((before["tp"], before["fn"]))


@settings(max_examples=100, deadline=None)
@given(predicted=mentions, annotated=mentions, once=st.booleans())
def test_hits_and_missed_make_up_the_gold(predicted, annotated, once):
    merged = list(dict.fromkeys(annotated))
    hits, extra, missed = outcome(predicted, merged, annotated, once)
    assert len(hits) + len(missed) == len(merged)
    assert len(hits) + len(extra) <= len(predicted)
    for unit in set(predicted):
        times, wanted, raw = predicted.count(unit), merged.count(unit), annotated.count(unit)
        times = min(times, 1) if once else times
        assert hits.count(unit) == min(times, wanted)
        assert extra.count(unit) == max(0, times - raw)


def test_a_streamed_record_that_comes_back_is_noticed():
    row = {"label": "[]", "output": "{}"}
    scores = Accumulator("ner", streamed=True)
    scores.extend({**row, "id": i} for i in ("a", "b", "c", "b"))
    with pytest.raises(ValueError, match="do not follow each other"):
        scores.result()
