"""Files and folders that appear whole or not at all."""

import json
import os
import shutil
import socket
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from secrets import token_hex
from typing import Any

from .errors import DataError

__all__ = ["Proof", "final_place", "json_text", "new_folder", "refuse_taken", "write_file", "written_beside"]

_MINE: set[Path] = set()  # those that this process is making now


def json_text(value: Any) -> str:
    """JSON for people to read, as all our files of one object have it."""
    return json.dumps(value, ensure_ascii=False, indent=2) + "\n"


def write_file(file: Path, content: bytes | str) -> None:
    """Write a file in one step: who reads it sees the old content or the new, and a break leaves nothing half done.

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

    >>> import tempfile
    >>> folder = Path(tempfile.mkdtemp())
    >>> with written_beside(folder / "a.txt") as work:
    ...     _ = work.write_text("x")
    >>> [path.name for path in folder.iterdir()]
    ['a.txt']
    """
    place.parent.mkdir(parents=True, exist_ok=True)
    work = place.with_name(f".{place.name}-{token_hex(8)}")
    try:
        yield work
        os.replace(work, place)
    finally:
        if work.is_dir():
            shutil.rmtree(work, ignore_errors=True)
        else:
            work.unlink(missing_ok=True)


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

    >>> import tempfile
    >>> place = Path(tempfile.mkdtemp()).resolve() / "rows"
    >>> with new_folder(place, Proof("a.json", "a", "is there"), overwrite=False) as work:
    ...     _ = (work / "a.json").write_text('{"a": 1}')
    >>> [file.name for file in place.iterdir()], [path.name for path in place.parent.iterdir()]
    (['a.json'], ['rows'])
    """
    place.parent.mkdir(parents=True, exist_ok=True)
    prefix = f".{place.name}.{socket.gethostname()}."
    for old in [path for path in place.parent.iterdir() if path.name.startswith(prefix)]:
        process = old.name.removeprefix(prefix).partition("-")[0]
        if process.isdigit() and old not in _MINE and (int(process) == os.getpid() or not _alive(int(process))):
            shutil.rmtree(old, ignore_errors=True)
    around = place.parent / f"{prefix}{os.getpid()}-{token_hex(8)}"
    work, replaced = around / "new", around / "old"
    _MINE.add(around)
    try:
        around.mkdir(mode=0o700)  # in here: an interruption may come as soon as the folder is there
        work.mkdir()
        yield work
        refuse_taken(place, proof, overwrite)  # another run may have been faster
        try:
            if place.exists():
                os.replace(place, replaced)
            os.replace(work, place)
        except BaseException:  # an interruption too: what was moved away would be removed below
            if replaced.exists() and not place.exists():
                os.replace(replaced, place)
            raise
    finally:
        shutil.rmtree(around, ignore_errors=True)
        _MINE.discard(around)


def _alive(process: int) -> bool:
    try:
        os.kill(process, 0)
    except ProcessLookupError:
        return False
    except PermissionError:
        pass
    return True
