"""The `datasets` configurations of the builder: the options under their usual names."""

import logging
from dataclasses import dataclass, fields
from hashlib import blake2b
from typing import Any

import datasets

from .corpus.layout import absolute, fingerprint_of
from .errors import DataError, shown
from .hard_negatives import read_hard_negatives
from .instructions.token_budget import tokenizer_file
from .options import Options
from .tasks import TASKS

logger = logging.getLogger("iepile")


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
        """The name of the cache folder; files that rows depend on enter with their content, not their path.

        `datasets` calls this once all fields are set, so wrong ones are refused here, before a cached copy is found.

        Raises:
            DataError: An option has no such value.
        """
        count = self.num_shards
        if count is not None and (isinstance(count, bool) or not isinstance(count, int) or count < 1):
            raise DataError(f"num_shards={shown(count)} is not a number of shards from 1")
        options = self.options
        if options.tokenizer and not options.max_prompt_tokens:
            logger.warning("tokenizer=%s has no effect without max_prompt_tokens=", options.tokenizer)
        content = {}
        if options.hard_negatives:
            # A stream reads it later, when the current folder may be another one.
            self.hard_negatives = absolute(options.hard_negatives)
            content["hard_negatives"] = repr(read_hard_negatives(self.hard_negatives)).encode()
        if options.tokenizer and (file := tokenizer_file(options.tokenizer)):
            self.tokenizer = str(file)
            content["tokenizer"] = file.read_bytes()
        digests = {name: blake2b(told, digest_size=8).hexdigest() for name, told in content.items()}
        if self.data_files:
            digests["data_files"] = fingerprint_of(self.data_files)
        config_kwargs = {**config_kwargs, **digests}
        name: str = super().create_config_id(config_kwargs, custom_features)
        return name


CONFIGS = [
    IEPileConfig(name=name, description=f"Instructions for {task.name}, made from annotated text.")
    for name, task in TASKS.items()
]
