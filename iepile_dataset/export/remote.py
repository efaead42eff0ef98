"""A prepared folder behind an address such as `s3://bucket/rows`: who made a part puts it there."""

import hashlib
import json
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import replace
from pathlib import Path
from tempfile import TemporaryDirectory

import fsspec

from ..atomic import Proof
from ..errors import DataError
from ..options import Options
from .writer import Part, Written, write_part

__all__ = ["new_remote_folder", "put_part"]


@contextmanager
def new_remote_folder(address: str, proof: Proof, overwrite: bool) -> Iterator[Path]:
    """A folder of this machine whose files are put to the address when the block ends; an error removes all of them.

    The file of the proof comes last: without it a folder there is not whole.

    Raises:
        DataError: Something is there that may not, or was not asked to, be replaced.
    """
    if address.startswith("hf://"):
        raise DataError(f"{address}: each file would be a commit (prepare a folder here, and iepile push it)")
    with _reaching(address):
        if files := _files(address):
            facts = None
            filesystem, base = fsspec.core.url_to_fs(address)
            with suppress(OSError, ValueError):
                facts = json.loads(filesystem.cat_file(f"{base}/{proof.file}"))
            if not isinstance(facts, dict) or proof.key not in facts:
                raise DataError(f"{address}: other things are there, which are left alone (choose another --out)")
            if not overwrite:
                raise DataError(f"{address}: {proof.words} (use it, or --overwrite to make it again)")
            filesystem.rm(files)
    with TemporaryDirectory() as folder:
        work = Path(folder)
        try:
            yield work
            for file in sorted(filter(Path.is_file, work.rglob("*")), key=lambda file: file.name == proof.file):
                _put(file, f"{address}/{file.relative_to(work).as_posix()}")
        except BaseException:
            if files := _files(address):
                fsspec.core.url_to_fs(address)[0].rm(files)
            raise


def put_part(part: Part, options: Options, form: str, work: Path, address: str) -> Written:
    """Write a part, see `writer.write_part`, and put it where it would lie were `work` at `address`."""
    with TemporaryDirectory() as folder:
        file = Path(folder) / part.path.name
        written = write_part(replace(part, path=file), options, form)
        if not file.exists():
            return written
        name = part.path.relative_to(work).as_posix()
        _put(file, f"{address}/{name}")
        with file.open("rb") as data:
            return replace(written, files={name: hashlib.file_digest(data, "sha256").hexdigest()})


def _files(address: str) -> list[str]:
    """What lies below an address now."""
    filesystem, base = fsspec.core.url_to_fs(address)
    filesystem.invalidate_cache()
    return list(filesystem.find(base)) if filesystem.exists(base) else []


def _put(file: Path, address: str) -> None:
    with _reaching(address):
        filesystem, place = fsspec.core.url_to_fs(address)
        filesystem.makedirs(place.rpartition("/")[0], exist_ok=True)
        filesystem.put_file(str(file), place)


@contextmanager
def _reaching(address: str) -> Iterator[None]:
    """A DataError in place of whatever keeps from an address: each file system has errors of its own."""
    try:
        yield
    except DataError:
        raise
    except Exception as error:
        reason = (str(error).strip() or type(error).__name__).splitlines()[0]
        remedy = "mend the address, the connection or the key, or install what reads it"
        raise DataError(f"{address}: cannot be reached: {reason} ({remedy})") from error
