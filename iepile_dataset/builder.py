"""`load_dataset("iepile", "ner")`: annotated text in, instructions out.

Kept thin: `datasets` replaces `open` and `Path` in the module of a builder when it makes one.
"""

import logging
import re
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, field, fields, make_dataclass
from hashlib import blake2b
from inspect import signature
from typing import Any, ClassVar

import datasets
import pyarrow as pa

from .corpus.layout import absolute, fingerprint
from .corpus.shards import Shard, finer, make_shards
from .corpus.sources import SPLITS, find_sources
from .errors import DataError, Problem, did_you_mean, shown
from .hard_negatives import read_hard_negatives
from .instructions.generate import Counts, limit_empty, losses
from .instructions.tables import ARROW_SCHEMA, COLUMNS, tables
from .instructions.token_budget import tokenizer_file
from .options import Options
from .tasks import TASKS, task_named

try:
    from datasets.builder import Key
except ImportError:  # before datasets 4.2

    def Key(shard: int, item: int) -> Any:
        """The key of a table: any that no other has."""
        return f"{shard}_{item}"


logger = logging.getLogger("iepile")

_SHOWN_PROBLEMS = 5
_BUILDER_OPTIONS = set(signature(datasets.DatasetBuilder.__init__).parameters)


# The options as `datasets` wants them: fields of a configuration that it changes one by one.
_Options: Any = make_dataclass(
    "_Options", [(known.name, known.type, field(default=known.default)) for known in fields(Options)]
)


@dataclass
class IEPileConfig(_Options, datasets.BuilderConfig):
    """One task's configuration: the fields of `Options`, and `num_shards`.

    Attributes:
        num_shards: Cuts the files of a split into that many shards (one a file otherwise); rows do not depend on it.
    """

    num_shards: int | None = None

    @property
    def options(self) -> Options:
        """The fields that shape rows."""
        return Options(**{known.name: getattr(self, known.name) for known in fields(Options)})

    def create_config_id(self, config_kwargs: dict[str, Any], custom_features: Any = None) -> str:
        """The name of the cache folder; files that rows depend on enter with their content, not their path.

        `datasets` calls this once all fields are set, so wrong ones are refused here, before a cached copy is found.

        Raises:
            DataError: An option has no such value.
        """
        if self.num_shards is not None and (type(self.num_shards) is not int or self.num_shards < 1):
            raise DataError(f"num_shards={shown(self.num_shards)} is not a number of shards from 1")
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
        digests = {name: blake2b(data, digest_size=8).hexdigest() for name, data in content.items()}
        if self.data_files:
            digests["data_files"] = fingerprint(self.data_files)
        name: str = super().create_config_id({**config_kwargs, **digests}, custom_features)
        return name


class IEPile(datasets.ArrowBasedBuilder):
    """Rows `id, task, source, language, instruction, output, label`, all strings; one configuration a task.

    The configuration may be given in any case, a split as `dev`.

    Raises:
        DataError: An option or a configuration that is not there; the nearest one is named.
    """

    VERSION = datasets.Version("0.1.0")
    BUILDER_CONFIG_CLASS = IEPileConfig
    BUILDER_CONFIGS: ClassVar = [
        IEPileConfig(name=name, description=f"Instructions for {task.name}, made from annotated text.")
        for name, task in TASKS.items()
    ]

    def __init__(self, *args: Any, config_name: str | None = None, **kwargs: Any) -> None:
        options = {known.name for known in fields(IEPileConfig)}
        if unknown := sorted(kwargs.keys() - options - _BUILDER_OPTIONS):
            raise DataError(f'load_dataset has no option "{unknown[0]}"{did_you_mean(unknown[0], options)}')
        if config_name is not None:
            config_name = task_named(config_name).name.lower()
        super().__init__(*args, config_name=config_name, **kwargs)

    def as_dataset(self, split: Any = None, *args: Any, **kwargs: Any) -> Any:
        """See `datasets.DatasetBuilder`; `dev` is another name for `validation`."""
        return super().as_dataset(_named_splits(split), *args, **kwargs)

    def as_streaming_dataset(self, split: Any = None, *args: Any, **kwargs: Any) -> Any:
        """See `datasets.DatasetBuilder`; `dev` is another name for `validation`."""
        return super().as_streaming_dataset(_named_splits(split), *args, **kwargs)

    def _info(self) -> datasets.DatasetInfo:
        return datasets.DatasetInfo(
            description="Schema-based information extraction: one text, a short list of labels, a JSON answer.",
            features=datasets.Features({name: datasets.Value("string") for name in COLUMNS}),
            license="Each source's own (meta.json). IEPile: CC BY-NC-SA 4.0 or stricter. The sample: CC BY 4.0.",
        )

    def _split_generators(self, dl_manager: object) -> list[datasets.SplitGenerator]:
        options, task = self.config.options, task_named(self.config.name)
        sources, problems = find_sources(task, options, self.config.data_dir, dict(self.config.data_files or {}))
        for problem in problems:
            logger.warning("left out: %s", problem)
        sources = limit_empty(sources, options)
        shards = {split: make_shards(sources, split, self.config.num_shards) for split in SPLITS}
        return [
            datasets.SplitGenerator(name=split, gen_kwargs={"shards": parts})
            for split, parts in shards.items()
            if parts
        ]

    def _generate_shards(self, shards: list[Shard]) -> Iterator[str]:
        for shard in shards:
            yield " ".join(f"{segment.file}#{segment.start}-{segment.end}" for segment in shard)

    def _generate_more_gen_kwargs(self, shards: list[Shard]) -> Iterator[dict[str, list[Shard]]]:
        for shard in shards:
            yield {"shards": finer(shard)}

    def _generate_tables(self, shards: list[Shard]) -> Iterator[tuple[Key, pa.Table]]:
        counts: Counts = Counter()
        problems = 0

        def report(problem: Problem) -> None:
            nonlocal problems
            problems += 1
            if problems <= _SHOWN_PROBLEMS:
                logger.warning("left out: %s", problem)

        for number, shard in enumerate(shards):
            part = 0
            for part, table in enumerate(tables(shard, self.config.options, counts, report), 1):
                yield Key(number, part - 1), table
            if not part:
                yield Key(number, 0), ARROW_SCHEMA.empty_table()
        if lost := losses(counts):
            logger.warning("%s: %s", self.config.name, "; ".join(lost))
        if problems > _SHOWN_PROBLEMS:
            logger.warning("left out: %d records in all (iepile prepare writes them to quarantine.jsonl)", problems)


def _named_splits(split: Any) -> Any:
    """A split, a list or a dictionary of them, as `datasets` takes them, `dev` under the name that it has here."""
    if isinstance(split, dict):
        return {name: _named_splits(part) for name, part in split.items()}
    if isinstance(split, list | tuple):
        return [_named_splits(part) for part in split]
    return re.sub(r"\bdev\b", "validation", split) if isinstance(split, str) else split
