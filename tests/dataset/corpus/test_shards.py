import pytest
from hypothesis import given
from hypothesis import strategies as st

from iepile_dataset import Schema
from iepile_dataset.corpus.shards import finer, make_shards
from iepile_dataset.corpus.sources import Source


def sources(folder, contents: list[bytes]) -> list[Source]:
    found = []
    for number, content in enumerate(contents):
        file = folder / f"{number}.json"
        file.write_bytes(content)
        found.append(
            Source(str(number), "ner", "en", Schema(), {"train": str(file)}, {"train": len(content)}, "", str(folder))
        )
    return found


def read(shards) -> list[tuple[str, int, bytes]]:
    return [(segment.file, *line) for shard in shards for segment in shard for line in segment.lines()]


@given(
    st.lists(st.lists(st.sampled_from([b"", b"a", b"bb", "中文".encode()])), min_size=1, max_size=4),
    st.sampled_from([b"", b"\n"]),
    st.integers(1, 30),
)
def test_any_number_of_shards_gives_the_same_lines_with_their_numbers(tmp_path_factory, files, end, count):
    folder = tmp_path_factory.mktemp("shards")
    having = sources(folder, [b"\n".join(lines) + end for lines in files])
    whole = read(make_shards(having, "train"))
    expected = [
        (source.files["train"], number, line)
        for source in having
        for number, line in enumerate(open(source.files["train"], "rb"), 1)  # noqa: SIM115
    ]
    assert whole == expected
    assert read(make_shards(having, "train", count)) == expected
    halves = [half for shard in make_shards(having, "train", count) for half in finer(shard)]
    assert read(halves) == expected


@pytest.mark.parametrize("count", [1, 2, 3, 7])
def test_so_many_shards_are_made_as_were_asked_for(tmp_path, count):
    assert len(make_shards(sources(tmp_path, [b"a\n" * 50, b"b\n" * 10]), "train", count)) == count


def test_one_big_file_is_halved_by_resharding(tmp_path):
    (shard,) = make_shards(sources(tmp_path, [b"x" * 99 + b"\n"] * 1), "train")
    assert finer(shard) == [shard]
    (shard,) = make_shards(sources(tmp_path, [(b"x" * 99 + b"\n") * 30_000]), "train")
    assert len(finer(shard)) == 2
    assert read(finer(shard)) == read([shard])
