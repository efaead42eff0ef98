"""An output file that survives a kill: whole rows are kept, the same command goes on with those that are missing.

Beside `predictions.jsonl` stands `predictions.jsonl.run.json`, which says what the rows were made with. Rows of
another model, input or option are not continued. One process appends to the file itself. Of several, each has a
file of its own, `predictions.jsonl.part-0` and so on, whose lines are `[place in the input, row]`; who is last
puts them together in input order. However many processes take the work up again, they answer what is missing.
"""

import json
import os
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, BinaryIO

import orjson

from .. import TrainerError


def open_journal(output: Path | str, made_with: dict[str, Any], overwrite: bool = False) -> int:
    """Make `output` ready to be appended to.

    Args:
        output: The file of rows.
        made_with: Model, input and options, any JSON object; kept beside the file and compared on the next call.
        overwrite: Start anew, whatever is there.

    Returns:
        The number of whole rows that are there already; a last line that was cut off is removed.

    Raises:
        TrainerError: The file was made with something else, or not by this command, or is being written.
    """
    output = Path(output)
    beside = record_path(output)
    if output.exists():
        for path in (output, *_parts(output)):
            with _alone(path):  # not under the hands of a run that is at work
                if overwrite:
                    path.unlink()
    made_with = json.loads(json.dumps(made_with))
    if output.exists() and (output.stat().st_size or _parts(output)):
        before = _record(output, beside)
        changed = [key for key in {**before, **made_with} if before.get(key) != made_with.get(key)]
        if changed:
            raise TrainerError(
                f"{output} was made with {changed[0]} = {before.get(changed[0])!r}, now {made_with.get(changed[0])!r} "
                "(another --output, or --overwrite)"
            )
        return _whole_rows(output)
    output.parent.mkdir(parents=True, exist_ok=True)
    _write_whole(beside, json.dumps(made_with, ensure_ascii=False, indent=2) + "\n")
    output.touch()
    return 0


@dataclass(frozen=True)
class Work:
    """What one process still has to do.

    Attributes:
        output: The file of all rows.
        total: Rows of the input.
        left: Places in the input of the rows to answer here, ascending.
        part: This process's own file; None where it appends to `output`.
    """

    output: Path
    total: int
    left: "range | list[int]"
    part: Path | None = None

    def append(self, rows: Iterable[dict[str, Any]], written: Callable[[dict[str, Any]], None]) -> None:
        """Write the answered rows of `left`, in its order, as they come; `written` is told of each.

        Raises:
            TrainerError: Another process is writing the same file.
        """
        if not self.left:
            return
        if self.part is None:
            append(self.output, rows, written)
            return
        places = iter(self.left)
        append(self.part, ([next(places), row] for row in rows), lambda line: written(line[1]))

    def finish(self) -> bool:
        """Put the parts together if nothing is missing any more.

        Returns:
            Whether `output` is whole now; of several processes only the one that made it so says yes.
        """
        if self.part is None:
            return _whole_rows(self.output) == self.total
        with _alone(self.output, wait=True):
            return _merge(self.output, self.total)


def work(output: Path | str, total: int, rank: int = 0, processes: int = 1) -> Work:
    """Share out what is missing; called after `open_journal`.

    Args:
        output: The file of rows.
        total: Rows of the input.
        rank: Of this process, from 0.
        processes: How many share the work.

    Returns:
        This process's share: the missing rows whose place, divided by `processes`, leaves `rank`. It does not depend
        on what the others have written meanwhile.
    """
    output = Path(output)
    done, parts = _whole_rows(output), _parts(output)
    if not parts and (processes == 1 or (done == total and rank == 0)):
        return Work(output, total, range(done, total))
    there = {place for path in parts for place, _, _ in _lines_of(path)}
    left = [place for place in range(done, total) if place % processes == rank and place not in there]
    return Work(output, total, left, output.with_name(f"{output.name}.part-{rank}"))


def forget_failed(output: Path | str) -> int:
    """Take the rows with an `error` out of the file, so that they are answered again.

    Returns:
        How many there were; 0 while the parts of several processes are not put together yet.
    """
    output = Path(output)
    if _parts(output):
        return 0
    failed = [place for place, row in enumerate(rows_in(output)) if "error" in row]
    if not failed:
        return 0
    # The good rows after the first failed one become a part; only when it is whole the file itself is cut.
    aside, first, end = output.with_name(f"{output.name}.kept"), failed[0], 0
    again = set(failed)
    with open(output, "rb") as lines, open(aside, "wb") as kept:
        for place, line in enumerate(lines):
            if place < first:
                end += len(line)
            elif place not in again:
                kept.write(b"[%d,%b]\n" % (place, line.rstrip(b"\n")))
        kept.flush()
        os.fsync(kept.fileno())
    os.replace(aside, output.with_name(f"{output.name}.part-kept"))
    os.truncate(output, end)
    return len(failed)


