"""The `datasets` configurations of the builder: the options under their usual names."""

from dataclasses import dataclass, fields
from hashlib import blake2b
from typing import Any

import datasets

from .hard import read_hard_negatives
from .options import Options
from .tasks import TASKS


@dataclass
class IEPileConfig(datasets.BuilderConfig):
    """One task's configuration; see `Options` for what each field means.

    `num_shards` cuts the files of a split into that many shards (one a file otherwise); rows do not depend on it.
    """

    language: str | None = None
    source: str | list[str] | None = None
    licence: str | None = None
    split_num: int | None = None
    remainder: str = "even"
    negatives: str | float = "all"
    hard_negatives: str | None = None
    max_empty: float | None = None
    seed: int = 42
    epoch: int = 0
    descriptions: bool = False
    max_prompt_tokens: int | None = None
    tokenizer: str | None = None
    strict: bool = False
    num_shards: int | None = None

    @property
    def options(self) -> Options:
        """The fields that shape rows."""
        given = {field.name: getattr(self, field.name) for field in fields(Options)}
        if isinstance(self.source, list):
            given["source"] = tuple(self.source)
        return Options(**given)

    def create_config_id(self, config_kwargs: dict[str, Any], custom_features: Any = None) -> str:
        """The name of the cache folder; a dictionary of hard negatives enters with its content, not its path."""
        if self.hard_negatives:
            digest = blake2b(repr(read_hard_negatives(self.hard_negatives)).encode(), digest_size=8).hexdigest()
            config_kwargs = {**config_kwargs, "hard_negatives": digest}
        name: str = super().create_config_id(config_kwargs, custom_features)
        return name


CONFIGS = [
    IEPileConfig(name=name, description=f"Instructions for {task.name}, made from annotated text.")
    for name, task in TASKS.items()
]
