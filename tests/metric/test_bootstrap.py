"""Intervals and comparisons: right on cases whose answer is known, quick on many records."""

import time

import numpy as np
import pytest

from iepile_metric import Accumulator
from iepile_metric.bootstrap import Counted, compare, f1, interval, intervals

GOLD = '[{"entity": "Ada", "entity_type": "person"}]'
RIGHT, WRONG = '{"person": ["Ada"]}', "{}"


def rows(answers, source="one"):
    return [
        {"task": "ner", "source": source, "id": str(i), "label": GOLD, "output": answer}
        for i, answer in enumerate(answers)
    ]


def test_f1_of_many_counts_at_once():
    # 2·3/(2·3+1+1) = 0.75; nothing at all = 1; only wrong = 0
    assert f1(np.array([[3.0, 1, 1], [0, 0, 0], [0, 2, 1]])).tolist() == [0.75, 1.0, 0.0]


def test_the_interval_of_a_proportion_is_the_binomial_one():
    # 200 records, each one mention, 150 found and 50 missed, nothing too much. The number found in a resample
    # is binomial(200, 0.75): 95 % within 138 … 162. F1 = 2k/(2k + 200 - k) = 2k/(k + 200).
    counts = np.array([[1.0, 0, 0]] * 150 + [[0.0, 0, 1]] * 50)
    low, high = interval(counts, resamples=4_000)
    assert low == pytest.approx(2 * 138 / 338, abs=0.008)
    assert high == pytest.approx(2 * 162 / 362, abs=0.008)
    assert interval(counts, resamples=4_000) == (low, high)  # same seed, same interval


def test_intervals_are_given_for_each_source_too():
    counted = Counted()
    scores = Accumulator(watch=counted)
    scores.extend(rows([RIGHT] * 50, "one") + rows([RIGHT, WRONG] * 25, "two"))
    result = scores.result()
    assert scores.result() == result
    found = intervals(counted, resamples=500)["ner"]
    assert result["f1"] == pytest.approx(150 / 175)  # tp 75, fn 25
    assert found["records"] == 100
    assert found["sources"]["one"] == [1.0, 1.0]
    assert found["sources"]["two"][0] < 2 / 3 < found["sources"]["two"][1]
    assert found["f1"][0] < 150 / 175 < found["f1"][1]


@pytest.mark.parametrize("test", ["permutation", "bootstrap"])
def test_equal_systems_do_not_differ_and_better_ones_do(test):
    same = compare(rows([RIGHT, WRONG] * 50), rows([RIGHT, WRONG] * 50), test=test, resamples=500)
    assert (same["difference"], same["p_value"]) == (0.0, 1.0)
    better = compare(rows([RIGHT, WRONG] * 50), rows([RIGHT] * 100), test=test, resamples=500)
    assert better["f1"] == pytest.approx([2 / 3, 1.0])  # tp 50, fn 50; all found
    assert better["difference"] == pytest.approx(1 / 3)
    assert better["p_value"] <= 2 / 501 * 2
    assert better["interval"][0] > 0.2
    assert better["labels"]["person"]["difference"] == better["difference"]


def test_the_permutation_test_is_exact_on_a_case_done_by_hand():
    # Two records; the second system is right on both, the first on none. Of the four ways to swap, two give a
    # difference of ±1 in all (none or both swapped) and two give 0: p = 1/2.
    result = compare(rows([WRONG] * 2), rows([RIGHT] * 2), resamples=4_000)
    assert result["difference"] == 1.0
    assert result["p_value"] == pytest.approx(0.5, abs=0.03)


def test_chance_alone_is_significant_about_as_often_as_it_should_be():
    rng = np.random.default_rng(0)
    p_values = []
    for _ in range(60):
        one, other = (rows(np.where(rng.random(60) < 0.6, RIGHT, WRONG).tolist()) for _ in range(2))
        p_values.append(compare(one, other, resamples=200)["p_value"])
    assert sum(p <= 0.05 for p in p_values) <= 9  # 3 expected


def test_records_are_paired_by_id_and_others_left_out():
    one, other = rows([RIGHT] * 5), rows([RIGHT] * 7)[2:]
    result = compare(one, other[::-1], resamples=100)
    assert (result["records"], result["only_first"], result["only_second"]) == (3, 2, 2)
    with pytest.raises(ValueError, match="no record is in both"):
        compare(rows([RIGHT], "one"), rows([RIGHT], "two"))
    changed = [{**row, "label": "[]"} for row in one]
    with pytest.raises(ValueError, match="another annotation"):
        compare(one, changed)


@pytest.mark.slow
def test_ten_thousand_resamples_of_ten_thousand_records_take_seconds():
    rng = np.random.default_rng(0)
    one, other = (rows(np.where(rng.random(10_000) < share, RIGHT, WRONG).tolist()) for share in (0.6, 0.62))
    start = time.perf_counter()
    result = compare(one, other, resamples=10_000)
    assert time.perf_counter() - start < 30
    assert result["records"] == 10_000


def test_it_is_said_what_p_belongs_to_and_why_it_disagrees_with_the_interval():
    gold = '[{"entity": "Ada", "entity_type": "person"}]'
    right, wrong = '{"person": ["Ada"]}', "{}"

    def rows(answers):
        return [{"id": str(i), "label": gold, "output": answer} for i, answer in enumerate(answers)]

    same = compare(rows([right, wrong] * 9), rows([right, wrong] * 9), "ner", resamples=500)
    assert same["explanation"].startswith("p is that of a permutation test")
    assert "disagree" not in same["explanation"]
    # Five of five records better: no resample lacks a difference, but one swap in sixteen is as large.
    few = compare(rows([wrong] * 5), rows([right] * 5), "ner", resamples=500)
    assert few["p_value"] > 0.05
    assert few["interval"][0] > 0
    assert "the interval leaves out 0" in few["explanation"]
    other = compare(rows([wrong] * 5), rows([right] * 5), "ner", test="bootstrap", resamples=500)
    assert other["explanation"].startswith("p is that of the bootstrap")
