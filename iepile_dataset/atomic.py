"""Files and folders that appear whole or not at all."""

import errno
import json
import os
import re
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from secrets import token_hex
from typing import Any

from .errors import DataError

try:
    import fcntl
except ImportError:  # Windows has no such lock
    fcntl = None  # type: ignore[assignment]

__all__ = [
    "Proof", "final_place", "json_text", "lock_folder", "new_folder", "refuse_taken", "write_file", "writing",
    "written_beside",
]  # fmt: skip

_REMEDIES = {
    **dict.fromkeys((errno.ENOSPC, errno.EDQUOT), "make room, or choose another place"),
    **dict.fromkeys((errno.EACCES, errno.EPERM, errno.EROFS), "choose a place that you may write"),
    **dict.fromkeys((errno.EISDIR, errno.ENOTDIR, errno.EEXIST, errno.ENOTEMPTY), "choose another place"),
    **dict.fromkeys((errno.EIO, errno.EFBIG, errno.ENAMETOOLONG), "choose another place"),
}
_UNKNOWN = -1  # in place of a lock, where the file system has none: then nothing is removed


def json_text(value: Any) -> str:
    r"""JSON for people to read, as all our files of one object have it.

    Names of files may hold bytes that are no UTF-8, which Python keeps as halves of characters: these are escaped.

    >>> print(json_text("a\udcff, ü"), end="")
    "a\udcff, ü"
    """
    text = json.dumps(value, ensure_ascii=False, indent=2) + "\n"
    return re.sub(r"[\ud800-\udfff]", lambda half: f"\\u{ord(half[0]):04x}", text)


class NotWritten(OSError, DataError):
    """A place that cannot be written; the message names it, whatever was the file that the system refused."""

    def __str__(self) -> str:
        return str(self.args[0])


@contextmanager
def writing(place: Path) -> Iterator[None]:
    """Name the place where something in the block cannot be written.

    Raises:
        NotWritten: The disk is full, the folder read-only, a folder where a file should be, or the like.

    >>> with writing(Path("/dev/full")), open("/dev/full", "w") as file:  # doctest: +ELLIPSIS
    ...     _ = file.write("x")
    Traceback (most recent call last):
    iepile_dataset.atomic.NotWritten: /dev/full: cannot be written: No space left on device (make room, ...)
    """
    try:
        yield
    except NotWritten:
        raise
    except OSError as error:
        target, there = Path(os.path.realpath(place)), Path(os.path.realpath(error.filename or place))
        hidden = any(part.startswith(_prefix(target)) for part in there.parts)
        ours = hidden or target == there or target in there.parents or there in target.parents
        if error.errno not in _REMEDIES or not ours:  # or it is an input that cannot be read
            raise
        reason = os.strerror(error.errno)
        problem = NotWritten(f"{place}: cannot be written: {reason} ({_REMEDIES[error.errno]})")
        problem.errno, problem.strerror = error.errno, reason
        raise problem from None


def write_file(file: Path, content: bytes | str) -> None:
    """Write a file in one step: who reads it sees the old content or the new, and a break leaves nothing half done.

    Raises:
        NotWritten: See `writing`.

    >>> import tempfile
    >>> folder = Path(tempfile.mkdtemp())
    >>> write_file(folder / "new" / "a.txt", "x")
    >>> [path.name for path in (folder / "new").iterdir()]
    ['a.txt']
    """
    with written_beside(file) as work:
        work.write_bytes(content.encode() if isinstance(content, str) else content)


@contextmanager
def written_beside(place: Path) -> Iterator[Path]:
    """Where to write a file, or a folder that replaces none: it takes its place when the block ends without an error.

    A link stays one. What is neither file nor folder, such as `/dev/stdout`, is written as it is.

    Raises:
        NotWritten: See `writing`.

    >>> import tempfile
    >>> folder = Path(tempfile.mkdtemp())
    >>> with written_beside(folder / "a.txt") as work:
    ...     _ = work.write_text("x")
    >>> [path.name for path in folder.iterdir()]
    ['a.txt']
    """
    if place.exists() and not (place.is_file() or place.is_dir()):
        with writing(place):
            yield place
        return
    target = Path(os.path.realpath(place))
    with writing(place), _work_folder(target) as around:
        work = around / target.name
        yield work
        for path in (work, *sorted(work.rglob("*"))):
            _flush(path)
        os.replace(work, target)
        _flush(target.parent)


def _prefix(place: Path) -> str:
    """What the names of the hidden folders beside a place begin with."""
    return f".{place.name[:80]}.iepile-"


def _flush(path: Path) -> None:
    """Have the disk hold a file, or the names in a folder."""
    opened = os.open(path, os.O_RDONLY)
    try:
        os.fsync(opened)
    except OSError as error:
        if error.errno not in (errno.EINVAL, errno.ENOTSUP):  # a file system that knows no such thing
            raise
    finally:
        os.close(opened)


