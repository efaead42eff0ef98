"""Records → questions, every record accounted for; and the limit on training rows whose answer holds nothing."""

import logging
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace
from functools import partial
from typing import Any

from ..answers import UNFIT
from ..corpus.records import read_records, refused
from ..corpus.shards import Segment
from ..corpus.sources import Source
from ..errors import DataError, Problem
from ..options import Options
from ..tasks import TASKS
from .instructor import Instructor, Questions, is_empty
from .token_budget import TokenBudget

__all__ = ["Counts", "Report", "instructor", "limit_empty", "losses", "questions_of", "totals"]

logger = logging.getLogger("iepile")

Report = Callable[[Problem], None]
Counts = Counter[tuple[str, str]]
"""(source key, what) → how many: `read`, `quarantined`, `unlabelled`, `unasked`, `rows`, `empty_rows`; with a limit
on empty rows `dropped_empty`; with a token budget `windows` (beyond the first of a text), `lost` (annotated units
that no window holds) and `over` (instructions that exceed it all the same); once for each training file
`unknown_hard_negatives`."""

_COUNTED = (
    "read", "quarantined", "unlabelled", "unasked", "rows", "empty_rows", "dropped_empty", "windows", "lost", "over",
    "unknown_hard_negatives",
)  # fmt: skip
_LOSSES = {
    "dropped_empty": "rows with an empty answer were dropped for max_empty",
    "windows": "more windows were cut from texts longer than max_prompt_tokens",
    "lost": "annotated units stand in no window as a whole and are in no answer",
    "over": "instructions exceed max_prompt_tokens all the same: it is too small for them",
    "unknown_hard_negatives": "labels of the hard-negative dictionary are not in their schema and were ignored",
}


def losses(counts: Counts) -> list[str]:
    """What options took from the data, in words.

    >>> losses(Counter({("en/NER/towns", "lost"): 2}))
    ['2 annotated units stand in no window as a whole and are in no answer']
    """
    sums = totals(counts)
    return [f"{sums[what]:,} {words}" for what, words in _LOSSES.items() if sums[what]]


def totals(counts: Counts) -> Counter[str]:
    """The counts of all sources together."""
    sums: Counter[str] = Counter()
    for (_, what), number in counts.items():
        sums[what] += number
    return sums


def instructor(segment: Segment, options: Options) -> Instructor | TokenBudget:
    """Who asks the records of a segment."""
    source, task = segment.source, TASKS[segment.source.task]
    train = segment.split == "train"
    make = partial(Instructor, task, language=source.language, train=train, options=options, source=source.name)
    return TokenBudget(make, task, source.schema, options) if options.max_prompt_tokens else make(source.schema)


def questions_of(
    segment: Segment,
    asker: Instructor | TokenBudget,
    options: Options,
    counts: Counts,
    report: Report,
    watch: Callable[[Any], None] | None = None,
) -> Iterator[tuple[int, str, Questions]]:
    """(line number, text, questions) for each record that has any.

    Args:
        segment: What to read.
        asker: Of that segment, see `instructor`.
        options: How to ask.
        counts: Is added to, for each source.
        report: Is told of each record that is left out, and why.
        watch: Is shown each record as `read_records` gives it, the bad ones too.

    Raises:
        DataError: With `options.strict`, at the first bad record.
    """
    source, key, train = segment.source, asker.task.annotation, segment.split == "train"
    below = source.empty_below if train else None
    tally = dict.fromkeys(_COUNTED, 0)

    def leave_out(problem: Problem) -> None:
        tally["quarantined"] += 1
        if options.strict:
            raise DataError(str(problem))
        report(problem)

    if not source.sizes[segment.split]:
        leave_out(Problem(segment.file, 0, "the file is empty", "give it one JSON object a line, or remove it"))
    for line, raw, record in read_records(segment.lines()):
        tally["read"] += 1
        if watch:
            watch(record)
        try:
            text, items = _text_and_items(record, key, train)
            parts = asker.parts(text, items)
        except UNFIT:
            leave_out(refused(segment.file, line, raw, record, source, segment.split))
            continue
        tally["unlabelled"] += items is None
        asked = False
        for window, questions in parts:
            asked |= bool(questions.asked)
            if below is not None:
                before = len(questions.asked)
                questions = questions.limited(below)
                tally["dropped_empty"] += before - len(questions.asked)
            if questions.asked:
                tally["rows"] += len(questions.asked)
                tally["empty_rows"] += questions.empty
                yield line, window, questions
        tally["unasked"] += not asked
    tally |= {"windows": asker.windows, "lost": asker.lost, "over": asker.over}
    tally["unknown_hard_negatives"] = asker.unknown_hard if train and not segment.start else 0
    counts.update({(source.key, what): number for what, number in tally.items()})


def _text_and_items(record: Any, key: str, train: bool) -> tuple[str, list[Any] | None]:
    """What a record says; one of `UNFIT` where it does not, None for the annotation where it may lack it."""
    text, items = record["text"], record.get(key)
    if type(text) is not str or not text or text.isspace():
        raise ValueError("no text")
    if type(items) is not list and (items is not None or train or key in record):
        raise ValueError("no annotation")
    return text, items


def threshold(empty_keys: Sequence[int], filled: int, share: float) -> int | None:
    """The key below which empty rows are kept so that they are at most `share` of all; None to keep all.

    >>> threshold([5, 1, 9, 7], filled=2, share=0.5)   # 2 of 4 rows may be empty: those with keys 1 and 5
    7
    """
    allowed = int(share * filled / (1 - share)) if share < 1 else len(empty_keys)
    return None if len(empty_keys) <= allowed else sorted(empty_keys)[allowed]


def limit_empty(sources: Sequence[Source], options: Options) -> list[Source]:
    """The sources with the threshold that `options.max_empty` means for their train split.

    Reads each train split once before it is read for its rows: the share is exact, whatever the shards.
    """
    share, lenient = options.max_empty, replace(options, strict=False)
    if share is None:
        return list(sources)
    limited = []
    for source in sources:
        if "train" in source.files:
            segment = Segment(source, "train", 0, source.sizes["train"])
            asker, rows = instructor(segment, options), 0
            empty_keys: list[int] = []
            for _, _, questions in questions_of(segment, asker, lenient, Counter(), lambda problem: None):
                rows += len(questions.outputs)
                empty_keys += [key for key, output in zip(questions.row_keys, questions.outputs) if is_empty(output)]
            filled = rows - len(empty_keys)
            if empty_keys and not filled and share < 1:
                logger.warning("%s: every training answer is empty: max_empty leaves no training row of it", source.key)
            source = replace(source, empty_below=threshold(empty_keys, filled, share))
        limited.append(source)
    return limited