def append(output: Path | str, rows: Iterable[Any], written: Callable[[Any], None]) -> None:
    """Append rows as they come, one write and flush per row; `written` is told of each.

    Raises:
        TrainerError: Another process is writing the file.
    """
    output = Path(output)
    with open(output, "ab", buffering=0) as file, _locked(file, output):
        _whole_rows(output)  # a line that a kill cut off
        for row in rows:
            line = memoryview(orjson.dumps(row, option=orjson.OPT_APPEND_NEWLINE))
            while line:  # a write may be a short one
                line = line[file.write(line) :]
            written(row)


def rows_in(output: Path | str) -> Iterator[dict[str, Any]]:
    """The rows written so far."""
    with open(output, "rb") as lines:
        for line in lines:
            yield orjson.loads(line)


def record_path(output: Path) -> Path:
    """Where the record of `output` stands."""
    return output.with_name(output.name + ".run.json")


def _merge(output: Path, total: int) -> bool:
    done, parts = _whole_rows(output), _parts(output)
    if not parts:  # another process has put them together
        return False
    there = {place: (path, at, size) for path in parts for place, at, size in _lines_of(path)}
    if any(place not in there for place in range(done, total)):
        return False
    files = {path: open(path, "rb") for path in parts}  # noqa: SIM115, closed below
    try:
        # Killed here, the file is a longer beginning, and what is missing of it stands in the parts still.
        with open(output, "ab") as whole:
            for place in range(done, total):
                path, at, size = there[place]
                files[path].seek(at)
                line = files[path].read(size)
                whole.write(line[line.index(b",") + 1 : -2] + b"\n")  # "[17,{…}]\n"
    finally:
        for file in files.values():
            file.close()
    for path in parts:
        path.unlink()
    return True


def _parts(output: Path) -> list[Path]:
    return sorted(path for path in output.parent.glob("*") if path.name.startswith(f"{output.name}.part-"))


def _lines_of(part: Path) -> Iterator[tuple[int, int, int]]:
    """Of each whole line of a part: the row's place in the input, where the line begins, its length."""
    at = 0
    with open(part, "rb") as lines:
        for line in lines:
            if line.endswith(b"\n"):
                yield int(line[1 : line.index(b",")]), at, len(line)
            at += len(line)


def _record(output: Path, beside: Path) -> dict[str, Any]:
    if not beside.is_file():
        raise TrainerError(f"{output} is there, but not from this command (another --output, or --overwrite)")
    try:
        return dict(json.loads(beside.read_text(encoding="utf-8")))
    except (ValueError, TypeError) as problem:
        raise TrainerError(f"{beside} is damaged ({problem}); start anew with --overwrite") from None


def _write_whole(path: Path, text: str) -> None:
    """Write a small file so that it is either the old one or the new one."""
    beside = path.with_name(f"{path.name}.{os.getpid()}")
    beside.write_text(text, encoding="utf-8")
    os.replace(beside, path)


def _whole_rows(output: Path) -> int:
    """Count the rows, and cut off what follows the last line end."""
    count = end = 0
    with open(output, "rb") as lines:
        for line in lines:
            if not line.endswith(b"\n"):
                break
            count, end = count + 1, end + len(line)
    if end < output.stat().st_size:
        os.truncate(output, end)
    return count


@contextmanager
def _alone(output: Path, wait: bool = False) -> Iterator[None]:
    with open(output, "ab") as file, _locked(file, output, wait):
        yield


@contextmanager
def _locked(file: BinaryIO | Any, path: Path, wait: bool = False) -> Iterator[None]:
    """Keep other processes off a file; the system lets go of it when this one ends, however it ends."""
    try:
        import fcntl
    except ImportError:  # Windows has no such lock
        yield
        return
    try:
        fcntl.flock(file, fcntl.LOCK_EX | (0 if wait else fcntl.LOCK_NB))
    except BlockingIOError:
        raise TrainerError(f"{path} is being written by another process (wait for it, or another --output)") from None
    yield
