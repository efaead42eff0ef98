"""Whole rows survive a kill, and rows of another model or input are not continued."""

import re
import resource

import pytest

from iepile_dataset import DataError
from iepile_trainer import TrainerError
from iepile_trainer.prediction.output_file import append, open_output, rows_in

MADE_WITH = {"model": "a", "input_digest": "1f"}


def test_a_new_file_has_no_rows_and_rows_are_on_disk_as_they_come(tmp_path):
    output = tmp_path / "deep" / "out.jsonl"
    assert open_output(output, MADE_WITH) == 0
    seen = []
    append(output, [{"id": "1"}, {"id": "2"}], lambda _: seen.append(output.read_text().count("\n")))
    assert seen == [1, 2]


def test_a_line_that_was_cut_off_is_removed_and_the_rest_counted(tmp_path):
    output = tmp_path / "out.jsonl"
    open_output(output, MADE_WITH)
    output.write_bytes(b'{"id": "1"}\n{"id": "2"}\n{"id": "3", "outp')
    assert open_output(output, MADE_WITH) == 2
    assert [row["id"] for row in rows_in(output)] == ["1", "2"]
    append(output, [{"id": "3"}], lambda _: None)
    assert [row["id"] for row in rows_in(output)] == ["1", "2", "3"]


def test_another_model_is_refused_unless_overwritten(tmp_path):
    output = tmp_path / "out.jsonl"
    open_output(output, MADE_WITH)
    output.write_bytes(b'{"id": "1"}\n')
    with pytest.raises(TrainerError, match="was made with model = 'a', now 'b'"):
        open_output(output, {**MADE_WITH, "model": "b"})
    assert open_output(output, {**MADE_WITH, "model": "b"}, overwrite=True) == 0
    assert output.read_bytes() == b""


def test_a_file_of_somebody_else_is_left_alone(tmp_path):
    output = tmp_path / "out.jsonl"
    output.write_text("my notes\n")
    with pytest.raises(TrainerError, match="not from this command"):
        open_output(output, MADE_WITH)
    assert output.read_text() == "my notes\n"


@pytest.mark.parametrize("place", ["/dev/full", "/dev/null", "."])
def test_what_is_no_file_is_refused_before_anything_is_asked(place):
    with pytest.raises(TrainerError, match=rf"^{re.escape(place)} is a .*\(give a file as --output\)$"):
        open_output(place, {})


def test_a_file_that_can_grow_no_further_is_named_and_the_same_command_goes_on(tmp_path):
    output, soft = tmp_path / "out.jsonl", resource.getrlimit(resource.RLIMIT_FSIZE)
    open_output(output, {})
    rows = [{"id": str(number), "text": "张三" * 50} for number in range(9)]
    resource.setrlimit(resource.RLIMIT_FSIZE, (1000, soft[1]))
    try:
        with pytest.raises(DataError, match=rf"^{output}: cannot be written: File too large \("):
            append(output, rows, lambda row: None)
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, soft)
    done = open_output(output, {})
    assert 0 < done < 9
    append(output, rows[done:], lambda row: None)
    assert list(rows_in(output)) == rows
