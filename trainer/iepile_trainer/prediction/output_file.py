"""An output file that survives a kill: whole rows are kept, the same command goes on with those that are missing.

Beside `predictions.jsonl` stands `predictions.jsonl.run.json`, which says what the rows were made with. Rows of
another model, input or option are not continued. One process appends to the file itself. Of several, each has a
file of its own, `predictions.jsonl.part-0` and so on, whose lines are `[place in the input, row]`; who is last
puts them together in input order. However many processes take the work up again, they answer what is missing.
"""

import os
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, BinaryIO

import orjson

from iepile_dataset.atomic import json_text, write_file, writing

from ..errors import TrainerError
from ..run_folder import read_object, refuse_changed


def open_output(output: Path | str, made_with: dict[str, Any], overwrite: bool = False) -> int:
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
    if output.exists() and not output.is_file():
        what = "a folder" if output.is_dir() else "a pipe or a device, and what was written is read again"
        raise TrainerError(f"{output} is {what} (give a file as --output)")
    for path in (output, *_parts(output)) if output.exists() else ():
        with _alone(path):  # not under the hands of a run that is at work
            if overwrite:
                path.unlink()
    if output.exists() and (output.stat().st_size or _parts(output)):
        refuse_changed(_record(output), made_with, f"{output} was made with", "another --output, or --overwrite")
        return _whole_rows(output)
    write_file(record_path(output), json_text(made_with))
    with writing(output):
        output.touch()
    return 0


class Work:
    """What one process still has to do; made after `open_output`.

    Args:
        output: The file of all rows.
        total: Rows of the input.
        rank: Of this process, from 0.
        processes: How many share the work.

    Attributes:
        left: Places in the input of the rows to answer here, ascending: of several processes the missing ones whose
            place, divided by `processes`, leaves `rank`. They do not depend on what the others have written meanwhile.
        part: This process's own file; None where it appends to `output`.
    """

    def __init__(self, output: Path | str, total: int, rank: int = 0, processes: int = 1) -> None:
        self.output, self.total = Path(output), total
        done, rows = _whole_rows(self.output), _rows(self.output)
        self.left, self.part = list(range(done, total)), None
        if _parts(self.output) or (processes > 1 and (done < total or rank)):
            self.left = [place for place in self.left if place % processes == rank and place not in rows]
            self.part = self.output.with_name(f"{self.output.name}.part-{rank}")

    def append(self, rows: Iterable[dict[str, Any]], written: Callable[[Any], None]) -> None:
        """Write the answered rows of `left`, in its order, as they come; `written` is told of each.

        Raises:
            TrainerError: Another process is writing the same file.
        """
        if self.left:
            append(self.part or self.output, zip(self.left, rows) if self.part else rows, written)

    def finish(self) -> bool:
        """Put the parts together if nothing is missing any more.

        Returns:
            Whether `output` is whole now; of several processes only the one that made it so says yes.
        """
        if self.part is None:
            return _whole_rows(self.output) == self.total
        with _alone(self.output, wait=True) as file:
            places, parts, rows = range(_whole_rows(self.output), self.total), _parts(self.output), _rows(self.output)
            if not parts or any(place not in rows for place in places):  # or another process has put them together
                return False
            # Killed here, the file is a longer beginning, and what is missing of it stands in the parts still.
            file.writelines(rows[place] for place in places)
            file.flush()
            for part in parts:
                part.unlink()
            return True


def forget_failed(output: Path | str) -> int:
    """Take the rows with an `error` and no answer out of the file, so that they are asked again.

    An answer that was cut off, or cannot be read, would be the same again.

    Returns:
        How many there were; 0 while the parts of several processes are not put together yet.
    """
    output = Path(output)
    failed = [place for place, row in enumerate(rows_in(output)) if "error" in row and not row.get("raw")]
    if _parts(output) or not failed:
        return 0
    # The good rows after the first failed one become a part; only when it is whole the file itself is cut.
    lines, again = output.read_bytes().splitlines(), set(failed)
    good = (place for place in range(failed[0], len(lines)) if place not in again)
    part = b"".join(b"[%d,%b]\n" % (place, lines[place]) for place in good)
    write_file(output.with_name(f"{output.name}.part-kept"), part)
    os.truncate(output, sum(len(line) + 1 for line in lines[: failed[0]]))
    return len(failed)


def append(output: Path | str, rows: Iterable[Any], written: Callable[[Any], None]) -> None:
    """Append rows as they come, one write and flush per row; `written` is told of each.

    Raises:
        TrainerError: Another process is writing the file.
    """
    output = Path(output)
    with writing(output), _alone(output) as file:
        _whole_rows(output)  # a line that a kill cut off
        for row in rows:
            file.write(orjson.dumps(row, option=orjson.OPT_APPEND_NEWLINE))
            file.flush()
            written(row)


def rows_in(output: Path | str) -> Iterator[dict[str, Any]]:
    """The rows written so far."""
    with open(output, "rb") as lines:
        yield from map(orjson.loads, lines)


def record_path(output: Path) -> Path:
    """Where the record of `output` stands."""
    return output.with_name(output.name + ".run.json")


def _parts(output: Path) -> list[Path]:
    return sorted(path for path in output.parent.glob("*") if path.name.startswith(f"{output.name}.part-"))


def _rows(output: Path) -> dict[int, bytes]:
    """Place in the input → line for `output`, of all whole lines of the parts, `[17,{…}]`."""
    rows = {}
    for part in _parts(output):
        for line in part.read_bytes().splitlines(keepends=True):
            if line.endswith(b"\n"):
                place, _, row = line[1:-2].partition(b",")
                rows[int(place)] = row + b"\n"
    return rows


def _record(output: Path) -> dict[str, Any]:
    absent = f"{output} is there, but not from this command (another --output, or --overwrite)"
    record = read_object(record_path(output), absent, "start anew with --overwrite")
    return {"engine" if key == "backend" else key: value for key, value in record.items()}  # as it was called


def _whole_rows(output: Path) -> int:
    """Count the rows, and cut off what follows the last line end."""
    count = end = 0
    with open(output, "rb") as lines:
        for line in lines:
            if line.endswith(b"\n"):
                count, end = count + 1, end + len(line)
    if end < output.stat().st_size:
        os.truncate(output, end)
    return count


@contextmanager
def _alone(path: Path, wait: bool = False) -> Iterator[BinaryIO]:
    """A file to append to, other processes kept off; the system lets go of it when this one ends, however it ends."""
    with open(path, "ab") as file:
        try:
            import fcntl

            fcntl.flock(file, fcntl.LOCK_EX | (0 if wait else fcntl.LOCK_NB))
        except ImportError:  # Windows has no such lock
            pass
        except BlockingIOError:
            remedy = "wait for it, or another --output"
            raise TrainerError(f"{path} is being written by another process ({remedy})") from None
        yield file
