"""Which rows go together, and that every one is trained on exactly once per epoch, on any number of processes."""

from collections.abc import Iterator, Sequence
from typing import Any

from torch import Generator, randperm
from torch.utils.data import Sampler
from transformers import TrainerCallback

from ..tokenization.encode import IGNORED

_TOGETHER = 50  # batches that are sorted by length together


class EpochSampler(Sampler):
    """The order of an epoch, the same on every process, drawn from the seed and the epoch alone.

    transformers' own samplers draw from the global random state, which drifts apart between processes (dropout on a
    CPU draws from it, too), and after a restart of several processes they begin with the order of the first epoch:
    rows would be seen twice or never. This one also makes a resumed run see the rows of the interrupted one.

    Args:
        lengths: Tokens of each row.
        batch: Rows that are trained on together, over all processes and accumulation steps.
        seed: Seed of the order.
        by_length: Rows of similar length stand together; the batches come in any order, the one with the longest row
            first, so that memory runs out at once or never.
        draws: The rows are so many draws of equal size behind each other; each epoch sees one of them, in turn.

    >>> list(EpochSampler([1] * 4, 2, seed=0, draws=2)), len(EpochSampler([1] * 4, 2, seed=0, draws=2))
    ([0, 1], 2)
    """

    def __init__(self, lengths: Sequence[int], batch: int, seed: int, by_length: bool = True, draws: int = 1) -> None:
        self.lengths, self.batch, self.seed, self.by_length, self.draws = lengths, batch, seed, by_length, draws
        self.epoch = 0

    def __len__(self) -> int:
        return len(self.lengths) // self.draws

    def __iter__(self) -> Iterator[int]:
        generator = Generator().manual_seed(self.seed + self.epoch)
        start = self.epoch % self.draws * len(self)
        lengths = self.lengths[start : start + len(self)]
        order = grouped(lengths, self.batch, generator) if self.by_length else randperm(len(self), generator=generator)
        return (start + int(row) for row in order)

    def set_epoch(self, epoch: int) -> None:
        """Called by the trainer before each epoch."""
        self.epoch = epoch


class EpochFollower(TrainerCallback):
    """Tells a sampler which epoch it is: after a restart of several processes nobody else does."""

    def __init__(self, sampler: EpochSampler) -> None:
        self.sampler = sampler

    def on_epoch_begin(self, args: Any, state: Any, control: Any, **kwargs: Any) -> None:
        """Called by the trainer."""
        self.sampler.set_epoch(int(state.epoch or 0))


def grouped(lengths: Sequence[int], batch: int, generator: Generator) -> list[int]:
    """An order in which rows of similar length stand together, in batches that are themselves in any order.

    >>> order = grouped([5, 1, 5, 1, 9, 1, 5], 2, Generator().manual_seed(0))
    >>> sorted(order), order[0]
    ([0, 1, 2, 3, 4, 5, 6], 4)
    """
    shuffled = randperm(len(lengths), generator=generator).tolist()
    order: list[int] = []
    for start in range(0, len(shuffled), batch * _TOGETHER):
        order += sorted(shuffled[start : start + batch * _TOGETHER], key=lambda row: -lengths[row])
    batches = [order[start : start + batch] for start in range(0, len(order), batch)]
    last = batches.pop() if batches and len(batches[-1]) < batch else []  # a smaller one stays at the end
    batches = [batches[number] for number in randperm(len(batches), generator=generator).tolist()]
    if batches:
        longest = max(range(len(batches)), key=lambda number: max(lengths[row] for row in batches[number]))
        batches[0], batches[longest] = batches[longest], batches[0]
    return [row for part in [*batches, last] for row in part]


def ready(draws: list[Any], config: Any, filler: int) -> Any:
    """Encoded rows as a trainer takes them: packed where asked, each draw filled up with blank rows, all in one.

    Several processes must take the same number of steps, and each epoch as many as any other. Left alone, accelerate
    repeats the first rows until the numbers are even; a blank row, whose only label is masked, adds nothing to the
    loss.

    Args:
        draws: Datasets of `encode.encode`, one for each draw of the labels.
        config: A `trl.SFTConfig`.
        filler: The token of blank rows.
    """
    from datasets import concatenate_datasets

    if config.packing:
        draws = [packed(rows, config) for rows in draws]
    multiple = config.world_size * config.train_batch_size if config.world_size > 1 else 1
    size = max(map(len, draws))
    return concatenate_datasets([filled(rows, size + -size % multiple, filler) for rows in draws])


def packed(rows: Any, config: Any) -> Any:
    """Encoded rows in packs of `config.max_length` tokens, shuffled before by the seed."""
    from trl import pack_dataset

    from ..errors import TrainerError

    if config.max_length is None:
        raise TrainerError("--packing needs a --max_length: the tokens of a pack")
    bare = rows.shuffle(seed=config.seed).select_columns(["input_ids", "labels"])
    packs = pack_dataset(bare, config.max_length, config.packing_strategy, {"num_proc": config.dataset_num_proc})
    return packs.add_column("length", [sum(lengths) for lengths in packs["seq_lengths"]])


def filled(rows: Any, size: int, filler: int) -> Any:
    """Fill up an encoded dataset to `size` rows with blank ones, which teach nothing.

    >>> from datasets import Dataset
    >>> rows = Dataset.from_dict({"id": ["a", "b", "c"], "input_ids": [[5, 6]] * 3, "labels": [[-100, 6]] * 3})
    >>> filled(rows, 4, filler=0)[3]
    {'id': '', 'input_ids': [0, 0], 'labels': [-100, -100]}
    """
    from datasets import Dataset, concatenate_datasets

    lacking = size - len(rows)
    if not lacking:
        return rows
    values = blank(filler)
    added = {name: [values.get(name, "")] * lacking for name in rows.column_names}
    return concatenate_datasets([rows, Dataset.from_dict(added, features=rows.features)])


def blank(filler: int) -> dict[str, Any]:
    """A row that teaches nothing; two tokens, since the loss is shifted by one and some models want something left."""
    return {"input_ids": [filler] * 2, "labels": [IGNORED] * 2, "length": 2, "seq_lengths": [2], "id": ""}
