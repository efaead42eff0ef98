"""The records of a corpus, some at a time, and its statistics as a page."""

import tempfile
from array import array
from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import lru_cache
from pathlib import Path
from typing import Any

import fsspec
import orjson

from iepile_dataset import DataError, Options
from iepile_dataset.answers import UNFIT
from iepile_dataset.corpus.sources import Source, choose_sources
from iepile_dataset.tasks import TASKS
from iepile_trainer.engines import Answer
from iepile_trainer.extraction.documents import Document
from iepile_trainer.extraction.merge_windows import extraction_of
from iepile_trainer.extraction.questions import Question, QuestionBuilder
from iepile_trainer.extraction.results import Extraction

PER_PAGE = 10

_SHOWN = 20_000  # characters of one record that are shown


@dataclass(frozen=True)
class Shown:
    """One record.

    Attributes:
        line: In its file, from 1.
        raw: As it stands there, cut where it is very long.
        annotation: Its annotation with places in the text; None where it cannot be used.
        questions: What is asked about it.
        problem: Why it cannot be used.
    """

    line: int
    raw: str
    annotation: Extraction | None = None
    questions: Sequence[Question] = ()
    problem: str = ""


@dataclass(frozen=True)
class Page:
    """Some records of one file; `number` counts from 1, `total` are all that match."""

    records: Sequence[Shown]
    number: int
    pages: int
    total: int


def sources_of(corpus: str | None) -> dict[str, Source]:
    """Key → source, of all tasks that a corpus serves.

    Args:
        corpus: A corpus tree or one of its folders; None for the embedded sample.

    Raises:
        DataError: There is no source in it.

    >>> list(sources_of(None))[:2]
    ['en/NER/city_news', 'en/NER/shop_support']
    """
    return {source.key: source for source in choose_sources((), Options(), corpus)[0]}


def page_of(source: Source, split: str, number: int = 1, words: str = "") -> Page:
    """Some records of a split.

    Args:
        source: Where.
        split: Which of its files.
        number: Of the page; the last one where there are fewer.
        words: Only records whose line holds them, in any case.

    Raises:
        OSError: The file has gone.

    >>> page = page_of(sources_of(None)["en/NER/city_news"], "test")
    >>> len(page.records), page.total, page.records[0].annotation[0].label
    (8, 8, 'person')
    """
    address = source.files[split]
    lines = _lines(address, source.sizes[split], words.casefold().strip())
    total = len(lines) // 2
    pages = max(1, -(-total // PER_PAGE))
    number = min(max(number, 1), pages)
    asker = QuestionBuilder(TASKS[source.task], source.schema, source.language)
    records = []
    with fsspec.open(address, "rb", compression="infer") as file:
        for index in range((number - 1) * PER_PAGE, min(number * PER_PAGE, total)):
            file.seek(lines[2 * index])
            records.append(_shown(asker, lines[2 * index + 1], file.readline()))
    return Page(records, number, pages, total)


@lru_cache(maxsize=32)
def _lines(address: str, size: int, words: str) -> "array[int]":
    """Where the lines begin that hold some words, and their numbers, in turn; read once for all pages."""
    places = array("Q")
    start = 0
    with fsspec.open(address, "rb", compression="infer") as file:
        for number, line in enumerate(file, 1):
            if line.strip() and (not words or words in _plain(line)):
                places.extend((start, number))
            start += len(line)
    return places


def _plain(line: bytes) -> str:
    """A line as one reads it: without the escapes of its JSON."""
    try:
        return orjson.dumps(orjson.loads(line)).decode().casefold()
    except ValueError:
        return line.decode("utf-8", "replace").casefold()


def _shown(asker: QuestionBuilder, line: int, content: bytes) -> Shown:
    raw = content.decode("utf-8", "replace").strip()
    cut = raw if len(raw) <= _SHOWN else f"{raw[:_SHOWN]}… ({len(raw):,} characters)"
    try:
        record = orjson.loads(content)
        text, items = record["text"], record.get(asker.task.annotation)
        if not isinstance(text, str) or len(text) > _SHOWN:
            return Shown(line, cut, problem="its text is too long to be shown" if isinstance(text, str) else "no text")
        if items is None:
            empty = Extraction(text, asker.task.name.lower(), asker.language)
            return Shown(line, cut, empty, problem="not annotated")
        questions = asker.questions(text, items)
    except (*UNFIT, DataError) as error:
        return Shown(line, cut, problem=f"cannot be used: {type(error).__name__}: {error} (see iepile validate)")
    gold = [Answer(question.output) for question in questions]
    document = Document(text, task=asker.task.name.lower(), language=asker.language)
    return Shown(line, cut, extraction_of(document, questions, gold), questions)


def statistics_page(corpus: str | None, progress: Any = None) -> str:
    """Count and draw a corpus; the page of `iepile stats`, which needs no other file and no script.

    Raises:
        DataError: matplotlib is not installed.
    """
    from iepile_dataset.statistics import statistics
    from iepile_dataset.statistics.fonts import families
    from iepile_dataset.statistics.pictures import write_statistics

    fonts = families()
    counted = statistics(corpus, progress=progress)
    if corpus:  # visitors need not know where it lies
        counted.corpus = Path(corpus).name
        counted.problems = [
            replace(problem, file=problem.file.replace(str(corpus).rstrip("/"), counted.corpus))
            for problem in counted.problems
        ]
    with tempfile.TemporaryDirectory() as folder:
        write_statistics(counted, Path(folder), fonts)
        return (Path(folder) / "stats.html").read_text("utf-8")
