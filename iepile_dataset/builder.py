"""`load_dataset("iepile", "ner")`: annotated text in, instructions out.

Kept thin: `datasets` replaces `open` and `Path` in the module of a builder when it makes one.
"""

import logging
from collections import Counter
from collections.abc import Iterator

import datasets
import pyarrow as pa
from datasets.builder import Key

from .config import CONFIGS, IEPileConfig
from .corpus.shards import Shard, finer, make_shards
from .corpus.sources import SPLITS, find_sources
from .errors import Problem
from .instructions.empty_answers import limit_empty
from .instructions.tables import ARROW_SCHEMA, COLUMNS, Counts, tables
from .tasks import task_named

logger = logging.getLogger("iepile")

_SHOWN_PROBLEMS = 5
_LOSSES = {
    "windows": "more windows were cut from texts longer than max_prompt_tokens",
    "lost": "annotated units stand in no window as a whole and are in no answer",
    "over": "instructions exceed max_prompt_tokens all the same",
    "dropped_empty": "rows with an empty answer were dropped for max_empty",
    "unknown_hard_negatives": "labels of the hard-negative dictionary are not in their schema and were ignored",
}


class IEPile(datasets.ArrowBasedBuilder):
    """Rows `id, task, source, language, instruction, output, label`, all strings; one configuration a task."""

    VERSION = datasets.Version("0.1.0")
    BUILDER_CONFIG_CLASS = IEPileConfig
    BUILDER_CONFIGS = CONFIGS

    def _info(self) -> datasets.DatasetInfo:
        return datasets.DatasetInfo(
            description="Schema-based information extraction: one text, a short list of labels, a JSON answer.",
            features=datasets.Features({name: datasets.Value("string") for name in COLUMNS}),
            license="Each source's own (meta.json). IEPile: CC BY-NC-SA 4.0 or stricter. The sample: CC BY 4.0.",
        )

    def _split_generators(self, dl_manager: object) -> list[datasets.SplitGenerator]:
        files = self.config.data_files
        found, problems = find_sources(
            task_named(self.config.name),
            self.config.options,
            self.config.data_dir,
            dict(files) if files else None,
        )
        for problem in problems:
            logger.warning("left out: %s", problem)
        found = limit_empty(found, self.config.options)
        shards = {split: make_shards(found, split, self.config.num_shards) for split in SPLITS}
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
        problems = 0
        total: Counter[str] = Counter()

        def report(problem: Problem) -> None:
            nonlocal problems
            problems += 1
            if problems <= _SHOWN_PROBLEMS:
                logger.warning("left out: %s", problem)

        for number, shard in enumerate(shards):
            counts: Counts = Counter()
            made = 0
            for made, table in enumerate(tables(shard, self.config.options, counts, report), 1):
                yield Key(number, made - 1), table
            for (_, what), count in counts.items():
                total[what] += count
            if not made:
                yield Key(number, 0), ARROW_SCHEMA.empty_table()
        if told := [f"{total[what]} {words}" for what, words in _LOSSES.items() if total[what]]:
            logger.warning("%s: %s", self.config.name, "; ".join(told))
        if problems > _SHOWN_PROBLEMS:
            logger.warning("left out: %d records in all (iepile prepare writes them to quarantine.jsonl)", problems)
