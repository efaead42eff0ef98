"""Predictions files: JSON lines of rows, plain or gzipped, with what is wrong in them kept as values."""

import os
import re
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, replace
from io import BytesIO
from pathlib import Path
from typing import Any

import orjson

from .accumulator import Accumulator, Returned
from .row_layout import OURS, as_ours, layout_of
from .variants import MARKS, first_way

__all__ = ["layout", "rows_of"]

BOM = b"\xef\xbb\xbf"
LONGEST = 64 << 20  # bytes of a line, or of an element of an array
PART = 8_000_000  # bytes of file that are worth a process
_BLOCK = 1 << 20
_TOKEN = re.compile(rb'"(?:[^"\\]|\\.)*+"|["\[\]{},]', re.S)


class TooLong(bytes):
    """The beginning of a line that is longer than `LONGEST`; the rest was passed over."""


class Marked(Exception):
    """A row has one of the fields of `MARKS`."""


@dataclass(frozen=True)
class BadLine:
    """A line that could not be scored, and why."""

    file: str
    line: int
    reason: str

    def __str__(self) -> str:
        return f"{self.file}:{self.line}: {self.reason}"


def lines_of(path: Path, start: int = 0, end: int | None = None) -> Iterator[bytes]:
    """Yield the lines that begin in a range of bytes; all lines of a file whose name ends in .gz.

    The elements of a file that is one JSON array are its lines. A byte order mark is left out. A line that would fill
    the memory is `TooLong`.

    Raises:
        ValueError: it is in another encoding than UTF-8, or no array though it begins like one.
    """
    import gzip

    with gzip.open(path) if path.suffix == ".gz" else path.open("rb") as file:
        if not start:
            beginning = file.read(4)
            if reason := wrong_encoding(beginning):
                raise ValueError(f"{path}:1: {reason}")
            file.seek(len(BOM) if beginning.startswith(BOM) else 0)
            if _is_array(beginning):
                yield from _elements(path, file)
                return
        if start:
            file.seek(start - 1)
            _pass_over(file)
        while (left := _BLOCK if end is None else end - file.tell()) > 0 and (block := file.read(min(_BLOCK, left))):
            tail = len(block) - block.rfind(b"\n") - 1
            rest = file.readline(LONGEST - tail) if tail else b""
            if tail + len(rest) == LONGEST and not rest.endswith(b"\n") and _pass_over(file):
                yield from BytesIO(block[:-tail])
                yield TooLong(block[-tail:][:80])
            else:
                yield from BytesIO(block + rest)


def _pass_over(file: Any) -> int:
    """Go to the end of the line; how many bytes that was."""
    passed = 0
    while part := file.readline(_BLOCK):
        passed += len(part)
        if part.endswith(b"\n"):
            break
    return passed


def _is_array(beginning: bytes) -> bool:
    """Whether a file that begins so is one JSON array."""
    return beginning.removeprefix(BOM).lstrip().startswith(b"[")


def _elements(path: Path, file: Any) -> Iterator[bytes]:
    """The elements of an array, each as soon as its end is there."""
    buffer, place, start, depth, count = b"", 0, 0, 0, 0
    while block := file.read(max(_BLOCK, len(buffer))):
        buffer, place, start = buffer[start:] + block, place - start, 0
        for token in _TOKEN.finditer(buffer, place):
            mark = token[0]
            if mark == b'"':  # of a string that goes on in the next block
                break
            place = token.end()
            if depth == 1 and mark in b",]" and buffer[start : token.start()].strip():
                yield buffer[start : token.start()].strip()
                count += 1
            depth += 1 if mark in b"[{" else -1 if mark in b"]}" else 0
            if depth == 0:
                if buffer[place:].strip() or file.read(_BLOCK).strip():
                    raise ValueError(f"{path}: something follows the JSON array: write one JSON object a line")
                return
            if depth == 1 and mark in b"[,":
                start = place
        if len(buffer) - start > LONGEST:
            reason = f"element {count + 1} of the JSON array is longer than {LONGEST >> 20} MB"
            raise ValueError(f"{path}: {reason}: write one JSON object a line")
    raise ValueError(f"{path}: a JSON array that breaks off after {count} elements: write one JSON object a line")


