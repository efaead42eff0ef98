"""The lines of files that others wrote: none is read that would fill the memory, none beyond the end of a listing."""

import gzip
import lzma
import zlib
from collections.abc import Iterator
from io import DEFAULT_BUFFER_SIZE, BufferedReader, BytesIO
from math import inf
from typing import Any, BinaryIO, cast

from fsspec.spec import AbstractBufferedFile
from fsspec.utils import infer_compression

__all__ = ["LINE_BYTES", "UNPACKABLE", "Overlong", "is_packed", "limited", "lines_in", "unpacked"]

UNPACKABLE = (EOFError, ValueError, ImportError, gzip.BadGzipFile, zlib.error, lzma.LZMAError)
"""What reading a damaged packed file raises, or one that a missing package reads."""

LINE_BYTES = 64 << 20
"""A longer line is no record that anybody wrote."""

_BLOCK = 1 << 20
_SHOWN = 200


class Overlong(bytes):
    """The beginning of a line that is longer than `LINE_BYTES`; the rest was passed over."""


def is_packed(file: str) -> bool:
    """Whether a file's name says that it is compressed: such a one is read from its beginning only."""
    return infer_compression(file) is not None


def unpacked(file: str) -> str:
    """The name of a file, without what says how it is compressed.

    >>> unpacked("s3://bucket/letters.txt.gz"), unpacked("letters.txt")
    ('s3://bucket/letters.txt', 'letters.txt')
    """
    return file.rpartition(".")[0] if is_packed(file) else file


def limited(file: Any, block: int = DEFAULT_BUFFER_SIZE) -> BinaryIO:
    """A file whose `readline` takes a limit, from its place on: those of remote file systems take none.

    Args:
        file: Opened for bytes.
        block: Bytes that are fetched of a remote one together.
    """
    return cast(BinaryIO, BufferedReader(file, block) if isinstance(file, AbstractBufferedFile) else file)


def lines_in(file: BinaryIO, span: float = inf, size: float = inf) -> Iterator[bytes]:
    r"""The lines of a file from its place on, with their ends; `Overlong` in place of one that is too long.

    Args:
        file: Opened for bytes, at the beginning of a line.
        span: Bytes in which the lines begin.
        size: Bytes that may be read at all; what was appended to the file since they were counted is left.

    Raises:
        EOFError: The file has fewer bytes than `span` or `size`.

    >>> list(lines_in(BytesIO(b"a\nb\nc"), span=3)), list(lines_in(BytesIO(b"a\nb"), size=1))
    ([b'a\n', b'b\n'], [b'a'])
    """
    done, file = 0, limited(file)
    # Block by block: asking the file for each line costs half as much as parsing it.
    while (wanted := min(_BLOCK, span - done, size - done)) > 0:
        block = file.read(int(wanted))
        if not block:
            if wanted < _BLOCK or size < inf:
                raise EOFError("the file ends before its end")
            return
        done += len(block)
        if block.endswith(b"\n"):
            yield from BytesIO(block)
            continue
        tail = len(block) - block.rfind(b"\n") - 1
        rest = file.readline(int(min(LINE_BYTES - tail, size - done)))
        done += len(rest)
        passed = 0
        if tail + len(rest) == LINE_BYTES and not rest.endswith(b"\n"):
            passed = pass_over(file, size - done)
        if not passed:
            yield from BytesIO(block + rest)
            continue
        done += passed
        yield from BytesIO(block[:-tail])
        yield Overlong(block[-tail:][:_SHOWN])


def pass_over(file: BinaryIO, most: float = inf) -> int:
    """Go to the end of the line, at most so many bytes further; how many those were."""
    passed = 0
    while part := file.readline(int(min(_BLOCK, most - passed))):
        passed += len(part)
        if part.endswith(b"\n"):
            break
    return passed
