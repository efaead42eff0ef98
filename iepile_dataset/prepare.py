"""A corpus → a folder of Parquet that anyone can load, without this package."""

import hashlib
import json
import os
import shutil
import tempfile
import time
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ProcessPoolExecutor
from dataclasses import asdict, dataclass, field
from functools import lru_cache
from importlib.metadata import version
from itertools import repeat
from multiprocessing import get_context
from pathlib import Path
from typing import Any

import fsspec

from .corpus import SPLITS, Source, find_sources
from .generate import Counts, tables
from .options import Options
from .parquet import write_parquet
from .problems import DataError, Problem
from .readme import readme
from .shards import Shard, make_shards
from .tasks import TASKS, task_named

MANIFEST = "manifest.json"
QUARANTINE = "quarantine.jsonl"

_SHARD_BYTES = 32 << 20  # of input; the rows of one shard become one Parquet file


@dataclass
class Prepared:
    """What `prepare` did, every record accounted for.

    Attributes:
        folder: Where the rows lie.
        counts: (source key + "/" + split, what) → how many; see `generate.Counts`.
        problems: What was left out; the records themselves lie in the folder's `quarantine.jsonl`.
        licences: Source key → its licence words.
        seconds: Wall-clock time.
    """

    folder: Path
    counts: Counts = field(default_factory=Counter)
    problems: list[Problem] = field(default_factory=list)
    licences: dict[str, str] = field(default_factory=dict)
    seconds: float = 0.0

    def total(self, what: str) -> int:
        """Sum over all sources and splits."""
        return sum(number for (_, kind), number in self.counts.items() if kind == what)


@dataclass(frozen=True)
class _Part:
    """One Parquet file to be made."""

    task: str
    split: str
    shard: Shard
    path: Path


def prepare(
    out: str | Path,
    data_dir: str | None = None,
    *,
    tasks: Sequence[str] = (),
    options: Options = Options(),  # noqa: B008 - frozen
    num_proc: int = 1,
    overwrite: bool = False,
    progress: Callable[[int, int], None] | None = None,
) -> Prepared:
    """Write the instructions of a corpus as one folder, `<task>/<split>-*.parquet`, a README and a manifest.

    Args:
        out: The folder to make. It appears whole or not at all.
        data_dir: A corpus tree or one of its folders, local or `hf://…`; None for the embedded sample.
        tasks: Which tasks; empty for all that the corpus serves.
        options: How to ask.
        num_proc: Processes; the rows and files are the same for any number.
        overwrite: Replace a folder that `prepare` made before; another folder is never touched.
        progress: Called with (bytes read so far, bytes in all).

    Returns:
        The counts and problems.

    Raises:
        DataError: The folder is taken, there is nothing to prepare, or with `strict` the first bad record.

    >>> import tempfile
    >>> done = prepare(tempfile.mkdtemp() + "/rows", tasks=["ner"], options=Options(language="en"))
    >>> done.total("rows") >= done.total("read") > 0, done.problems
    (True, [])
    """
    start = time.perf_counter()
    out = Path(out)
    _refuse_taken(out, overwrite)
    result = Prepared(out)
    sources = _sources(tasks, options, data_dir, result)
    out.parent.mkdir(parents=True, exist_ok=True)
    # Beside its final place, so that the last step is one rename; hidden, so that it is not taken for the result.
    work = Path(tempfile.mkdtemp(prefix=f".{out.name}-", dir=out.parent))
    try:
        parts = list(_parts(work, sources))
        _generate(parts, options, num_proc, result, progress)
        if not result.total("rows"):
            first = f"; the first: {result.problems[0]}" if result.problems else ""
            raise DataError(
                f"{data_dir or 'the sample'}: no row could be made of {result.total('read')} records{first}"
            )
        _write_texts(work, sources, options, data_dir, result)
        work.chmod(0o755)
        if out.exists():
            shutil.rmtree(out)
        os.replace(work, out)
    finally:
        shutil.rmtree(work, ignore_errors=True)
    result.seconds = time.perf_counter() - start
    return result


