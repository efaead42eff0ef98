"""Rows per second from JSON lines on disk to Arrow batches, and how streams compare.

    python benchmarks/generate.py [CORPUS]      # the embedded sample, repeated, where no corpus is given

Beside each figure stands the ratio to a yardstick that runs in turn with it: reading the same files with
`json.loads` and writing the same rows with `json.dumps`. Ratios travel between machines, seconds do not.
"""

import argparse
import cProfile
import gc
import json
import os
import platform
import pstats
import shutil
import statistics
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Callable, Iterator
from multiprocessing import get_context
from pathlib import Path

os.environ.setdefault("HF_HOME", tempfile.mkdtemp(prefix="iepile-bench-"))
os.environ.update(HF_HUB_OFFLINE="1", HF_DATASETS_DISABLE_PROGRESS_BARS="1")

import pyarrow as pa
from datasets import Dataset, load_dataset

import iepile  # noqa: F401
from iepile_dataset.corpus.shards import Shard, make_shards
from iepile_dataset.corpus.sources import SPLITS, Source, find_sources, sample_corpus
from iepile_dataset.instructions.tables import tables
from iepile_dataset.options import Options
from iepile_dataset.tasks import TASKS

ROUNDS = 5
SHARED = ("ner", "re", "ee", "eet", "eea")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("corpus", nargs="?", help="a corpus tree")
    parser.add_argument("--records", type=int, default=2_000_000, help="size of the big file, 0 to leave it out")
    corpus = parser.parse_args()
    print(f"{platform.processor() or platform.machine()}, {os.cpu_count()} cores, Python {platform.python_version()}")
    with tempfile.TemporaryDirectory() as work:
        folder = corpus.corpus or repeated_sample(Path(work) / "sample")
        one_process(folder)
        streams(folder)
        profile(folder)
        if corpus.records:
            one_big_file(folder, Path(work) / "big", corpus.records)


def one_process(folder: str) -> None:
    """Generation and yardstick in turn, RE alone and all tasks."""
    for name, tasks in (("re", ["re"]), ("all", list(SHARED))):
        shards = [shard for task in tasks for shard in shards_of(folder, task)]
        rows = sum(map(generate, shards))
        ready = [row for shard in shards for table in made(shard) for row in table.to_pylist()]
        gc.collect()
        gc.freeze()  # the yardstick's rows are no part of what generation has to look through
        ours, yard = in_turn(lambda: sum(map(generate, shards)), lambda: yardstick(shards, ready))  # noqa: B023
        print(
            f"{name:4} {rows:>9,} rows  {rows / ours:>9,.0f} rows/s  yardstick {rows / yard:>9,.0f} rows/s"
            f"  ratio {yard / ours:.2f}"
        )


def streams(folder: str) -> None:
    """How fast a stream is consumed, and row by row against a stream over ready rows."""
    stream = load_dataset("iepile", "re", data_dir=folder, split="validation", streaming=True)
    ready = Dataset.from_list(list(stream)).to_iterable_dataset()
    count = sum(1 for _ in ready)
    for name, consume in (
        ('with_format("arrow").iter(1000)', lambda: sum(len(t) for t in stream.with_format("arrow").iter(1000))),
        (".iter(1000)", lambda: sum(len(batch["id"]) for batch in stream.iter(1000))),
    ):
        print(f"{name:32} {count / best(consume):>9,.0f} rows/s")
    ours, theirs = in_turn(lambda: sum(1 for _ in stream), lambda: sum(1 for _ in ready))
    print(f"{'row by row':32} {count / ours:>9,.0f} rows/s  {theirs / ours:.2f} of a stream over ready rows")


def profile(folder: str) -> None:
    """Where the time goes."""
    shards = [shard for task in SHARED for shard in shards_of(folder, task)]
    profiler = cProfile.Profile()
    profiler.runcall(lambda: sum(map(generate, shards)))
    table = pstats.Stats(profiler, stream=sys.stdout).strip_dirs().sort_stats("tottime")
    table.print_stats(12)


def one_big_file(folder: str, big: Path, records: int) -> None:
    """One and two processes on one file, and the memory of one."""
    source = max((s for s in sources(folder, "re") if "train" in s.files), key=lambda s: s.sizes["train"])
    big.mkdir(parents=True)
    shutil.copy(Path(source.path) / "schema.json", big)
    lines = Path(source.files["train"]).read_bytes()
    copies = -(-records // lines.count(b"\n"))
    with (big / "train.json").open("wb") as file:
        file.writelines([lines] * copies)
    shards = shards_of(str(big), "re", 32)
    rows = generate(shards[0]) * len(shards)
    seconds = {}
    for processes in (1, 2, 1, 2):
        # Each in processes of its own, so that one process is not favoured by what is warm.
        with get_context("spawn").Pool(processes) as pool:
            pool.map(generate, shards[:2], chunksize=1)  # start them
            start = time.perf_counter()
            rows = sum(pool.imap_unordered(generate, shards, chunksize=1))
            seconds.setdefault(processes, []).append(time.perf_counter() - start)
            peak = max(pool.map(peak_memory, range(processes), chunksize=1))
    one, two = min(seconds[1]), min(seconds[2])
    size = (big / "train.json").stat().st_size
    print(f"one file of {copies * lines.count(bytes([10])):,} records, {size / 1e6:,.0f} MB, {rows:,} rows:")
    print(f"  one process {rows / one:,.0f} rows/s, two {rows / two:,.0f} rows/s, {one / two:.2f}x")
    print(f"  peak memory of a process {peak:.0f} MB")


def sources(folder: str, task: str) -> list[Source]:
    return find_sources(TASKS[task], Options(), folder)[0]


def shards_of(folder: str, task: str, count: int | None = None) -> list[Shard]:
    found = sources(folder, task)
    return [shard for split in SPLITS for shard in make_shards(found, split, count)]


def made(shard: Shard) -> Iterator[pa.Table]:
    return tables(shard, Options(), Counter(), print)


def generate(shard: Shard) -> int:
    return sum(map(len, made(shard)))


def yardstick(shards: list[Shard], rows: list[dict[str, str]]) -> None:
    """What Python's own JSON takes to read every record and write every row, with nothing in between."""
    for shard in shards:
        for segment in shard:
            with open(segment.file, encoding="utf-8") as file:
                for line in file:
                    json.loads(line)
    for row in rows:
        json.dumps(row, ensure_ascii=False)


def in_turn(first: Callable[[], object], second: Callable[[], object]) -> tuple[float, float]:
    """Median seconds of two functions, run alternately so that a slow minute hits both."""
    times: tuple[list[float], list[float]] = ([], [])
    for _ in range(ROUNDS):
        for function, taken in zip((first, second), times):
            start = time.perf_counter()
            function()
            taken.append(time.perf_counter() - start)
    return statistics.median(times[0]), statistics.median(times[1])


def best(function: Callable[[], object]) -> float:
    times = []
    for _ in range(ROUNDS):
        start = time.perf_counter()
        function()
        times.append(time.perf_counter() - start)
    return statistics.median(times)


def peak_memory(_: int) -> float:
    # Not getrusage: its peak includes what the parent held when it forked.
    status = Path("/proc/self/status").read_text()
    return int(status.partition("VmHWM:")[2].split()[0]) / 1024


def repeated_sample(folder: Path, times: int = 200) -> str:
    shutil.copytree(sample_corpus(), folder)
    for split in ("train", "dev", "test"):
        for file in folder.glob(f"*/*/*/{split}.json"):
            file.write_bytes(file.read_bytes() * times)
    return str(folder)


if __name__ == "__main__":
    main()
