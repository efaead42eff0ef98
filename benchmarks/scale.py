"""Time and memory over the number of records, which are made on the fly and never stored.

    python benchmarks/scale.py [--only prepare score clean] [--records 1000000]

A file system of its own, `made://`, gives lines of annotated text by their numbers, so that a file is as long as it is
said to be and any part of it can be read. After each tenth: seconds of the clock and of the processor, for a million
of records, and the memory of this process. What is prepared or cleaned is written to a temporary folder.
"""

import argparse
import os
import resource
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import fsspec
import orjson
from fsspec.implementations.memory import MemoryFile
from fsspec.spec import AbstractBufferedFile, AbstractFileSystem

from iepile_dataset.cleaning import clean
from iepile_dataset.export.prepare import prepare
from iepile_dataset.options import CleanOptions
from iepile_metric import Accumulator

WIDTH = 256  # bytes of a line
NAMES = ("Ada", "Bo", "Cai", "Dora", "Emil", "Fay", "Gus", "Hana")
CITIES = ("Rome", "Oslo", "Lima", "Ulm", "Turin", "Accra", "Quito")
SCHEMA = b'["person", "city", "river"]\n[]\n{}\n'
FOLDER = "IE-en/NER/made"


def record(number: int) -> dict[str, Any]:
    name, city = f"{NAMES[number % 8]} {number:x}", CITIES[number % 7]
    said = f"{name} lives in {city}, house {number * 2654435761 % (1 << 32)}, and walks to {number * 40503 % 65536}."
    return {
        "text": said,
        "entity": [{"entity": name, "entity_type": "person"}, {"entity": city, "entity_type": "city"}],
    }


class Lines(AbstractBufferedFile):
    def _fetch_range(self, start: int, end: int) -> bytes:
        lines = range(start // WIDTH, -(-end // WIDTH))
        content = b"".join(orjson.dumps(record(number)).ljust(WIDTH - 1) + b"\n" for number in lines)
        return content[start - lines.start * WIDTH :][: end - start]


class Made(AbstractFileSystem):
    """`made://1000/IE-en/NER/made/train.json` has a thousand lines."""

    protocol = "made"

    def _files(self, path: str) -> dict[str, int]:
        count = self._strip_protocol(path).partition("/")[0]
        return {f"{count}/{FOLDER}/train.json": int(count) * WIDTH, f"{count}/{FOLDER}/schema.json": len(SCHEMA)}

    def info(self, path: str, **_: Any) -> dict[str, Any]:
        path = self._strip_protocol(path)
        files = self._files(path)
        if path in files:
            return {"name": path, "size": files[path], "type": "file"}
        if any(file.startswith(f"{path}/") for file in files):
            return {"name": path, "size": 0, "type": "directory"}
        raise FileNotFoundError(path)

    def ls(self, path: str, detail: bool = True, **_: Any) -> list[Any]:
        path = self._strip_protocol(path)
        inside = [file.removeprefix(f"{path}/") for file in self._files(path) if file.startswith(f"{path}/")]
        names = dict.fromkeys(f"{path}/{name.partition('/')[0]}" for name in inside)
        return [self.info(name) for name in names] if detail else list(names)

    def _open(self, path: str, mode: str = "rb", block_size: int | None = None, **options: Any) -> Any:
        if path.endswith("schema.json"):
            return MemoryFile(None, path, SCHEMA)
        size = self._files(path)[self._strip_protocol(path)]
        return Lines(self, path, mode, block_size or 4 << 20, cache_type="readahead", size=size)


class Meter:
    """A line after each tenth."""

    def __init__(self, what: str, total: int) -> None:
        self.what, self.total, self.told = what, total, 0
        self.start, self.used = time.perf_counter(), time.process_time()

    def __call__(self, share: float) -> None:
        if int(share * 10) > self.told:
            self.told = int(share * 10)
            done = share * self.total
            clock, used = time.perf_counter() - self.start, time.process_time() - self.used
            per = 1e6 / done
            line = f"{done:>12,.0f} {clock:8.1f} {clock * per:8.1f} {used * per:8.1f} {memory():8.0f}"
            print(f"{self.what:8} {line}", flush=True)

    def read(self, done: int, size: int) -> None:
        self(done / size)


def memory() -> float:
    """Megabytes of this process."""
    return int(Path("/proc/self/statm").read_text().split()[1]) * os.sysconf("SC_PAGE_SIZE") / 2**20


def rows(count: int) -> Iterator[dict[str, str]]:
    for number in range(count):
        made = record(number)
        city = made["entity"][1]["entity"] if number % 3 else "Paris"
        answer = {"person": [made["entity"][0]["entity"]], "city": [city]}
        yield {
            "id": f"en/NER/made/test:{number + 1}", "task": "NER", "source": "made",
            "output": orjson.dumps(answer).decode(), "label": orjson.dumps(made["entity"]).decode(),
        }  # fmt: skip


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument(
        "--only", nargs="+", choices=("prepare", "score", "clean"), default=["prepare", "score", "clean"]
    )
    parser.add_argument("--records", type=int, default=1_000_000)
    asked = parser.parse_args()
    count = asked.records
    fsspec.register_implementation("made", Made, clobber=True)
    print(f"{'':8} {'records':>12} {'seconds':>8} {'s/M':>8} {'CPU s/M':>8} {'MB':>8}   load {os.getloadavg()[0]:.1f}")
    with tempfile.TemporaryDirectory() as work:
        for what in asked.only:
            meter = Meter(what, count)
            if what == "prepare":
                done = prepare(f"{work}/rows", f"made://{count}", tasks="ner", progress=meter.read)
                size = sum(file.stat().st_size for file in Path(work).rglob("*.parquet"))
                made = f"{done.total('rows'):,} rows in {size / count:.0f} bytes a record"
                print(f"{'':8} {made}, {done.seconds:.0f} s in all")
            elif what == "score":
                scores = Accumulator("ner", streamed=True)
                for number, row in enumerate(rows(count), 1):
                    scores.add(row)
                    if not number % (count // 10):
                        meter(number / count)
                print(f"{'':8} F1 {scores.result()['f1']:.4f}")
            else:
                kept = clean(f"{work}/clean", f"made://{count}", options=CleanOptions()).total("kept")
                meter(1.0)
                most = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024
                print(f"{'':8} {kept:,} kept, at most {most / 2**20:,.0f} MB, {most / count:,.0f} bytes a record")


if __name__ == "__main__":
    main()
