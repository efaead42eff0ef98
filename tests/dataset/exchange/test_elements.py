"""One big JSON list, read element by element, on past a broken one."""

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from iepile_dataset.exchange.elements import elements

TASKS = [
    {"id": n, "data": {"text": f"In Ulm {n} }}], {{"}, "annotations": [{"id": n, "result": [{"id": "a"}, {"id": "b"}]}]}
    for n in range(5)
]


def read(text, size=1 << 20):
    """Values, "broken" in place of an error, of a text that comes in blocks."""
    blocks = [text[start : start + size] for start in range(0, len(text), size)]
    found = elements(blocks.pop(0), 1, lambda: blocks.pop(0) if blocks else "")
    return [(line, "broken" if isinstance(value, ValueError) else value) for line, _, value in found]


@pytest.mark.parametrize("indent", [None, 1])
@pytest.mark.parametrize("number", range(5))
@pytest.mark.parametrize(
    ("whole", "broken"),
    [
        ('"annotations": [', '"annotations" ['),
        ('"annotations": [', '"annotations": [oops, '),
        ('"data": {', '"data": {,'),
    ],
)
def test_a_broken_element_takes_no_other_with_it(number, indent, whole, broken):
    texts = [json.dumps(task, indent=indent) for task in TASKS]
    texts[number] = texts[number].replace(whole, broken)
    found = [value for _, value in read("[" + ", ".join(texts) + "]")]
    assert found == [*TASKS[:number], "broken", *TASKS[number + 1 :]]


@pytest.mark.parametrize("number", range(1, 5))
def test_where_brackets_do_not_close_it_goes_on_with_the_next_of_its_kind(number):
    texts = [json.dumps(task) for task in TASKS]
    texts[number] = texts[number].removesuffix("]}")
    found = [value for _, value in read("[" + ", ".join(texts) + "]")]
    assert found == [*TASKS[:number], "broken", *TASKS[number + 1 :]]


def test_a_list_that_breaks_off_keeps_what_came_before():
    text = json.dumps(TASKS)
    assert [value for _, value in read(text[:-40])] == [*TASKS[:4], "broken"]


def test_lines_are_those_of_the_file():
    assert [line for line, _ in read('[\n{"a": 1},\n\n{"a" 2},\n{"a":\n3},\n{"a": 4}]')] == [1, 3, 4, 6]


@given(st.lists(st.sampled_from([*TASKS, 7, "a]", None, [1, [2]]])), st.integers(1, 90))
def test_blocks_of_any_size_give_the_list(values, size):
    assert [value for _, value in read(json.dumps(values), max(size, 1))] == values
