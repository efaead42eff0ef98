"""A limit on training rows whose answer holds nothing, drawn reproducibly."""

import logging
from collections import Counter
from collections.abc import Sequence
from dataclasses import replace

from ..corpus.shards import Segment
from ..corpus.sources import Source
from ..options import Options
from .generate import instructor, questions_of
from .instructor import is_empty

logger = logging.getLogger("iepile")


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
