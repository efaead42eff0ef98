"""Byte ranges of files as shards, so that one big file is still many."""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import BinaryIO

import fsspec

from ..errors import DataError
from .lines import UNPACKABLE, is_packed, limited, lines_in, pass_over
from .sources import RUN_AGAIN, Source

_BLOCK = 1 << 20

Progress = Callable[[int, int], None]
"""Told of (bytes read so far, bytes in all)."""


def advancing(progress: Progress | None, total: int) -> Callable[[int], None]:
    """A function that adds to what has been read, and tells of it.

    >>> advance = advancing(print, 10)
    >>> advance(3); advance(4)
    3 10
    7 10
    """
    done = 0

    def advance(size: int) -> None:
        nonlocal done
        done += size
        if progress:
            progress(done, total)

    return advance


@dataclass(frozen=True)
class Segment:
    """The lines of one split file whose first byte lies in [start, end)."""

    source: Source
    split: str
    start: int
    end: int
    line: int | None = None
    """How many lines begin before `start`, where that is known already."""

    @property
    def file(self) -> str:
        """Address of the split file."""
        return self.source.files[self.split]

    def lines(self) -> Iterator[tuple[int, bytes]]:
        """(1-based line number, line) for each line that belongs to the segment.

        Raises:
            DataError: The file is another than the one that was listed, also where that shows only at the end.
        """
        size = self.source.sizes[self.split]
        self.source.refuse_changed(self.split)
        if is_packed(self.file):
            yield from self._packed_lines()
            return
        with fsspec.open(self.file, "rb") as opened:
            # Line by line, a remote file would fetch the same ranges again and again.
            file = limited(opened, _BLOCK)
            number, position = 1, 0
            if self.start:
                number = 1 + (_newlines(file, self.start) if self.line is None else self.line)
                # From one byte earlier: where a line begins exactly at `start`, that byte is its newline.
                file.seek(self.start - 1)
                position = self.start - 1 + pass_over(file, size - self.start + 1)
                number += position > self.start
            try:
                yield from enumerate(lines_in(file, min(self.end, size) - position, size - position), number)
            except EOFError:
                reason = f"it ends before byte {size:,}, where it ended when it was listed"
                raise DataError(f"{self.file}: changed while it was read: {reason} ({RUN_AGAIN})") from None
        self.source.refuse_changed(self.split)

    def _packed_lines(self) -> Iterator[tuple[int, bytes]]:
        try:
            with fsspec.open(self.file, "rb", compression="infer") as file:
                yield from enumerate(lines_in(file), 1)
        except UNPACKABLE as error:
            raise DataError(f"{self.file}: cannot be unpacked: {error} (pack it again)") from None
        self.source.refuse_changed(self.split)


def _newlines(file: BinaryIO, size: int) -> int:
    count = 0
    while size > 0 and (block := file.read(min(_BLOCK, size))):
        count += block.count(b"\n")
        size -= len(block)
    return count


Shard = tuple[Segment, ...]
"""What one worker generates in one go; a tuple, since `datasets` splits lists."""


def make_shards(sources: Sequence[Source], split: str, count: int | None = None, ahead: bool = False) -> list[Shard]:
    """Shards of a split in a fixed order: rows do not depend on how many there are.

    Args:
        sources: Those without the split are skipped.
        split: `train`, `validation` or `test`.
        count: How many shards; None gives one for each file.
        ahead: Read files of other file systems once now, to know the numbers of their lines; else each shard reads
            what lies before it, which is quadratic in their number.

    Returns:
        One shard a file, or `count` shards of equal size in bytes (fewer where there are fewer bytes).
    """
    having = [source for source in sources if split in source.files]
    if count is None:
        return [(Segment(source, split, 0, source.sizes[split]),) for source in having]
    # An empty file counts as one byte, so that some shard meets it and says that it is empty.
    sizes = [max(1, source.sizes[split]) for source in having]
    total = sum(sizes)
    cuts = [total * number // count for number in range(count + 1)]
    shards = []
    counter = _LineCounter(ahead)
    for low, high in zip(cuts, cuts[1:]):
        segments, offset = [], 0
        for source, size in zip(having, sizes):
            start, end = max(low - offset, 0), min(high - offset, size)
            if is_packed(source.files[split]):  # whole, where its first byte belongs
                start, end = (0, size) if low <= offset < high else (0, 0)
            if start < end:
                segments.append(Segment(source, split, start, end, counter.before(source.files[split], start)))
            offset += size
        if segments:
            shards.append(tuple(segments))
    return shards


class _LineCounter:
    """Counts the lines before rising places of files, each file read once; of remote ones only where asked."""

    def __init__(self, remote: bool) -> None:
        self._remote = remote
        self._file, self._place, self._lines = "", 0, 0

    def before(self, file: str, place: int) -> int | None:
        if not place or ("://" in file and not self._remote):
            return None
        if file != self._file:
            self._file, self._place, self._lines = file, 0, 0
        with fsspec.open(file, "rb") as data:
            data.seek(self._place)
            self._lines += _newlines(data, place - self._place)
        self._place = place
        return self._lines


def finer(shard: Shard) -> list[Shard]:
    """A shard as two halves, or one for each segment where it has several; for `.reshard()`."""
    if len(shard) > 1:
        return [(segment,) for segment in shard]
    (segment,) = shard
    middle = (segment.start + segment.end) // 2
    if middle - segment.start < _BLOCK or is_packed(segment.file):
        return [shard]
    return [
        (Segment(segment.source, segment.split, segment.start, middle, segment.line),),
        (Segment(segment.source, segment.split, middle, segment.end),),
    ]
