"""The confidences of a row's units, beside what the metric counts."""

import math

import pytest

from iepile_metric.parse_answer import read_answer
from iepile_metric.tasks import TASKS as JUDGES
from iepile_trainer.engines import Answer, Token
from iepile_trainer.extraction.confidence import unit_confidences


@pytest.mark.parametrize(
    ("task", "text"),
    [
        ("ner", '{"a": ["Ada", "Ada"], "b": "Bo", "c": [1815]}'),
        ("re", '{"r": [{"subject": "Ada", "object": "Bo"}, {"head": "Bo", "tail": ["Ada", "Cai"]}]}'),
        ("ee", '{"e": [{"trigger": "NAN", "arguments": {"x": ["Ada", "Bo"]}}, {"trigger": "sued", "arguments": {}}]}'),
        ("eea", '{"e": [{"x": "Ada", "y": "NAN"}, {"trigger": "t", "arguments": {"x": "Bo"}}]}'),
        ("eet", '{"e": ["sued", "NAN"]}'),
        ("kg", '{"p": {"Ada": {"x": "Bo", "y": ["Cai", "Ada"]}}}'),
    ],
)
def test_the_confidences_of_a_row_stand_beside_the_units_that_the_metric_counts(task, text):
    """One figure for each unit; here that of its letters, all of probability 0.5."""
    answer = Answer(text, tokens=tuple(Token(at, at + 1, math.log(0.5)) for at in range(len(text))))
    units = read_answer(JUDGES[task], text)[0]
    found = unit_confidences(task, answer)
    assert list(found) == list(JUDGES[task].measures)
    for measure, counted in zip(found, units):
        texts = JUDGES[task].texts(measure)
        words = [[unit[at] for at in texts] for unit in counted]
        assert found[measure] == [None if each in ([""], ["1815"]) else 0.5 for each in words]


def test_an_answer_that_cannot_be_read_has_no_confidences():
    assert unit_confidences("ner", Answer("well", tokens=(Token(0, 4, -1.0),))) is None
    assert unit_confidences("ner", Answer("none", tokens=(Token(0, 4, -1.0),))) == {"entity": []}  # nothing there
    assert unit_confidences("", Answer('{"a": ["Ada"]}', tokens=(Token(0, 4, -1.0),))) is None
    assert unit_confidences("ner", Answer('{"a": []}', tokens=(Token(0, 9, -1.0),))) == {"entity": []}
    assert unit_confidences("ner", Answer('{"a": ["Ada"]}')) is None
