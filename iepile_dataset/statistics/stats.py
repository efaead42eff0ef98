"""What is in a corpus, counted in one reading of it."""

import os
import posixpath
from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass, field
from functools import partial
from typing import Any

import fsspec
import orjson

from ..corpus.select import choose_sources
from ..corpus.sources import SPLITS, Source
from ..errors import Problem
from ..instructions.token_budget import token_counter
from ..options import Options
from ..tasks import TASKS
from .counting import count_split
from .figures import Figures, total

NOT_STATED = "not stated"

Progress = Callable[[int, int], None]

KEPT_PROBLEMS = 20


@dataclass(frozen=True)
class Cell:
    """The figures of one split of one source."""

    source: Source
    domain: str
    split: str
    figures: Figures


@dataclass
class Statistics:
    """What `statistics` counted.

    Attributes:
        corpus: Where it lies.
        tokenizer: The tokenizer's name, None where tokens were not counted.
        cells: By source in the order of tasks, and split.
        texts: By language, records and lengths of the texts alone: each file once, however many tasks read it.
        problems: The first of what was left out.
    """

    corpus: str
    tokenizer: str | None = None
    cells: list[Cell] = field(default_factory=list)
    texts: dict[str, Figures] = field(default_factory=dict)
    problems: list[Problem] = field(default_factory=list)

    @property
    def total(self) -> Figures:
        """Of all tasks; a record that serves several tasks counts in each."""
        return total(cell.figures for cell in self.cells)

    def by(self, of: Callable[[Cell], str]) -> dict[str, Figures]:
        """The figures by task, language or whatever else is said of a cell, in order of appearance."""
        groups: dict[str, list[Figures]] = {}
        for cell in self.cells:
            groups.setdefault(of(cell), []).append(cell.figures)
        return {name: total(parts) for name, parts in groups.items()}

    def report(self) -> dict[str, Any]:
        """Everything as plain data; the content of `stats.json`."""
        sources: dict[str, Any] = {}
        for key, figures in self.by(lambda cell: cell.source.key).items():
            mine = [cell for cell in self.cells if cell.source.key == key]
            source = mine[0].source
            labels = TASKS[source.task].labels(source.schema) or tuple(figures.labels)  # prepared rows have no schema
            sources[key] = {
                "task": source.task,
                "language": source.language,
                "domain": mine[0].domain,
                "licence": source.licence or NOT_STATED,
                "labels": {label: figures.labels[label] for label in labels},
                **figures.summary(),
                "splits": {cell.split: cell.figures.summary() for cell in mine},
            }
        return {
            "corpus": self.corpus,
            "tokenizer": self.tokenizer,
            "records_once": sum(texts.records for texts in self.texts.values()),
            "total": self.total.summary(),
            **{
                name: {group: figures.summary() for group, figures in self.by(of).items()}
                for name, of in GROUPINGS.items()
            },
            "sources": sources,
            "problems": [asdict(problem) for problem in self.problems],
        }


GROUPINGS: dict[str, Callable[[Cell], str]] = {
    "tasks": lambda cell: cell.source.task,
    "languages": lambda cell: cell.source.language,
    "domains": lambda cell: cell.domain,
    "splits": lambda cell: cell.split,
}


def statistics(
    data_dir: str | os.PathLike[str] | None = None,
    *,
    tasks: str | Sequence[str] = (),
    options: Options = Options(),  # noqa: B008 - frozen
    tokenizer: str | None = None,
    progress: Progress | None = None,
) -> Statistics:
    """Count what is in a corpus: records, instructions, mentions, lengths, by source and split.

    Args:
        data_dir: A corpus tree or one of its folders; None for the embedded sample.
        tasks: Which task or tasks; empty for all that the corpus serves.
        options: `language` and `source` choose among the sources; instructions are made at the others.
        tokenizer: Name on the Hub or folder; without it tokens are not counted, for an estimate would be wrong
            by a factor of two between languages and vocabularies.
        progress: Called with (bytes read so far, bytes in all).

    Raises:
        DataError: There is no such source, or the tokenizer cannot be loaded.

    >>> counted = statistics(tasks=["ner"], options=Options(source="city_news"))
    >>> figures = counted.by(lambda cell: cell.split)
    >>> {split: part.records for split, part in figures.items()}
    {'train': 26, 'validation': 6, 'test': 8}
    """
    count_tokens = token_counter(tokenizer) if tokenizer else None
    sources, problems = choose_sources(tasks, options, data_dir)
    result = Statistics(
        os.fspath(data_dir) if data_dir else "the embedded sample", tokenizer, problems=problems[:KEPT_PROBLEMS]
    )
    size, done = sum(sum(source.sizes.values()) for source in sources), 0
    texts: dict[str, Figures] = {}

    def report(problem: Problem) -> None:
        if len(result.problems) < KEPT_PROBLEMS:
            result.problems.append(problem)

    for source in sources:
        domain = domain_of(source)
        for split in (split for split in SPLITS if split in source.files):
            figures = count_split(
                source,
                split,
                options,
                texts=texts.get(source.files[split]),
                count_tokens=count_tokens,
                report=report,
                progress=partial(_tell, progress, done, size) if progress else None,
            )
            if source.files[split] not in texts:
                texts[source.files[split]] = figures
                result.texts[source.language] = total([result.texts.get(source.language, Figures()), figures.of_texts])
            result.cells.append(Cell(source, domain, split, figures))
            done += source.sizes[split]
    return result


def _tell(progress: Progress, before: int, size: int, read: int) -> None:
    progress(before + read, size)


def domain_of(source: Source) -> str:
    """What the source's `meta.json` says it is about; that it can be read is known since the source was found."""
    address = posixpath.join(source.path, "meta.json")
    if not fsspec.core.url_to_fs(address)[0].exists(address):
        return NOT_STATED
    with fsspec.open(address, "rb") as file:
        meta = orjson.loads(file.read())
    return str(meta.get("domain") or NOT_STATED)
