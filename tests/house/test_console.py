"""Tables keep their first column however narrow the terminal is, and lose no other."""

import pytest
from rich.text import Text

from iepile.console import _Console, problem_table, table
from iepile_dataset.errors import Problem

NAMES = ["en/NER/broad_tweet_corpus", "zh/NER/a"]
NUMBERS = ["records", "left out", "annotated", "mentions", "instructions", "empty", "characters", "labels"]


def printed(rows, width):
    console = _Console(width=width, record=True, quiet=True)
    console.quiet = False
    with console.capture() as said:
        console.print(rows)
    return said.get().splitlines()


def wide():
    rows = table("Sources", [""], NUMBERS)
    for name in NAMES:
        rows.add_row(Text(name), *(f"1,234,{number:03}" for number in range(len(NUMBERS))))
    return rows


@pytest.mark.parametrize("width", [60, 80, 100, 200])
def test_a_wide_table_is_cut_into_several_that_each_have_the_names(width):
    lines = printed(wide(), width)
    assert max(map(len, lines)) <= width
    assert sum("Sources" in line for line in lines) == 1
    pieces = sum(NAMES[1] in line for line in lines)
    assert (pieces == 1) == (width == 200)
    # A name that is longer than its column goes on in the next line.
    assert sum(NAMES[0][:24] in line for line in lines) == pieces
    text = "\n".join(lines)
    assert all(name in text for name in NUMBERS)
    assert all(text.count(f"1,234,{number:03}") == len(NAMES) for number in range(len(NUMBERS)))


def test_columns_of_words_fold_beside_each_other():
    problem = Problem("IE-en/NER/towns/train.json", 17, "a reason of some length that folds", "what to do about it")
    lines = printed(problem_table("Left out", [problem]), 60)
    assert max(map(len, lines)) <= 60
    assert sum("file:line" in line for line in lines) == 1
    assert "reason" in lines[2]
    assert "remedy" in lines[2]
