"""Which rows go together, and that every one is trained on exactly once per epoch, on any number of processes."""

from collections.abc import Callable, Iterator, Sequence
from typing import Any

from torch import Generator
from torch.utils.data import Sampler
from transformers.trainer_pt_utils import get_length_grouped_indices

from .tokens import IGNORED


class ByLength(Sampler):
    """Shuffled order in which rows of similar length stand together, the same on every process.

    transformers' own sampler draws from the global random state, which drifts apart between processes (dropout
    on a CPU draws from it, too): rows would then be seen twice or never. This one draws from the seed and the
    epoch alone, which also makes a resumed run see the rows of the interrupted one.

    Args:
        lengths: Tokens of each row.
        batch: Rows that are trained on together, over all processes and accumulation steps.
        seed: Seed of the order.
    """

    def __init__(self, lengths: Sequence[int], batch: int, seed: int) -> None:
        self.lengths, self.batch, self.seed, self.epoch = lengths, batch, seed, 0

    def __len__(self) -> int:
        return len(self.lengths)

    def __iter__(self) -> Iterator[int]:
        generator = Generator().manual_seed(self.seed + self.epoch)
        return iter(get_length_grouped_indices(self.lengths, self.batch, generator=generator))

    def set_epoch(self, epoch: int) -> None:
        """Called by the trainer before each epoch."""
        self.epoch = epoch


def even(rows: Any, multiple: int, filler: int) -> Any:
    """Fill up an encoded dataset to a multiple of `multiple` rows with blank ones, which teach nothing.

    Several processes must take the same number of steps. Left alone, accelerate repeats the first rows until the
    numbers are even; a blank row, whose only label is masked, adds nothing to the loss.

    >>> from datasets import Dataset
    >>> rows = Dataset.from_dict({"id": ["a", "b", "c"], "input_ids": [[5, 6]] * 3, "labels": [[-100, 6]] * 3})
    >>> even(rows, 2, filler=0)[3]
    {'id': '', 'input_ids': [0, 0], 'labels': [-100, -100]}
    """
    from datasets import Dataset, concatenate_datasets

    lacking = -len(rows) % multiple
    if not lacking:
        return rows
    # Two tokens: the loss is shifted by one, and some models want something to shift.
    values = {"input_ids": [filler] * 2, "labels": [IGNORED] * 2, "length": 2, "seq_lengths": [2]}
    blank = {name: [values.get(name, "")] * lacking for name in rows.column_names}
    return concatenate_datasets([rows, Dataset.from_dict(blank, features=rows.features)])


def recording(collate: Callable[[list[dict[str, Any]]], Any], path: str) -> Callable[[list[dict[str, Any]]], Any]:
    """Wrap a collator so that it appends the ids of each batch's rows to `path`."""

    def record(rows: list[dict[str, Any]]) -> Any:
        with open(path, "a", encoding="utf-8") as file:
            file.writelines(f"{row['id']}\n" for row in rows if row["id"])
        return collate(rows)

    return record
