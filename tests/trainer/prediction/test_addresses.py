"""Inputs that are packed or lie elsewhere, and outputs that go elsewhere: the answers of one process here."""

import gzip
import lzma

import fsspec
import pytest

from iepile_trainer import TrainerError
from iepile_trainer.prediction.arguments import PredictArguments
from iepile_trainer.prediction.run import run_prediction

from ...ray_cluster import cluster, s3  # noqa: F401

MOST = 6


def predict(model, input, output, **options):
    return run_prediction(
        PredictArguments(model=str(model), input=str(input), output=str(output), max_new_tokens=MOST, **options)
    )


@pytest.mark.parametrize(("ending", "pack"), [(".gz", gzip.compress), (".xz", lzma.compress)])
def test_a_packed_file_is_answered_as_the_file(ending, pack, saved, rows_file, tmp_path):
    packed = tmp_path / f"rows.jsonl{ending}"
    packed.write_bytes(pack(rows_file.read_bytes()))
    predict(saved, rows_file, tmp_path / "one.jsonl")
    predict(saved, packed, tmp_path / "two.jsonl")
    assert (tmp_path / "one.jsonl").read_bytes() == (tmp_path / "two.jsonl").read_bytes()


def test_a_packed_file_that_was_cut_off_is_one_line(saved, rows_file, tmp_path):
    packed = tmp_path / "rows.jsonl.gz"
    packed.write_bytes(gzip.compress(rows_file.read_bytes())[:-40])
    with pytest.raises(TrainerError, match=r"rows\.jsonl\.gz: cannot be read: .* \(mend it, or unpack it\)"):
        predict(saved, packed, tmp_path / "two.jsonl")


def test_answers_go_to_an_address_when_they_are_whole(saved, rows_file, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    predict(saved, rows_file, tmp_path / "one.jsonl")
    fsspec.filesystem("memory").pipe_file("/in/rows.jsonl", rows_file.read_bytes())
    summary = predict(saved, "memory://in/rows.jsonl", "memory://out/answers.jsonl")
    assert summary.now == summary.read == 24
    assert fsspec.filesystem("memory").cat_file("/out/answers.jsonl") == (tmp_path / "one.jsonl").read_bytes()
    assert predict(saved, "memory://in/rows.jsonl", "memory://out/answers.jsonl").now == 0  # it grew here


@pytest.mark.slow
def test_a_cluster_answers_from_bucket_to_bucket_in_the_same_order(saved, row_list, tmp_path, monkeypatch, s3, cluster):  # noqa: F811
    import json

    monkeypatch.chdir(tmp_path)
    lines = "".join(json.dumps(row) + "\n" for row in row_list(150)).encode()
    (tmp_path / "rows.jsonl").write_bytes(lines)
    fsspec.filesystem("s3").pipe_file(f"{s3}/rows.jsonl.gz", gzip.compress(lines))
    one = predict(saved, "rows.jsonl", "one.jsonl")
    many = predict(saved, f"{s3}/rows.jsonl.gz", f"{s3}/answers.jsonl", engine="ray")
    assert (many.read, many.predicted, many.failed) == (one.read, one.predicted, one.failed)
    assert fsspec.filesystem("s3").cat_file(f"{s3}/answers.jsonl") == (tmp_path / "one.jsonl").read_bytes()


@pytest.mark.slow
def test_a_cluster_extracts_what_one_process_does(saved, tmp_path, cluster):  # noqa: F811
    (tmp_path / "letters.txt").write_text("".join(f"Ada {n} lives in Rome.\n" for n in range(90)))
    options = {"schema": "person,place", "constrain": "extractive"}
    predict(saved, tmp_path / "letters.txt", tmp_path / "one.jsonl", **options)
    predict(saved, tmp_path / "letters.txt", tmp_path / "many.jsonl", engine="ray", **options)
    assert (tmp_path / "one.jsonl").read_bytes() == (tmp_path / "many.jsonl").read_bytes()
