"""Everything random, drawn from one keyed digest of (seed, epoch, record content).

No generator is carried from record to record and no path or line number enters, so the rows are the
same whatever the process count, the shard order or the place of the file.
"""

import struct
from collections.abc import Sequence
from hashlib import blake2b

_KEYS_PER_DIGEST = 32  # 64 bytes, two for each sorting key


class Draw:
    """Random choices for records, reproducible from their content.

    >>> draw = Draw(seed=1, epoch=0)
    >>> keys = draw.keys("some text", 4)
    >>> shuffled(["a", "b", "c", "d"], keys) == shuffled(["a", "b", "c", "d"], draw.keys("some text", 4))
    True
    """

    def __init__(self, seed: int, epoch: int) -> None:
        self._base = blake2b(key=f"{seed}:{epoch}".encode(), digest_size=64)

    def keys(self, content: str, count: int) -> tuple[int, ...]:
        """At least `count` sorting keys (16 bits each) for a record with this content."""
        digest = self._base.copy()
        digest.update(content.encode())
        first = digest.digest()
        if count <= _KEYS_PER_DIGEST:
            return struct.unpack("<32H", first)
        blocks = [first]
        for block in range(1, -(-count // _KEYS_PER_DIGEST)):
            blocks.append(blake2b(first, digest_size=64, salt=block.to_bytes(16, "little")).digest())
        return struct.unpack(f"<{_KEYS_PER_DIGEST * len(blocks)}H", b"".join(blocks))


def shuffled(items: Sequence[str], keys: Sequence[int]) -> list[str]:
    """The items in the order of their keys (a random permutation where the keys are random)."""
    order = sorted(range(len(items)), key=keys.__getitem__)
    return [items[position] for position in order]


def batches(labels: Sequence[str], split_num: int) -> list[list[str]]:
    """Cut labels into the fewest batches of at most `split_num`, as even as can be.

    The original lets a remainder of fewer than `split_num // 2` labels join the last batch, which
    then exceeds the limit; here no batch does. `split_num=-1` means one batch.

    >>> [len(batch) for batch in batches("abcdefghi", 6)]
    [5, 4]
    >>> batches("abc", -1)
    [['a', 'b', 'c']]
    """
    total = len(labels)
    if not total:
        return []
    count = 1 if split_num < 0 else -(-total // split_num)
    size, larger = divmod(total, count)
    cuts = [0]
    for number in range(count):
        cuts.append(cuts[-1] + size + (number < larger))
    return [list(labels[start:end]) for start, end in zip(cuts, cuts[1:])]
