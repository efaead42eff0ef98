"""Training on a stream: rows are read, tokenised and counted while the model learns.

The shard rule. With one shard, or one process, every process reads the whole stream and trains on its share of each
batch. With more shards each process reads its own, so their number must be a multiple of the number of processes.
Either way each row is trained on once a pass, and where rows run out blank ones fill the last batches.
"""

from collections.abc import Iterable, Iterator
from itertools import count, islice
from typing import Any

from torch import Generator
from torch.utils.data import IterableDataset

from ..errors import TrainerError
from ..tokenization.length_report import LEARNT, Tally
from .sampler import blank, grouped, packed

_SORTED = 50  # batches of rows that wait to be sorted by length
_PACKED = 1000


class EpochStream(IterableDataset):
    """Endless passes over encoded streams, the share of one process.

    Args:
        draws: The streams of `encode.encode_stream`, one for each draw of the labels; pass after pass takes the next.
        config: A `trl.SFTConfig`: batch, seed, processes.
        filler: The token of blank rows.
    """

    def __init__(self, draws: list[Any], config: Any, filler: int) -> None:
        self.draws, self.config, self.filler = draws, config, filler
        self.batch = config.train_batch_size
        self.sharded = config.world_size > 1 and draws[0].num_shards > 1
        self.tally = Tally(config.max_length)

    def __iter__(self) -> Iterator[dict[str, Any]]:
        self.tally = Tally(self.config.max_length)  # a resumed run reads its rows once more
        for number in count():
            rows = self.draws[number % len(self.draws)]
            if self.sharded:
                rows = rows.shard(self.config.world_size, self.config.process_index)
            rows.set_epoch(number)
            empty = True
            for group in self._groups(self._wanted(rows, number)):
                empty = False
                yield from group
                yield from (blank(self.filler) for _ in range(self.batch - len(group)))
            if empty:
                read = str(self.tally.report()).splitlines()[0]
                raise TrainerError(f"no row of the stream can be trained on; {read}")

    def read(self) -> Tally:
        """What was read so far in the first pass, by all processes."""
        from accelerate.utils import gather_object

        whole = Tally(self.config.max_length)
        for tally in gather_object([self.tally]) if self.sharded else [self.tally]:
            whole.merge(tally)
        return whole

    def _wanted(self, rows: Any, number: int) -> Iterator[dict[str, Any]]:
        """The rows that can be learnt, rows of similar length together where asked."""
        kept = self._counted(rows, number == 0)
        if self.config.packing:
            yield from _packs(kept, self.config)
            return
        if self.config.train_sampling_strategy != "group_by_length":
            yield from kept
            return
        share = self.batch * (1 if self.sharded else self.config.world_size)
        generator = Generator().manual_seed(self.config.seed + number)
        for part in _batches(kept, share * _SORTED):
            yield from (part[place] for place in grouped([row["length"] for row in part], share, generator))

    def _counted(self, rows: Any, first: bool) -> Iterator[dict[str, Any]]:
        for row in rows:
            if first:
                self.tally.add(row)
            if row["fate"] in LEARNT:
                yield row

    def _groups(self, rows: Iterator[dict[str, Any]]) -> Iterator[tuple[dict[str, Any], ...]]:
        """This process's rows, a batch at a time; as many batches as every other process has."""
        if self.sharded:
            own = _batches(rows, self.batch)
            while _anyone(group := next(own, ())):
                yield group
        else:
            place = self.config.process_index * self.batch
            for together in _batches(rows, self.batch * self.config.world_size):
                yield together[place : place + self.batch]


def _batches(rows: Iterable[Any], size: int) -> Iterator[tuple[Any, ...]]:
    rows = iter(rows)
    while batch := tuple(islice(rows, size)):
        yield batch


def _packs(rows: Iterator[dict[str, Any]], config: Any) -> Iterator[dict[str, Any]]:
    """Packs of rows, made of a thousand at a time."""
    import datasets

    shown = datasets.is_progress_bar_enabled()
    for part in _batches(rows, _PACKED):
        datasets.disable_progress_bars()
        try:
            packs = packed(datasets.Dataset.from_list(list(part)), config)
        finally:
            if shown:
                datasets.enable_progress_bars()
        yield from packs


_group: Any = None


def _anyone(rows: tuple[Any, ...]) -> bool:
    """Whether any process still has rows; asked by all of them at once, without the accelerator."""
    import torch
    from torch import distributed

    global _group
    if _group is None:
        _group = distributed.new_group(backend="gloo")
    more = torch.tensor(len(rows))
    distributed.all_reduce(more, group=_group)
    return bool(more)


def check_stream(config: Any, num_shards: int) -> None:
    """Refuse a stream that cannot be trained on as it is, before anything is loaded.

    Raises:
        TrainerError: No number of steps, shards that cannot be shared out, or workers that would read twice.

    >>> from types import SimpleNamespace
    >>> config = SimpleNamespace(max_steps=10, world_size=2, dataloader_num_workers=0, gradient_accumulation_steps=1)
    >>> check_stream(config, 3)
    Traceback (most recent call last):
    iepile_trainer.TrainerError: 3 shards cannot be shared out among 2 processes: some rows would be read twice
    (--num_shards 2 or another multiple of 2, or --num_shards 1; files that are there already: as many, or leave out
    --streaming)
    """
    world = config.world_size
    if config.max_steps <= 0:
        remedy = "rows * epochs / rows of a step, as --dry_run counts without --streaming"
        raise TrainerError(f"--streaming needs --max_steps, since a stream has no end ({remedy})")
    if num_shards > 1 and num_shards % world:
        raise TrainerError(
            f"{num_shards} shards cannot be shared out among {world} processes: some rows would be read twice "
            f"(--num_shards {world} or another multiple of {world}, or --num_shards 1; files that are there already: "
            "as many, or leave out --streaming)"
        )
    for name in ("eval_strategy", "save_strategy"):
        if getattr(config, name, "") == "epoch":
            raise TrainerError(f"--{name} epoch: a stream has no epochs (--{name} steps)")
    if config.dataloader_num_workers:
        raise TrainerError("a stream is read by the training processes themselves: --dataloader_num_workers 0")
