"""Rows to validate on, taken from the train split where there is no validation split: whole records, never parts."""

from collections import Counter
from hashlib import blake2b
from typing import Any

import orjson

from ..errors import TrainerError

LARGEST = 1000
SHARE = 0.01


def held_out_size(asked: float | None, rows: int) -> int:
    """How many rows to hold out: what is asked for, as a number or a share below 1, or the default.

    >>> held_out_size(None, 5_000), held_out_size(None, 500_000), held_out_size(0.1, 5_000), held_out_size(300, 5_000)
    (50, 1000, 500, 300)
    >>> held_out_size(0.0001, 100)
    1
    """
    if asked is None:
        return min(LARGEST, max(int(rows * SHARE), 1))
    return max(int(rows * asked), 1) if asked < 1 else int(asked)


def drawn(rows: Any, count: int, seed: int) -> set[bytes]:
    """Records to hold out, at least `count` rows of them: the last one makes it whole.

    Rows of one record (the same id), and rows about the same text, stay together: what is validated on was not read
    in training. Which go is drawn by the seed from what they are, whatever their order.

    Raises:
        TrainerError: Nothing would be left to train on.
    """
    sizes = Counter(_keys(rows, seed))
    out: set[bytes] = set()
    held = 0
    for key in sorted(sizes):
        if held >= count:
            break
        out.add(key)
        held += sizes[key]
    if held >= len(rows):
        raise TrainerError(
            f"holding out {count:,} of {len(rows):,} rows leaves none to train on (smaller --val_set_size)"
        )
    return out


def hold_out(rows: Any, out: set[bytes], seed: int) -> tuple[Any, ...]:
    """(rows to train on, held-out rows), each in the order of `rows`; see `drawn` for `out`."""
    keys = _keys(rows, seed)
    return tuple(rows.select([n for n, key in enumerate(keys) if (key in out) == held]) for held in (False, True))


def _keys(rows: Any, seed: int) -> list[bytes]:
    """A number for each row, the same for all rows of a record or a text."""
    first: dict[str, str] = {}
    keys = []
    names = [name for name in ("id", "instruction") if name in rows.column_names]
    for batch in rows.select_columns(names).iter(10_000):
        for id, instruction in zip(batch.get("id", [""] * len(batch["instruction"])), batch["instruction"]):
            text = text_of(instruction)
            if id:
                text = first.setdefault(id, text)  # windows of a record differ: its first one stands for all
            keys.append(blake2b(f"{seed} {text}".encode("utf-8", "surrogatepass"), digest_size=8).digest())
    return keys


def text_of(instruction: str) -> str:
    """The text that an instruction asks about; of one that is none of ours, all of it.

    >>> text_of('{"instruction": "…", "schema": [], "input": "In Ulm"}'), text_of("Which cities?")
    ('In Ulm', 'Which cities?')
    """
    try:
        return str(orjson.loads(instruction)["input"])
    except (orjson.JSONDecodeError, KeyError, TypeError):
        return instruction
