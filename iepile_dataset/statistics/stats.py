"""What is in a corpus, counted in one reading of it."""

import os
from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass, field
from functools import partial
from typing import Any

import orjson

from ..answers import UNFIT
from ..bounded import parse_json
from ..corpus.layout import read_file
from ..corpus.shards import Progress, advancing, make_shards
from ..corpus.sources import Source, choose_sources
from ..errors import KEPT_PROBLEMS, Problem, keep
from ..instructions.generate import Counts, instructor, questions_of, totals
from ..instructions.token_budget import token_counter
from ..options import Options
from ..tasks import TASKS
from .figures import Figures, total

__all__ = ["Cell", "Statistics", "statistics"]

NOT_STATED = "not stated"

_STEP = 8 << 20  # bytes between two signs of progress


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
    corpus = os.fspath(data_dir) if data_dir else "the embedded sample"
    result = Statistics(corpus, tokenizer, problems=problems[:KEPT_PROBLEMS])
    advance = advancing(progress, sum(sum(source.sizes.values()) for source in sources))
    measured: dict[str, Figures] = {}
    for source in sources:
        domain = domain_of(source.path)
        for split, file in source.files.items():
            figures = Figures()
            count = _record_counter(source, figures, file not in measured, count_tokens)
            for (segment,) in make_shards([source], split, max(1, source.sizes[split] // _STEP)):
                asker = instructor(segment, options)
                counts: Counts = Counter()
                report = partial(keep, result.problems)
                for _, text, questions in questions_of(segment, asker, options, counts, report, count):
                    for asked, output in zip(questions.asked, questions.outputs):
                        figures.add_row(asker.instruction(asked, text), output)
                figures.add_records(totals(counts))
                advance(segment.end - segment.start)
            if file in measured:
                texts = measured[file]
                figures.text_characters, figures.text_tokens = texts.text_characters, texts.text_tokens
            else:
                measured[file] = figures
                result.texts[source.language] = total([result.texts.get(source.language, Figures()), figures.of_texts])
            result.cells.append(Cell(source, domain, split, figures))
    return result


def _record_counter(
    source: Source, figures: Figures, measure: bool, count_tokens: Callable[[str], int] | None
) -> Callable[[Any], None]:
    """A function that counts what rows do not tell: texts without rows, and what is annotated under which label."""
    task, labels = TASKS[source.task], set(TASKS[source.task].labels(source.schema))

    def count(record: Any) -> None:
        try:
            text = record["text"]
            if measure and isinstance(text, str):
                figures.text_characters[len(text)] += 1
                if count_tokens:
                    figures.text_tokens[count_tokens(text)] += 1
            items = record[task.annotation]
            answers = task.answer(text, items, source.schema)
        except UNFIT:
            return  # who makes its rows says why
        if text and answers.keys() <= labels:
            figures.without += not items
            for label, answer in answers.items():
                figures.labels[label] += len(orjson.loads(answer))

    return count


def domain_of(path: str) -> str:
    """What a source's `meta.json` says it is about; that it can be read is known since the source was found."""
    meta = parse_json(read_file(f"{path}/meta.json") or b"{}", f"{path}/meta.json")
    return str(meta.get("domain") or NOT_STATED)