def _refuse_taken(out: Path, overwrite: bool) -> None:
    if out.exists() and not out.is_dir():
        raise DataError(f"{out}: a file is in the way (choose another --out)")
    if not out.exists() or not any(out.iterdir()):
        return
    if not (out / MANIFEST).is_file():
        raise DataError(f"{out}: the folder holds other things, which are left alone (choose another --out)")
    if not overwrite:
        rows = json.loads((out / MANIFEST).read_text("utf-8")).get("rows", "?")
        raise DataError(f"{out}: already prepared, {rows} rows (use it, or --overwrite to make it again)")


def _sources(tasks: Sequence[str], options: Options, data_dir: str | None, result: Prepared) -> list[Source]:
    found: list[Source] = []
    errors = []
    for name in [task_named(task).name.lower() for task in tasks] or list(TASKS):
        try:
            sources, problems = find_sources(task_named(name), options, data_dir)
        except DataError as error:
            errors.append(error)
            continue
        found += sources
        result.problems += [problem for problem in problems if problem not in result.problems]
    if not found or (tasks and errors):
        raise errors[0]
    result.licences = {source.key: source.licence for source in found}
    if options.strict and result.problems:
        raise DataError(str(result.problems[0]))
    return found


def _parts(work: Path, sources: list[Source]) -> Iterator[_Part]:
    for task in dict.fromkeys(source.task for source in sources):
        mine = [source for source in sources if source.task == task]
        (work / task).mkdir()
        for split in SPLITS:
            size = sum(source.sizes.get(split, 0) for source in mine)
            shards = make_shards(mine, split, max(1, -(-size // _SHARD_BYTES)))
            for number, shard in enumerate(shards):
                yield _Part(task, split, shard, work / task / f"{split}-{number:05d}-of-{len(shards):05d}.parquet")


def _generate(
    parts: list[_Part],
    options: Options,
    num_proc: int,
    result: Prepared,
    progress: Callable[[int, int], None] | None,
) -> None:
    sizes = [sum(segment.end - segment.start for segment in part.shard) for part in parts]
    done = 0
    for size, (counts, problems) in zip(sizes, _results(parts, options, num_proc)):
        result.counts.update(counts)
        result.problems += problems
        done += size
        if progress:
            progress(done, sum(sizes))


def _results(parts: list[_Part], options: Options, num_proc: int) -> Iterator[tuple[Counts, list[Problem]]]:
    """What each part gave, in order, whoever made it."""
    if num_proc <= 1:
        yield from (_write_part(part, options) for part in parts)
        return
    # Spawned, since Arrow's threads do not survive a fork.
    pool = ProcessPoolExecutor(min(num_proc, len(parts)), mp_context=get_context("spawn"))
    try:
        yield from pool.map(_write_part, parts, repeat(options))
    finally:
        pool.shutdown(cancel_futures=True)


def _write_part(part: _Part, options: Options) -> tuple[Counts, list[Problem]]:
    counts: Counts = Counter()
    problems: list[Problem] = []
    write_parquet(tables(part.shard, options, counts, problems.append), part.path)
    return Counter({(f"{key}/{part.split}", what): number for (key, what), number in counts.items()}), problems


def _write_texts(work: Path, sources: list[Source], options: Options, data_dir: str | None, result: Prepared) -> None:
    manifest = {
        "rows": result.total("rows"),
        "data_dir": data_dir,
        "options": asdict(options),
        "versions": {name: version(name) for name in ("iepile", "datasets", "pyarrow")},
        "sources": [
            {
                "source": source.key,
                "licence": source.licence,
                "files": {split: _file_facts(file) for split, file in source.files.items()},
                "counts": {
                    split: {
                        what: number for (key, what), number in result.counts.items() if key == f"{source.key}/{split}"
                    }
                    for split in source.files
                },
            }
            for source in sources
        ],
        "left_out": len(result.problems),
    }
    (work / MANIFEST).write_text(json.dumps(manifest, ensure_ascii=False, indent=2) + "\n", "utf-8")
    with (work / QUARANTINE).open("w", encoding="utf-8") as aside:
        aside.writelines(json.dumps(asdict(problem), ensure_ascii=False) + "\n" for problem in result.problems)
    (work / "README.md").write_text(readme(work, sources, result.counts), "utf-8")


@lru_cache
def _file_facts(file: str) -> dict[str, Any]:
    with fsspec.open(file, "rb") as data:
        digest = hashlib.file_digest(data, "sha256").hexdigest()
        return {"file": file, "bytes": data.tell(), "sha256": digest}
