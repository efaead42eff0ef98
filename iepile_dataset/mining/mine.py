"""A hard-negative dictionary for one's own labels: which of them are easily taken for each other.

Four signals, each a share between 0 and 1: how alike two labels sound, how often they meet on the same mention,
how often in the same text, and how often a model took one for the other. They join as independent reasons would,

    score = 1 - (1 - similarity) (1 - √mentions) (1 - texts / 4) (1 - √confused)

with square roots because few mentions in common already say much (person and politician share 2 %), and a quarter
because labels that are told apart with ease meet in most texts.
"""

import json
import os
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np

from ..answers import UNFIT
from ..atomic import write_file
from ..corpus.records import read_records, refused
from ..corpus.shards import Progress, advancing, make_shards
from ..corpus.sources import Source, choose_sources
from ..errors import DataError, Problem, keep
from ..hard_negatives import HardNegatives, read_hard_negatives
from ..options import MiningOptions
from ..tasks import TASKS
from .confusions import read_predictions
from .cooccurrence import Cooccurrence
from .similarity import similarities

__all__ = ["Mined", "Pair", "mine", "write_dictionary"]

Dictionary = dict[str, dict[str, dict[str, list[str]]]]
"""`{task: {source: {label: labels, most confusable first}}}`, tasks in lower case."""

_STEP = 8 << 20  # bytes between two signs of progress


@dataclass(frozen=True)
class Pair:
    """Two labels of one source that enter each other's lists, or one the other's.

    Attributes:
        source: The source's key, `<language>/<TASK>/<name>`.
        label: The one.
        other: The other.
        examples: Some mentions that are annotated with both.
        score: Of the four below, in the stronger direction.
        similarity: Of the labels themselves.
        mentions: Mentions annotated with both over the geometric mean of those of each.
        texts: The same for texts.
        confused: Share of the one's mentions that the model took for the other's.
        confused_back: The reverse.
    """

    source: str
    label: str
    other: str
    examples: tuple[str, ...]
    score: float
    similarity: float
    mentions: float
    texts: float
    confused: float
    confused_back: float


@dataclass
class Mined:
    """What `mine` found.

    Attributes:
        dictionary: K, every label of every source a key.
        pairs: Closest first.
        counts: `records` read and `left_out`; with predictions also `predictions`, `unparseable`, `unlabelled`,
            `other_sources` and `unreadable`.
        problems: The first of what was left out.
        overridden: How many lists a person wrote.
        unknown: Labels of the hand-written file that no schema has, and sources of it that are not here.
        sampled: Source key → each how many-th mention was compared, where not every one.
    """

    dictionary: Dictionary = field(default_factory=dict)
    pairs: list[Pair] = field(default_factory=list)
    counts: Counter[str] = field(default_factory=Counter)
    problems: list[Problem] = field(default_factory=list)
    overridden: int = 0
    unknown: list[str] = field(default_factory=list)
    sampled: dict[str, int] = field(default_factory=dict)


def mine(
    data_dir: str | os.PathLike[str] | None = None,
    *,
    tasks: str | Sequence[str] = (),
    options: MiningOptions = MiningOptions(),  # noqa: B008 - frozen
    progress: Progress | None = None,
) -> Mined:
    """Find the confusable labels of each source, from its schema, its train split, and a model's answers.

    Validation and test are not read: what is trained must not know them. Tasks in which the gold decides what is asked
    (EEA) have no negatives and are passed over.

    Args:
        data_dir: A corpus tree or one of its folders; None for the embedded sample.
        tasks: Which task or tasks; empty for all that the corpus serves.
        options: Which sources, and how.
        progress: Called with (bytes read so far, bytes in all).

    Raises:
        DataError: There is no such source, or a file is not what it should be.

    >>> mined = mine(tasks=["ner"], options=MiningOptions(language="en", source="city_news"))
    >>> mined.dictionary["ner"]["city_news"]["person"]
    ['nationality']
    """
    by_hand = read_hard_negatives(options.overrides) if options.overrides else HardNegatives({}, {})
    sources, problems = choose_sources(tasks, options, data_dir)
    sources = [source for source in sources if not TASKS[source.task].hints]
    if not sources:
        raise DataError("EEA is told its event types, so it has no negatives (mine ee or eet)")
    result = Mined(problems=problems)
    confusions = {}
    if options.predictions:
        confusions = read_predictions(options.predictions, sources, result.counts, result.problems)
    advance = advancing(progress, sum(source.sizes.get("train", 0) for source in sources))
    for source in sources:
        labels = TASKS[source.task].labels(source.schema)
        alike = similarities(labels, options.by, options.model)
        met = Cooccurrence(labels)
        for size in _count(source, met, result):
            advance(size)
        if met.every > 1:
            result.sampled[source.key] = met.every
        taken = confusions[source.key].shares() if confusions else np.zeros_like(alike)
        near, pairs = _nearest(source, met, alike, taken, options)
        result.pairs += pairs
        given, _ = by_hand.of(source.task, source.name, labels)
        result.overridden += len(given)
        # A source in two languages shares one entry, since the dictionary's form does not name the language.
        entry = result.dictionary.setdefault(source.task, {}).setdefault(source.name, {})
        for label, others in near.items():
            entry[label] = list(dict.fromkeys([*entry.get(label, ()), *given.get(label, others)]))
    result.pairs.sort(key=lambda pair: -pair.score)
    result.unknown = _unknown(by_hand, sources)
    return result


