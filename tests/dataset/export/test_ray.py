"""The same rows from a Ray cluster: real processes, a real worker killed, a real S3 server on loopback."""

import json
import random
import subprocess
import sys

import fsspec
import pytest

from iepile_dataset import DataError, Options
from iepile_dataset.export.manifest import verify
from iepile_dataset.export.prepare import prepare

from ...ray_cluster import Killer, cluster, s3, two_nodes  # noqa: F401
from ..conftest import NER_SCHEMA, write_source
from .test_prepare import contents

CITIES = ("Ulm", "Oslo", "Lima", "Rome")


@pytest.fixture(scope="module")
def corpus(tmp_path_factory):
    """Some megabytes in two sources, a bad record among them: parts that take a second or two."""
    draw, folder = random.Random(0), tmp_path_factory.mktemp("corpus")
    for name, count in (("towns", 40_000), ("rivers", 400)):
        records = []
        for number in range(count):
            city = draw.choice(CITIES)
            text = f"{number}: they went to {city} by train, and nobody else came with them. " * 2
            records.append({"text": text, "entity": [{"entity": city, "entity_type": "city"}]})
        records[7]["entity"] = [{"entity": "Ulmm", "entity_type": "city"}]
        write_source(folder / "IE-en/NER" / name, NER_SCHEMA, train=records, test=records[:50])
    return folder


@pytest.mark.slow
def test_a_cluster_whose_worker_is_killed_writes_the_bytes_of_one_process(corpus, tmp_path, s3, cluster):  # noqa: F811
    one = prepare(tmp_path / "one", str(corpus))
    killer = Killer("Map")
    killer.start()
    told = []
    many = prepare(
        tmp_path / "many", str(corpus), engine="ray", progress=lambda done, total: told.append((done, total))
    )
    killer.join()
    assert killer.killed
    assert contents(tmp_path / "one") == contents(tmp_path / "many")
    assert (many.counts, many.left_out, many.problems) == (one.counts, one.left_out, one.problems)
    assert many.rows_sha256 == one.rows_sha256
    assert told[-1][0] == told[-1][1] > 0


@pytest.mark.slow
def test_from_a_bucket_to_a_bucket_come_the_same_rows(corpus, tmp_path, s3, cluster):  # noqa: F811
    store = fsspec.filesystem("s3")
    store.put(str(corpus), f"{s3}/corpus", recursive=True)
    one = prepare(tmp_path / "one", str(corpus))
    there = prepare(f"{s3}/rows", f"{s3}/corpus", engine="ray")
    store.invalidate_cache()
    store.get(f"{s3}/rows", str(tmp_path / "there"), recursive=True)
    assert there.rows_sha256 == one.rows_sha256
    assert verify(tmp_path / "there")[1] == []
    rows = {name: file for name, file in contents(tmp_path / "one").items() if name.suffix == ".parquet"}
    assert rows == {name: file for name, file in contents(tmp_path / "there").items() if name.suffix == ".parquet"}
    with pytest.raises(DataError, match="already prepared"):
        prepare(f"{s3}/rows", f"{s3}/corpus", engine="ray")
    prepare(f"{s3}/rows", f"{s3}/corpus", engine="ray", overwrite=True, options=Options(language="en"))


@pytest.mark.slow
def test_a_bad_record_under_strict_is_one_error_and_leaves_nothing(corpus, tmp_path, s3, cluster):  # noqa: F811
    with pytest.raises(DataError, match=r'train\.json:8: entity "Ulmm" does not occur') as one:
        prepare(f"{s3}/strict", str(corpus), engine="ray", options=Options(strict=True))
    assert "\n" not in str(one.value)
    assert not fsspec.filesystem("s3").exists(f"{s3}/strict")


ON_TWO = """
import sys, time
import ray
from iepile_dataset.cluster import spread
from iepile_dataset.export.prepare import prepare

def node(number):
    time.sleep(0.5)
    return ray.get_runtime_context().get_node_id()

print(len(set(spread(node, range(12)))))
print(prepare(sys.argv[2], sys.argv[1], engine="ray").rows_sha256)
"""


@pytest.mark.slow
def test_two_nodes_write_the_bytes_of_one_process(corpus, tmp_path, two_nodes):  # noqa: F811
    one = prepare(tmp_path / "one", str(corpus))
    command = [sys.executable, "-c", ON_TWO, str(corpus), str(tmp_path / "two")]
    done = subprocess.run(command, env=two_nodes, capture_output=True, text=True, timeout=300)
    assert done.stdout.split() == ["2", one.rows_sha256], done.stderr
    assert contents(tmp_path / "one") == contents(tmp_path / "two")


def test_rows_at_an_address_are_those_of_a_folder_and_nothing_else_is_touched(tmp_path):
    one = prepare(tmp_path / "one", tasks=["ner"])
    store = fsspec.filesystem("memory")
    there = prepare("memory://rows", tasks=["ner"])
    store.get("/rows/", str(tmp_path / "there"), recursive=True)
    assert there.rows_sha256 == one.rows_sha256
    assert contents(tmp_path / "there") == contents(tmp_path / "one")
    assert verify(tmp_path / "there")[1] == []
    store.pipe_file("/mine/notes.txt", b"mine")
    with pytest.raises(DataError, match="other things are there"):
        prepare("memory://mine", tasks=["ner"], overwrite=True)
    with pytest.raises(DataError, match="written by one process"):
        prepare("memory://other", tasks=["ner"], form="jsonl")
    with pytest.raises(DataError, match=r"nowhere://rows: cannot be reached: Protocol not known: nowhere \(mend"):
        prepare("nowhere://rows", tasks=["ner"])
    with pytest.raises(DataError, match="each file would be a commit"):
        prepare("hf://datasets/user/rows", tasks=["ner"])
    assert store.cat_file("/mine/notes.txt") == b"mine"
    assert json.loads(store.cat_file("/rows/manifest.json"))["rows"] == one.total("rows")
