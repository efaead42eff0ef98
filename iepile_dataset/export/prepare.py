"""A corpus → a folder of instructions that anyone can load, without this package."""

import json
import os
import posixpath
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ProcessPoolExecutor
from concurrent.futures.process import BrokenProcessPool
from dataclasses import asdict, dataclass, field
from functools import partial
from itertools import chain
from multiprocessing import get_context, parent_process
from multiprocessing.connection import wait
from pathlib import Path
from threading import Thread
from time import perf_counter
from typing import Any

from ..atomic import Proof, final_place, json_text, new_folder, refuse_taken
from ..cluster import spread
from ..corpus.layout import absolute
from ..corpus.shards import Progress, advancing, make_shards
from ..corpus.sources import SPLITS, Source, choose_sources
from ..errors import DataError, Problem, keep
from ..instructions.generate import Counts, limit_empty, totals
from ..options import Options
from ..tasks import TASK_FOLDERS, TASKS
from .manifest import MANIFEST, QUARANTINE, digests, manifest
from .readme import readme
from .remote import new_remote_folder, put_part
from .writer import Part, Written, write_part

__all__ = ["ENGINES", "FORMS", "Prepared", "prepare"]

README = "README.md"
FORMS = ("parquet", "jsonl")
ENGINES = ("processes", "ray")

_PROOF = Proof(MANIFEST, "rows_sha256", "already prepared")
_SHARD_BYTES = 32 << 20  # of input; the rows of one shard become one Parquet file
_LINES_NAME = {"train": "train.json", "validation": "dev.json", "test": "test.json"}


@dataclass
class Prepared:
    """What `prepare` did, every record accounted for.

    Attributes:
        folder: Where the rows lie, a path or an address.
        counts: (source key + "/" + split, what) → how many; see `Counts`.
        left_out: How many records and sources were left out; all of them lie in the folder's `quarantine.jsonl`.
        problems: The first of them.
        licences: Source key → its licence words.
        rows_sha256: Digest of the rows, the same for the same data and options everywhere.
        seconds: Wall-clock time.
    """

    folder: Any
    counts: Counts = field(default_factory=Counter)
    left_out: int = 0
    problems: list[Problem] = field(default_factory=list)
    licences: dict[str, str] = field(default_factory=dict)
    rows_sha256: str = ""
    seconds: float = 0.0

    def total(self, what: str) -> int:
        """Sum over all sources and splits."""
        return totals(self.counts)[what]


def prepare(
    out: str | os.PathLike[str],
    data_dir: str | os.PathLike[str] | None = None,
    *,
    tasks: str | Sequence[str] = (),
    options: Options = Options(),  # noqa: B008 - frozen
    form: str = "parquet",
    engine: str = "processes",
    num_proc: int = 1,
    overwrite: bool = False,
    progress: Progress | None = None,
) -> Prepared:
    """Write the instructions of a corpus as one folder: `<task>/<split>-*.parquet`, README and manifest.

    Beside them lie the records as they were, `raw/<task>/…`, so that the folder can be pushed as it is.

    Args:
        out: The folder to make. It appears whole or not at all. Or an address such as `s3://bucket/rows`, where the
            manifest comes last: without it the rows are not whole.
        data_dir: A corpus tree or one of its folders, local or `hf://…`; None for the embedded sample.
        tasks: Which task or tasks; empty for all that the corpus serves.
        options: How to ask.
        form: `parquet`, or `jsonl` for the original's layout: `<task>/{train,dev,test}.json` with `task, source,
            instruction, output` (train) and `id, task, source, instruction, label` (the others).
        engine: `processes` of this machine, or `ray`, a cluster: the same rows and files. See `cluster.ray_data`.
        num_proc: Processes; of a cluster on this machine the CPUs, all where it is 1. The rows
            and files are the same for any number. Each new process runs the calling script up to its
            `if __name__ == "__main__":`, in which a script must therefore call `prepare`.
        overwrite: Replace a folder that `prepare` made before; another folder is never touched.
        progress: Called with (bytes read so far, bytes in all).

    Returns:
        The counts and problems.

    Raises:
        DataError: The folder is taken, there is nothing to prepare, a worker process ended, or with `strict` the
            first bad record.

    >>> import tempfile
    >>> done = prepare(tempfile.mkdtemp() + "/rows", tasks=["ner"], options=Options(language="en"))
    >>> done.total("rows") >= done.total("read") > 0, done.problems
    (True, [])
    """
    start = perf_counter()
    if form not in FORMS:
        raise DataError(f'format "{form}" is unknown ({", ".join(FORMS)})')
    if engine not in ENGINES:
        raise DataError(f'engine "{engine}" is unknown ({", ".join(ENGINES)})')
    address = os.fspath(out) if "://" in os.fspath(out) else None
    if form == "jsonl" and (address or engine == "ray"):
        raise DataError("format jsonl is written by one process, into a folder (take parquet)")
    if engine == "ray" and data_dir is not None:
        data_dir = absolute(os.fspath(data_dir))  # as other machines would name it
    if address:
        folder = new_remote_folder(address, _PROOF, overwrite)
    else:
        place = final_place(out)
        refuse_taken(place, _PROOF, overwrite)
        folder = new_folder(place, _PROOF, overwrite)
    sources, problems = choose_sources(tasks, options, data_dir)
    if options.strict and problems:
        raise DataError(str(problems[0]))
    result = Prepared(out if address else Path(out), licences={source.key: source.licence for source in sources})
    sources = limit_empty(sources, options)
    with folder as work:
        parts = list(_parts(work, sources, form))
        write = partial(put_part, work=work, address=address) if address else write_part
        write = partial(write, options=options, form=form)
        advance = advancing(progress, sum(part.size for part in parts))
        written = _written(write, parts, engine, num_proc if form == "parquet" else 1)
        digest, files = _gather(work / QUARANTINE, problems, written, result, advance)
        if not result.total("rows"):
            first = f"; the first: {result.problems[0]}" if result.problems else ""
            records = f"no row could be made of {result.total('read')} records"
            raise DataError(f"{data_dir or 'the sample'}: {records}{first}")
        for source in sources:  # once more: a part that was read first may have changed since
            for split in source.files:
                source.refuse_changed(split)
        result.rows_sha256 = _describe(work, files, sources, options, form, result, digest)
    result.seconds = perf_counter() - start
    return result