def wrong_encoding(beginning: bytes) -> str | None:
    """Say what is wrong with the first bytes of a file that is not UTF-8; the words are those of the dataset room.

    >>> wrong_encoding("{".encode("utf-16"))
    'the file is UTF-16 (save it as UTF-8: iconv -f UTF-16 -t UTF-8)'
    """
    if beginning.startswith((b"\xff\xfe", b"\xfe\xff")) or b"\0" in beginning[:2]:
        return "the file is UTF-16 (save it as UTF-8: iconv -f UTF-16 -t UTF-8)"
    return None


def read_rows(lines: Iterable[bytes], bad: list[BadLine], file: str = "") -> Iterator[tuple[int, dict[str, Any]]]:
    """Yield (line number, row); what is no row goes to `bad`. Blank lines are skipped.

    >>> bad: list[BadLine] = []
    >>> list(read_rows([b'{"output": "{}", "label": "[]"}', b'{"output": 3, "label": ""}'], bad, "a.jsonl"))
    [(1, {'output': '{}', 'label': '[]'})]
    >>> print(bad[0])
    a.jsonl:2: 'output' is int, not text: write its JSON as a string
    """
    loads = orjson.loads
    for number, line in enumerate(lines, 1):
        if line.__class__ is TooLong:
            bad.append(BadLine(file, number, f"the line is longer than {LONGEST >> 20} MB"))
            continue
        try:
            row = loads(line)
            if row["output"].__class__ is not str or row["label"].__class__ is not str or "prediction" in row:
                row = as_ours(row)
        except orjson.JSONDecodeError as error:
            if line.strip():
                bad.append(BadLine(file, number, _not_json(line, error)))
        except (KeyError, TypeError, ValueError):
            try:
                if not isinstance(row, dict):
                    raise ValueError(f"a row is a JSON object, this is {type(row).__name__}") from None
                yield number, as_ours(row)
            except ValueError as error:
                bad.append(BadLine(file, number, str(error)))
        else:
            yield number, row


def _not_json(line: bytes, error: ValueError) -> str:
    try:
        line.decode()
    except UnicodeDecodeError:
        return "not UTF-8 (save the file as UTF-8; if it is GBK: iconv -f GB18030 -t UTF-8)"
    return f"no JSON: {error}"


def layout(path: str | Path) -> str | None:
    """Say in one line which keys hold answers and gold, None where they are ours.

    Raises:
        ValueError: no such file, or its first row lacks one of them.
    """
    path = existing(path)
    for line in lines_of(path):
        if line.strip():
            try:
                row = orjson.loads(line)
                answer, gold = layout_of(row if isinstance(row, dict) else {})
            except orjson.JSONDecodeError:
                return None
            except ValueError as error:
                raise ValueError(f"{path}:1: {error}") from None
            return None if (answer, gold) == OURS else f"{path}: answers in {answer!r}, gold in {gold!r}"
    return None


def collect(
    path: Path, add: Callable[[dict[str, Any]], None], start: int = 0, end: int | None = None, unmarked: bool = False
) -> list[BadLine]:
    """Give the rows of a file, or of a range of its bytes, to a function.

    Args:
        path: JSON lines.
        add: Raises a ValueError or TypeError for a row that it does not take.
        start: Where the range begins.
        end: Where it ends; line numbers count from its start.
        unmarked: Stop where a row has one of the fields of `MARKS`.

    Returns:
        The lines that are no rows or were not taken.

    Raises:
        Marked: A row has one of these fields.
    """
    bad: list[BadLine] = []
    for number, row in read_rows(lines_of(path, start, end), bad, str(path)):
        if unmarked and not MARKS.isdisjoint(row):
            raise Marked
        try:
            add(row)
        except (ValueError, TypeError) as error:
            bad.append(BadLine(str(path), number, str(error)))
    return bad


def rows_of(path: str | Path, task: str | None = None) -> tuple[list[dict[str, Any]], list[BadLine]]:
    """Read all rows of a file that can be scored, and the lines that cannot.

    Where records were asked in several ways (`variants`), the rows are those of the first way.

    Raises:
        ValueError: there is no such file, or no row in it.
    """
    path = existing(path)
    rows = []
    check = Accumulator(task)

    def add(row: dict[str, Any]) -> None:
        check.add({**row, "id": None, "output": "{}"})
        rows.append(row)

    bad = collect(path, add)
    if not rows:
        raise ValueError(f"{path}: no row to score{first_of(bad)}")
    return list(first_way(rows)), bad


