"""A limit on training rows whose answer holds nothing, drawn reproducibly."""

import logging
from collections import Counter
from collections.abc import Sequence
from dataclasses import replace

import orjson

from ..corpus.sources import Source
from ..options import Options
from .instructor import Questions

logger = logging.getLogger("iepile")

_STEP = 0x9E3779B1  # spreads the batches of one record over the 32 bits


def row_keys(questions: Questions) -> list[int]:
    """A 32-bit number for each row of a record, drawn from its content."""
    return [(questions.key + number * _STEP) & 0xFFFFFFFF for number in range(len(questions.asked))]


def is_empty(output: str) -> bool:
    """Whether an answer holds nothing at all.

    >>> is_empty('{"city": [], "river": []}'), is_empty('{"city": ["Ulm"]}')
    (True, False)
    """
    return not any(orjson.loads(output).values())


def limited(questions: Questions, below: int) -> Questions:
    """The questions without those empty ones whose key is not below a threshold."""
    kept = [
        number
        for number, key in enumerate(row_keys(questions))
        if key < below or not is_empty(questions.outputs[number])
    ]
    dropped = len(questions.asked) - len(kept)
    return questions._replace(
        asked=[questions.asked[number] for number in kept],
        outputs=[questions.outputs[number] for number in kept],
        empty=questions.empty - dropped,
    )


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
    if options.max_empty is None:
        return list(sources)
    from ..corpus.shards import Segment
    from .tables import instructor, questions_of

    found = []
    for source in sources:
        if "train" not in source.files:
            found.append(source)
            continue
        segment = Segment(source, "train", 0, source.sizes["train"])
        empty_keys: list[int] = []
        filled = 0
        for _, _, questions in questions_of(
            segment, instructor(segment, options), replace(options, strict=False), Counter(), lambda problem: None
        ):
            for key, output in zip(row_keys(questions), questions.outputs):
                if is_empty(output):
                    empty_keys.append(key)
                else:
                    filled += 1
        if empty_keys and not filled and options.max_empty < 1:
            logger.warning("%s: every training answer is empty: max_empty leaves no training row of it", source.key)
        found.append(replace(source, empty_below=threshold(empty_keys, filled, options.max_empty)))
    return found