def _gather(
    file: Path, problems: list[Problem], written: Iterator[Written], result: Prepared, advance: Callable[[int], None]
) -> tuple[int, dict[str, str]]:
    """Count in `result` what becomes of the parts, and write aside what was left out.

    Returns:
        The digest of all rows, and those of files that were put elsewhere.
    """
    digest, files = 0, dict[str, str]()
    with file.open("w", encoding="utf-8") as quarantine:
        for part in chain([Written(Counter(), problems, 0)], written):
            result.counts.update(part.counts)
            for problem in part.problems:
                quarantine.write(json.dumps(asdict(problem), ensure_ascii=False) + "\n")
                keep(result.problems, problem)
            result.left_out += len(part.problems)
            digest = (digest + part.digest) % (1 << 256)
            files |= part.files
            advance(part.size)
    return digest, files


def _describe(
    work: Path,
    elsewhere: dict[str, str],
    sources: list[Source],
    options: Options,
    form: str,
    result: Prepared,
    digest: int,
) -> str:
    """Write README and manifest beside the rows, folders without any removed; the digest as the manifest has it."""
    for folder in [path for path in sorted(work.rglob("*"), reverse=True) if path.is_dir()]:
        if not any(folder.iterdir()):
            folder.rmdir()
    files = elsewhere | digests(work)
    (work / README).write_text(readme(sources, result.counts, files), "utf-8")
    files |= digests(work, README)
    facts = manifest(dict(sorted(files.items())), sources, options, result.counts, digest, result.left_out, form)
    (work / MANIFEST).write_text(json_text(facts), "utf-8")
    return str(facts["rows_sha256"])


def _parts(work: Path, sources: list[Source], form: str) -> Iterator[Part]:
    published: set[str] = set()
    for task in dict.fromkeys(source.task for source in sources):
        mine = [source for source in sources if source.task == task]
        own = [source for source in mine if form == "parquet" and _publishes(source, published)]
        published |= {source.path for source in own}
        for raw, chosen in ((False, mine), (True, own)):
            folder = work / "raw" / task if raw else work / task
            folder.mkdir(parents=True, exist_ok=True)
            for split in SPLITS:
                size = sum(source.sizes.get(split, 0) for source in chosen)
                shards = make_shards(chosen, split, max(1, -(-size // _SHARD_BYTES)), ahead=True)
                for number, shard in enumerate(shards):
                    name = f"{split}-{number:05d}-of-{len(shards):05d}.parquet"
                    yield Part(split, shard, folder / (_LINES_NAME[split] if form == "jsonl" else name), raw)


def _publishes(source: Source, published: set[str]) -> bool:
    """Records are published once: by the task whose folder they lie in, in no task's folder by the first."""
    folder = posixpath.basename(posixpath.dirname(source.path)).upper()
    return folder == TASKS[source.task].folders[0] if folder in TASK_FOLDERS else source.path not in published


def _written(write: Callable[[Part], Written], parts: list[Part], engine: str, num_proc: int) -> Iterator[Written]:
    """What became of each part, in order, whoever wrote it."""
    if engine == "ray":
        yield from spread(write, parts, None if num_proc == 1 else num_proc)
        return
    if num_proc <= 1:
        yield from map(write, parts)
        return
    # Spawned, since Arrow's threads do not survive a fork.
    pool = ProcessPoolExecutor(min(num_proc, len(parts)), get_context("spawn"), initializer=_end_with_parent)
    try:
        yield from pool.map(write, parts)
    except BrokenProcessPool:
        raise DataError(
            "a worker process ended: it could not start, or memory ran out (call prepare in a script's "
            '`if __name__ == "__main__":`, not from stdin, or use num_proc=1)'
        ) from None
    finally:
        pool.shutdown(cancel_futures=True)


def _end_with_parent() -> None:
    """A worker whose parent was killed would go on writing, and then wait for ever."""
    parent = parent_process()
    assert parent is not None

    def watch() -> None:
        wait([parent.sentinel])
        os._exit(1)

    Thread(target=watch, daemon=True).start()
