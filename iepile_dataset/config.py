"""The `datasets` configurations of the builder: the options under their usual names."""

from dataclasses import dataclass

import datasets

from .options import Options
from .tasks import TASKS


@dataclass
class IEPileConfig(datasets.BuilderConfig):
    """One task's configuration; see `Options` for what each field means.

    `num_shards` cuts the files of a split into that many shards (one a file otherwise); rows do not depend on it.
    """

    language: str | None = None
    source: str | list[str] | None = None
    split_num: int | None = None
    negatives: str | float = "all"
    seed: int = 42
    epoch: int = 0
    strict: bool = False
    num_shards: int | None = None

    @property
    def options(self) -> Options:
        """The fields that shape rows."""
        source = self.source if self.source is None or isinstance(self.source, str) else tuple(self.source)
        return Options(self.language, source, self.split_num, self.negatives, self.seed, self.epoch, self.strict)


CONFIGS = [
    IEPileConfig(name=name, description=f"Instructions for {task.name}, made from annotated text.")
    for name, task in TASKS.items()
]