def first_of(bad: list[BadLine]) -> str:
    """The first of the lines that could not be scored, as the end of a message."""
    return f"; {len(bad)} bad lines, the first: {bad[0]}" if bad else ""


def existing(path: str | Path) -> Path:
    """A path at which there is a file.

    Raises:
        ValueError: there is none.
    """
    path = Path(path)
    if path.exists() and not path.is_file():
        what = "a folder" if path.is_dir() else "a pipe or a device, and a file is read more than once"
        raise ValueError(f"{path}: is {what}; give a file of JSON lines, as `iepile predict` writes it")
    if not path.is_file():
        raise ValueError(f"{path}: no such file; give a file of JSON lines, as `iepile predict` writes it")
    return path


def score_file(
    path: str | Path, task: str | None = None, processes: int | None = None, unmarked: bool = False, **options: Any
) -> tuple[dict[str, Any], list[BadLine]]:
    """Score a predictions file.

    Rows of one id unite, whatever else they say: `robustness.score_ways` scores a file whose records were asked in
    several ways. Memory stays flat while the batches of a record follow each other; if they do not, the file is read
    again with all records kept open. A big file is read in parts by several processes.

    Args:
        path: JSON lines (or one array) with `output`, `label`, and `id`, `task`, `source`, `instruction` where known;
            plain or .gz. For other keys see `row_layout`.
        task: The task of rows that do not name theirs.
        processes: At most so many; by default one for each core, and for each 8 MB.
        unmarked: Stop where a row has one of the fields of `variants.MARKS`.
        options: `match`, `count`, `parse` and `watch` of `Accumulator`; a watcher sees records once they
            are complete, so with one the file is read by one process with all records kept open.

    Returns:
        The scores as `iepile_metric.score` gives them, and the lines that could not be scored.

    Raises:
        ValueError: no such file, unknown option, or nothing in it can be scored.
        Marked: a row has one of these fields.
    """
    path = existing(path)
    if options.get("watch") is None:
        try:
            return _result(path, *_streamed(path, task, processes or os.cpu_count() or 1, options, unmarked))
        except Returned:
            pass
    return _result(path, *_scored(path, task, options, streamed=False, unmarked=unmarked))


def _result(path: Path, scores: Accumulator, bad: list[BadLine]) -> tuple[dict[str, Any], list[BadLine]]:
    try:
        return scores.result(), bad
    except Returned:
        raise
    except ValueError as error:
        raise ValueError(f"{path}: {error}{first_of(bad)}") from error


def _scored(
    path: Path,
    task: str | None,
    options: dict[str, Any],
    streamed: bool,
    start: int = 0,
    end: int | None = None,
    unmarked: bool = False,
) -> tuple[Accumulator, list[BadLine]]:
    scores = Accumulator(task, streamed=streamed, **options)
    return scores, collect(path, scores.add, start, end, unmarked)


def _streamed(
    path: Path, task: str | None, processes: int, options: dict[str, Any], unmarked: bool
) -> tuple[Accumulator, list[BadLine]]:
    size = path.stat().st_size
    parts = min(processes, size // PART)
    if parts < 2:
        return _scored(path, task, options, streamed=True, unmarked=unmarked)
    import multiprocessing
    from concurrent.futures import ProcessPoolExecutor

    with path.open("rb") as file:
        if _is_array(file.read(4)):
            parts = 1
    # Only forked processes hash alike, by which records that come back are noticed.
    if parts < 2 or path.suffix == ".gz" or "fork" not in multiprocessing.get_all_start_methods():
        return _scored(path, task, options, streamed=True, unmarked=unmarked)
    edges = [size * part // parts for part in range(parts + 1)]
    with ProcessPoolExecutor(parts - 1, mp_context=multiprocessing.get_context("fork")) as pool:
        others = [
            pool.submit(_scored, path, task, options, True, start, end, unmarked)
            for start, end in zip(edges[1:], edges[2:])
        ]
        scores, bad = _scored(path, task, options, True, 0, edges[1], unmarked)
        for start, other in zip(edges[1:], others):
            more, worse = other.result()
            scores.merge(more)
            before = _lines_before(path, start) if worse else 0
            bad += [replace(line, line=line.line + before) for line in worse]
    return scores, bad


def _lines_before(path: Path, start: int) -> int:
    """Count the lines that begin before a byte."""
    with path.open("rb") as file:
        return 1 + file.read(start - 1).count(b"\n")
