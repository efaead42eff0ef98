"""How fast does `iepile validate` read, and does its memory stay flat?

    python benchmarks/validate.py [CORPUS] [--megabytes 300]

Repeats the corpus's split files (the embedded sample where there is none) into one source per task until each has the
wanted size, validates each, then prepares them and validates the rows as JSON lines. MB/s are of CPU time.
"""

import argparse
import json
import resource
import tempfile
import time
from collections import Counter
from pathlib import Path

from iepile_dataset.corpus.shards import make_shards
from iepile_dataset.corpus.sources import find_sources, sample_corpus
from iepile_dataset.instructions.tables import tables
from iepile_dataset.options import Options
from iepile_dataset.tasks import TASKS
from iepile_dataset.validation.validate import validate


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--megabytes", type=int, default=100)
    parser.add_argument("corpus", nargs="?", help="a corpus tree")
    wanted = parser.parse_args()
    corpus = wanted.corpus or sample_corpus()
    with tempfile.TemporaryDirectory() as folder:
        for task in ("ner", "re", "ee"):
            file, rows = _repeated(corpus, task, wanted.megabytes << 20, Path(folder) / task)
            _measure(f"{task} records", file)
            _measure(f"{task} rows", rows)
            file.unlink()
            rows.unlink()


def _repeated(corpus: str, task: str, size: int, folder: Path) -> tuple[Path, Path]:
    """The largest source of a task, repeated: its records, and its rows with ids of their own."""
    sources, _ = find_sources(TASKS[task], Options(), corpus)
    source = max(sources, key=lambda source: max(source.sizes.values()))
    split = max(source.sizes, key=source.sizes.__getitem__)
    folder.mkdir()
    (folder / "schema.json").write_bytes(Path(source.path, "schema.json").read_bytes())
    data = Path(source.files[split]).read_bytes()
    with (folder / "test.json").open("wb") as out:
        for _ in range(-(-size // len(data))):
            out.write(data)
    rows = []
    for shard in make_shards([source], split):
        for table in tables(shard, Options(), Counter(), print):
            rows += table.to_pylist()
    with (folder / "rows.jsonl").open("w", encoding="utf-8") as file:
        number = 0
        while file.tell() < size:
            number += 1
            for row in rows:
                start, _, line = row["id"].rpartition(":")
                file.write(json.dumps({**row, "id": f"{start}:{number}{int(line):07d}"}, ensure_ascii=False) + "\n")
    return folder / "test.json", folder / "rows.jsonl"


def _measure(name: str, file: Path) -> None:
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss >> 10
    start = time.process_time()
    report = validate([file])
    seconds = time.process_time() - start
    after = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss >> 10
    megabytes = file.stat().st_size / 1e6
    values = report.files[0].values
    print(
        f"{name:<12} {megabytes:6.0f} MB {values:>9,} lines {megabytes / seconds:6.0f} MB/s "
        f"{values / seconds:>9,.0f} lines/s, {report.errors} errors, peak memory {before} → {after} MB"
    )


if __name__ == "__main__":
    main()