@contextmanager
def _work_folder(place: Path) -> Iterator[Path]:
    """A hidden folder beside a place, locked while its maker lives; those that killed runs left are removed."""
    place.parent.mkdir(parents=True, exist_ok=True)
    prefix = _prefix(place)
    for old in [path for path in place.parent.iterdir() if path.name.startswith(prefix)]:
        if (lock := lock_folder(old)) is not None and lock != _UNKNOWN:
            shutil.rmtree(old, ignore_errors=True)
            os.close(lock)
    around, lock = place, None
    try:
        while lock is None:  # who removes old ones may have taken a new one for one of them
            around = place.parent / f"{prefix}{token_hex(8)}"
            around.mkdir(mode=0o700)
            lock = lock_folder(around)
        yield around
    finally:
        if around != place:
            shutil.rmtree(around, ignore_errors=True)
        if lock is not None and lock != _UNKNOWN:
            os.close(lock)


def lock_folder(folder: Path) -> int | None:
    """Open a folder and keep it until it is closed, or this process ends however it does.

    Returns:
        A number for `os.close`; -1 where there are no such locks, None where another has it, or it is gone.

    >>> import tempfile
    >>> folder = Path(tempfile.mkdtemp())
    >>> lock_folder(folder) is None, lock_folder(folder) is None
    (False, True)
    """
    if fcntl is None:
        return _UNKNOWN
    try:
        opened = os.open(folder, os.O_RDONLY)
    except OSError:
        return None
    try:
        fcntl.flock(opened, fcntl.LOCK_EX | fcntl.LOCK_NB)
        if os.path.samestat(os.fstat(opened), os.stat(folder)):
            return opened
    except (BlockingIOError, FileNotFoundError):
        pass
    except OSError:
        os.close(opened)
        return _UNKNOWN
    os.close(opened)
    return None


@dataclass(frozen=True)
class Proof:
    """What a folder must hold so that it may be replaced.

    Attributes:
        file: A JSON file, e.g. `manifest.json`.
        key: A key that its object has.
        words: What is said of a folder that holds it, e.g. "already prepared".
    """

    file: str
    key: str
    words: str


def final_place(out: str | os.PathLike[str]) -> Path:
    """Where a folder will lie, links followed, so that a link stays one and a later change of folder does no harm.

    Raises:
        DataError: It is the current folder or one above it, which cannot be replaced.

    >>> final_place("a/../rows") == Path.cwd().resolve() / "rows"
    True
    """
    place = Path(os.path.realpath(out))
    here = Path(os.path.realpath("."))
    if place == here or place in here.parents:
        raise DataError(f"{out}: this is the current folder or holds it (choose another --out)")
    return place


def refuse_taken(place: Path, proof: Proof, overwrite: bool) -> None:
    """A DataError where something is in the way that may not, or was not asked to, be replaced."""
    if place.is_symlink() or (place.exists() and not place.is_dir()):
        raise DataError(f"{place}: a file is in the way (choose another --out)")
    if not place.exists() or not any(place.iterdir()):
        return
    try:
        facts = json.loads((place / proof.file).read_text("utf-8"))
    except (OSError, ValueError, RecursionError):
        facts = None
    if not isinstance(facts, dict) or proof.key not in facts:
        raise DataError(f"{place}: the folder holds other things, which are left alone (choose another --out)")
    if not overwrite:
        raise DataError(f"{place}: {proof.words} (use it, or --overwrite to make it again)")


@contextmanager
def new_folder(place: Path, proof: Proof, overwrite: bool) -> Iterator[Path]:
    """A new folder that takes its final place when the block ends, and vanishes where an error ends it.

    It lies beside that place, hidden, so that the last step is a rename. A folder that is replaced is moved away in
    one step too: what lies there is always whole. What killed runs left is removed.

    Args:
        place: As `final_place` gives it.
        proof: What a folder there must hold to be replaced.
        overwrite: Whether one may be.

    Raises:
        NotWritten: See `writing`.

    >>> import tempfile
    >>> place = Path(tempfile.mkdtemp()).resolve() / "rows"
    >>> with new_folder(place, Proof("a.json", "a", "is there"), overwrite=False) as work:
    ...     _ = (work / "a.json").write_text('{"a": 1}')
    >>> [file.name for file in place.iterdir()], [path.name for path in place.parent.iterdir()]
    (['a.json'], ['rows'])
    """
    with writing(place), _work_folder(place) as around:
        work, replaced = around / "new", around / "old"
        work.mkdir()
        yield work
        refuse_taken(place, proof, overwrite)  # another run may have been faster
        for path in sorted(work.rglob("*")):
            _flush(path)
        try:
            if place.exists():
                os.replace(place, replaced)
            os.replace(work, place)
        except BaseException:  # an interruption too: what was moved away would be removed at the end
            if replaced.exists() and not place.exists():
                os.replace(replaced, place)
            raise
        _flush(place.parent)
