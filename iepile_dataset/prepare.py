"""A corpus → a folder of instructions that anyone can load, without this package."""

import json
import os
import shutil
import socket
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ProcessPoolExecutor
from dataclasses import asdict, dataclass, field
from itertools import repeat
from multiprocessing import get_context
from pathlib import Path
from time import perf_counter

from .choose import choose_sources
from .corpus import SPLITS, Source
from .generate import Counts
from .limit import limit_empty
from .manifest import MANIFEST, manifest
from .options import Options
from .parts import Made, Part, write_part
from .problems import DataError, Problem
from .readme import readme
from .shards import make_shards

QUARANTINE = "quarantine.jsonl"
FORMS = ("parquet", "jsonl")

_SHARD_BYTES = 32 << 20  # of input; the rows of one shard become one Parquet file
_LINES_NAME = {"train": "train.json", "validation": "dev.json", "test": "test.json"}


@dataclass
class Prepared:
    """What `prepare` did, every record accounted for.

    Attributes:
        folder: Where the rows lie.
        counts: (source key + "/" + split, what) → how many; see `generate.Counts`.
        problems: What was left out; the records themselves lie in the folder's `quarantine.jsonl`.
        licences: Source key → its licence words.
        rows_sha256: Digest of the rows, the same for the same data and options everywhere.
        seconds: Wall-clock time.
    """

    folder: Path
    counts: Counts = field(default_factory=Counter)
    problems: list[Problem] = field(default_factory=list)
    licences: dict[str, str] = field(default_factory=dict)
    rows_sha256: str = ""
    seconds: float = 0.0

    def total(self, what: str) -> int:
        """Sum over all sources and splits."""
        return sum(number for (_, kind), number in self.counts.items() if kind == what)


def prepare(
    out: str | Path,
    data_dir: str | None = None,
    *,
    tasks: Sequence[str] = (),
    options: Options = Options(),  # noqa: B008 - frozen
    form: str = "parquet",
    num_proc: int = 1,
    overwrite: bool = False,
    progress: Callable[[int, int], None] | None = None,
) -> Prepared:
    """Write the instructions of a corpus as one folder: `<task>/<split>-*.parquet`, README and manifest.

    Beside them lie the records as they were, `raw/<task>/…`, so that the folder can be pushed as it is.

    Args:
        out: The folder to make. It appears whole or not at all.
        data_dir: A corpus tree or one of its folders, local or `hf://…`; None for the embedded sample.
        tasks: Which tasks; empty for all that the corpus serves.
        options: How to ask.
        form: `parquet`, or `jsonl` for the original's layout: `<task>/{train,dev,test}.json` with `task, source,
            instruction, output` (train) and `id, task, source, instruction, label` (the others).
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
    start = perf_counter()
    if form not in FORMS:
        raise DataError(f'format "{form}" is unknown ({", ".join(FORMS)})')
    out = Path(out)
    _refuse_taken(out, overwrite)
    result = Prepared(out)
    sources = limit_empty(_sources(tasks, options, data_dir, result), options)
    out.parent.mkdir(parents=True, exist_ok=True)
    work = _work_folder(out)
    try:
        digest = _write(list(_parts(work, sources, form)), options, form, num_proc, result, progress)
        if not result.total("rows"):
            first = f"; the first: {result.problems[0]}" if result.problems else ""
            raise DataError(
                f"{data_dir or 'the sample'}: no row could be made of {result.total('read')} records{first}"
            )
        for empty in [folder for folder in sorted(work.rglob("*"), reverse=True) if folder.is_dir()]:
            if not any(empty.iterdir()):
                empty.rmdir()
        facts = manifest(work, sources, options, result.counts, digest, len(result.problems), form)
        result.rows_sha256 = facts["rows_sha256"]
        (work / MANIFEST).write_text(json.dumps(facts, ensure_ascii=False, indent=2) + "\n", "utf-8")
        with (work / QUARANTINE).open("w", encoding="utf-8") as aside:
            aside.writelines(json.dumps(asdict(problem), ensure_ascii=False) + "\n" for problem in result.problems)
        (work / "README.md").write_text(readme(work, sources, result.counts, facts["files"]), "utf-8")
        _refuse_taken(out, overwrite)  # another run may have been faster
        if out.exists():
            shutil.rmtree(out)
        os.replace(work, out)
    finally:
        shutil.rmtree(work, ignore_errors=True)
    result.seconds = perf_counter() - start
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


def _work_folder(out: Path) -> Path:
    """A folder beside the final place, so that the last step is one rename; what killed runs left is removed."""
    prefix = f".{out.name}.{socket.gethostname()}."
    for old in out.parent.glob(f"{prefix}*"):
        process = old.name.removeprefix(prefix)
        if process.isdigit() and not _alive(int(process)):
            shutil.rmtree(old, ignore_errors=True)
    work = out.parent / f"{prefix}{os.getpid()}"
    work.mkdir()
    return work


def _alive(process: int) -> bool:
    try:
        os.kill(process, 0)
    except ProcessLookupError:
        return False
    except PermissionError:
        pass
    return True


def _sources(tasks: Sequence[str], options: Options, data_dir: str | None, result: Prepared) -> list[Source]:
    found, result.problems = choose_sources(tasks, options, data_dir)
    result.licences = {source.key: source.licence for source in found}
    if options.strict and result.problems:
        raise DataError(str(result.problems[0]))
    return found


def _parts(work: Path, sources: list[Source], form: str) -> Iterator[Part]:
    for task in dict.fromkeys(source.task for source in sources):
        mine = [source for source in sources if source.task == task]
        # Records are published once, by the task whose folder they lie in.
        kinds = [False, True] if form == "parquet" and task in ("ner", "re", "ee") else [False]
        for raw, split in ((raw, split) for raw in kinds for split in SPLITS):
            folder = work / "raw" / task if raw else work / task
            folder.mkdir(parents=True, exist_ok=True)
            size = sum(source.sizes.get(split, 0) for source in mine)
            shards = make_shards(mine, split, max(1, -(-size // _SHARD_BYTES)))
            for number, shard in enumerate(shards):
                name = f"{split}-{number:05d}-of-{len(shards):05d}.parquet"
                yield Part(task, split, shard, folder / (_LINES_NAME[split] if form == "jsonl" else name), raw)


def _write(
    parts: list[Part],
    options: Options,
    form: str,
    num_proc: int,
    result: Prepared,
    progress: Callable[[int, int], None] | None,
) -> int:
    sizes = [sum(segment.end - segment.start for segment in part.shard) for part in parts]
    done = digest = 0
    # Parts of one JSON-lines file are appended to it, one after the other.
    for size, made in zip(sizes, _made(parts, options, form, num_proc if form == "parquet" else 1)):
        result.counts.update(made.counts)
        result.problems += made.problems
        digest = (digest + made.digest) % (1 << 256)
        done += size
        if progress:
            progress(done, sum(sizes))
    return digest


def _made(parts: list[Part], options: Options, form: str, num_proc: int) -> Iterator[Made]:
    """What became of each part, in order, whoever wrote it."""
    if num_proc <= 1:
        yield from (write_part(part, options, form) for part in parts)
        return
    # Spawned, since Arrow's threads do not survive a fork.
    pool = ProcessPoolExecutor(min(num_proc, len(parts)), mp_context=get_context("spawn"))
    try:
        yield from pool.map(write_part, parts, repeat(options), repeat(form))
    finally:
        pool.shutdown(cancel_futures=True)