def write_dictionary(dictionary: Dictionary, file: Path) -> None:
    """Write K as JSON, one label a line, so that a person can read and mend it."""
    write_file(file, f"{_block(dictionary)}\n")


def _block(value: Any, indent: str = "") -> str:
    dump = json.JSONEncoder(ensure_ascii=False).encode
    if not isinstance(value, dict):
        return dump(value)
    lines = ",\n".join(f"{indent}  {dump(name)}: {_block(part, indent + '  ')}" for name, part in value.items())
    return f"{{\n{lines}\n{indent}}}"


def _count(source: Source, met: Cooccurrence, result: Mined) -> Iterator[int]:
    """Count the train split; yields the bytes read, now and then."""
    task = TASKS[source.task]
    labels = set(task.labels(source.schema))
    for (segment,) in make_shards([source], "train", max(1, source.sizes.get("train", 0) // _STEP)):
        for line, raw, record in read_records(segment.lines()):
            result.counts["records"] += 1
            try:
                answers = task.answer(record["text"], record[task.annotation], source.schema)
                if not answers.keys() <= labels:
                    raise KeyError("a label that the schema lacks")
                met.add(answers)
            except UNFIT:
                result.counts["left_out"] += 1
                keep(result.problems, refused(segment.file, line, raw, record, source, "train"))
        yield segment.end - segment.start


def _nearest(
    source: Source, met: Cooccurrence, alike: np.ndarray, taken: np.ndarray, options: MiningOptions
) -> tuple[dict[str, list[str]], list[Pair]]:
    """Each label's list, and the pairs that are in one."""
    labels = TASKS[source.task].labels(source.schema)
    mentions, texts = met.shares_of_mentions(), met.shares_of_texts()
    scores = 1 - (1 - alike) * (1 - np.sqrt(mentions)) * (1 - texts / 4) * (1 - np.sqrt(taken))
    # Rounded, so that the last bits of a machine's arithmetic do not decide an order.
    scores = np.where(np.eye(len(labels)), -1.0, scores.round(6))
    order = np.argsort(-scores, axis=1, kind="stable")
    close = np.zeros_like(scores, dtype=bool)
    np.put_along_axis(close, order[:, : options.top], True, axis=1)
    close = (close | close.T) & (scores >= max(options.threshold, 1e-6))
    near = {
        label: [labels[other] for other in others if close[one, other]]
        for one, (label, others) in enumerate(zip(labels, order))
    }
    examples = met.examples()
    shares = [
        table.round(6).tolist() for table in (np.maximum(scores, scores.T), alike, mentions, texts, taken, taken.T)
    ]
    pairs = []
    for one, other in np.argwhere(np.triu(close | close.T)).tolist():
        both = (labels[one], labels[other])
        pairs.append(Pair(source.key, *both, tuple(examples.get(both, ())), *(table[one][other] for table in shares)))
    return near, pairs


def _unknown(by_hand: HardNegatives, sources: Sequence[Source]) -> list[str]:
    """What the hand-written dictionary names and no source here has."""
    labels: dict[tuple[str, ...], set[str]] = {(): set()}
    for source in sources:
        own = TASKS[source.task].labels(source.schema)
        labels[()].update(own)
        labels.setdefault((source.task, source.name), set()).update(own)
    written: dict[tuple[str, ...], Mapping[str, Sequence[str]]] = {(): by_hand.flat}
    written |= {(task, name): entries for task, parts in by_hand.nested.items() for name, entries in parts.items()}
    names = []
    for place, entries in written.items():
        named = dict.fromkeys(name for label, others in entries.items() for name in (label, *others))
        known = labels.get(place)
        names += ["/".join(place)] if known is None else [name for name in named if name not in known]
    return names
