"""Everything random, drawn from one keyed digest of (seed, epoch, record content).

No generator is carried from record to record and no path or line number enters, so the rows are the
same whatever the process count, the shard order or the place of the file.
"""

import struct
from collections.abc import Callable, Sequence
from functools import cache
from hashlib import blake2b

__all__ = ["Draw", "shuffled"]

_KEYS_PER_DIGEST = 32  # 64 bytes, two for each sorting key


class Draw:
    """Random choices for records, reproducible from their content.

    >>> draw = Draw(seed=1, epoch=0)
    >>> keys = draw.keys(b"some text", 4)
    >>> shuffled(["a", "b", "c", "d"], keys) == shuffled(["a", "b", "c", "d"], draw.keys(b"some text", 4))
    True
    """

    def __init__(self, seed: int, epoch: int) -> None:
        key = f"{seed}:{epoch}".encode()
        if len(key) > blake2b.MAX_KEY_SIZE:
            key = blake2b(key).digest()
        self._base = blake2b(key=key, digest_size=64)

    def keys(self, content: bytes, count: int) -> tuple[int, ...]:
        """`count` sorting keys (16 bits each) for a record with this content."""
        digest = self._base.copy()
        digest.update(content)
        drawn = first = digest.digest()
        for block in range(1, -(-count // _KEYS_PER_DIGEST)):
            drawn += blake2b(first, digest_size=64, salt=block.to_bytes(16, "little")).digest()
        return _keys(count)(drawn)


@cache
def _keys(count: int) -> Callable[[bytes], tuple[int, ...]]:
    return struct.Struct(f"<{count}H").unpack_from


def shuffled(items: Sequence[str], keys: Sequence[int]) -> list[str]:
    """The items in the order of their keys (a random permutation where the keys are random)."""
    order = sorted(range(len(items)), key=keys.__getitem__)
    return [items[position] for position in order]


def batches(labels: Sequence[str], split_num: int, remainder: str = "even") -> list[Sequence[str]]:
    """Cut labels into the fewest batches of at most `split_num`, as even as can be.

    The original lets a remainder of fewer than `split_num // 2` labels join the last batch, which then exceeds the
    limit; `remainder="merge"` does the same. `split_num=-1` means one batch.

    >>> [len(batch) for batch in batches("abcdefg", 6)]
    [4, 3]
    >>> [len(batch) for batch in batches("abcdefg", 6, "merge")]
    [7]
    >>> batches(["a", "b", "c"], -1)
    [['a', 'b', 'c']]
    """
    return [labels[start:end] for start, end in _bounds(len(labels), split_num, remainder)]


@cache
def _bounds(total: int, split_num: int, remainder: str) -> list[tuple[int, int]]:
    if not total:
        return []
    if split_num < 0:
        return [(0, total)]
    if remainder == "merge":
        cuts = [*range(0, total, split_num), total]
        if len(cuts) > 2 and total - cuts[-2] < split_num // 2:
            del cuts[-2]
    else:
        count = -(-total // split_num)
        size, larger = divmod(total, count)
        cuts = [number * size + min(number, larger) for number in range(count + 1)]
    return list(zip(cuts, cuts[1:]))


def apart(cut: Sequence[Sequence[str]], key: Callable[[str], str]) -> list[Sequence[str]]:
    """The same batches, but no two labels with one answer key in one batch; those that collide move.

    >>> apart([["a1", "a2", "b1"], ["c1"]], key=lambda label: label[0])
    [['a1', 'b1'], ['c1', 'a2']]
    """
    limit = max(map(len, cut), default=0)
    kept: list[dict[str, str]] = [{} for _ in cut]
    moved = [
        label for batch, labels in zip(kept, cut) for label in labels if batch.setdefault(key(label), label) != label
    ]
    for label in moved:
        room = (batch for batch in kept if key(label) not in batch and len(batch) < limit)
        batch = next(room, None)
        if batch is None:
            kept.append(batch := {})
        batch[key(label)] = label
    return [list(batch.values()) for batch in kept]
