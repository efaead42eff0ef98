"""Compressed split files: the rows of the files as they were, whatever cuts them; damage is one line."""

import gzip
import shutil

import pytest
from datasets import load_dataset

import iepile  # noqa: F401
from iepile_dataset import DataError, Options
from iepile_dataset.cleaning import clean
from iepile_dataset.corpus.shards import make_shards
from iepile_dataset.corpus.sources import choose_sources, sample_corpus
from iepile_dataset.export.prepare import prepare


@pytest.fixture
def packed(tmp_path):
    """The sample with every split file compressed."""
    shutil.copytree(sample_corpus(), tmp_path / "packed")
    for file in [*(tmp_path / "packed").rglob("train.json"), *(tmp_path / "packed").rglob("dev.json")]:
        file.with_name(file.name + ".gz").write_bytes(gzip.compress(file.read_bytes()))
        file.unlink()
    return tmp_path / "packed"


def test_packed_files_give_the_rows_of_the_files(packed, tmp_path):
    one, two = prepare(tmp_path / "one"), prepare(tmp_path / "two", packed)
    assert two.rows_sha256 == one.rows_sha256
    assert two.counts == one.counts
    assert two.problems == []


def test_a_packed_file_is_never_cut(packed):
    sources, _ = choose_sources(["ner"], Options(), packed)
    for count in (1, 3, 7, 50):
        shards = make_shards(sources, "train", count)
        whole = [(part.file, part.start, part.end) for shard in shards for part in shard]
        assert whole == [(source.files["train"], 0, source.sizes["train"]) for source in sources]
    stream = load_dataset("iepile", "ner", split="train", data_dir=str(packed), streaming=True, num_shards=4)
    plain = load_dataset("iepile", "ner", split="train", streaming=True)
    assert [row["instruction"] for row in stream] == [row["instruction"] for row in plain]


def test_a_damaged_one_is_one_line(packed, tmp_path):
    file = next(packed.rglob("train.json.gz"))
    file.write_bytes(file.read_bytes()[:-30])
    with pytest.raises(DataError, match=r"train\.json\.gz: cannot be unpacked: .* \(pack it again\)"):
        prepare(tmp_path / "out", file.parent)


def test_a_file_beside_its_packed_copy_is_read_and_said(packed, tmp_path):
    file = next(packed.rglob("IE-en/NER/*/train.json.gz"))
    file.with_suffix("").write_bytes(gzip.decompress(file.read_bytes()))
    done = prepare(tmp_path / "out", file.parent)
    assert [problem.reason for problem in done.problems] == [
        "train.json.gz is not read, since train.json lies beside it"
    ]


def test_what_is_cleaned_is_written_unpacked(packed, tmp_path):
    source = next(packed.rglob("IE-en/NER/*/train.json.gz")).parent
    clean(tmp_path / "clean", source)
    (kept,) = [file for file in (tmp_path / "clean").rglob("train.json") if "dropped" not in file.parts]
    assert kept.read_text("utf-8").startswith("{")
