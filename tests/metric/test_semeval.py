"""Partial-match counts of SemEval-2013: those of nervaluate 1.2.1 on examples in which each word stands once."""

import json
from pathlib import Path

import pytest

from iepile_metric.accumulator import Accumulator
from iepile_metric.semeval import COUNTS, SCHEMES, SemEval

# gold and predicted (type, mention), and for each scheme correct, incorrect, partial, missed, spurious, P, R, F1 as
# nervaluate gave them for the spans of the mentions in one text.
EXAMPLES = json.loads((Path(__file__).with_name("semeval.json")).read_text())


def grouped(units):
    answer = {}
    for label, mention in units:
        answer.setdefault(label, []).append(mention)
    return answer


@pytest.mark.parametrize("number", range(len(EXAMPLES)))
def test_counts_are_those_of_nervaluate(number):
    example = EXAMPLES[number]
    watch = SemEval()
    scores = Accumulator("ner", watch=watch)
    label = json.dumps([{"entity": mention, "entity_type": label} for label, mention in example["gold"]])
    scores.add({"output": json.dumps(grouped(example["predicted"])), "label": label})
    scores.result()
    for scheme in SCHEMES:
        figures = watch.summary()["ner"][scheme]
        values = [figures[name] for name in (*COUNTS, "precision", "recall", "f1")]
        assert values == pytest.approx(example["expected"][scheme], abs=1e-6), scheme
    assert watch.summary()["ner"]["strict"]["correct"] == scores.result()["tp"]


def test_other_tasks_have_no_schemes():
    watch = SemEval()
    scores = Accumulator("re", watch=watch)
    scores.add({"output": "{}", "label": "[]"})
    scores.result()
    assert watch.summary() == {}
