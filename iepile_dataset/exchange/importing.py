"""Other people's annotations → a source of a corpus: split files, schema, `meta.json`, and what could not be kept."""

import os
import re
import time
from array import array
from collections import Counter
from collections.abc import Iterator, Mapping
from contextlib import ExitStack
from dataclasses import dataclass, field
from hashlib import blake2b
from itertools import chain
from pathlib import Path
from typing import Any, BinaryIO

import numpy as np
import orjson

from ..atomic import Proof, final_place, json_text, new_folder, refuse_taken
from ..corpus.shards import Progress
from ..corpus.sources import language_of
from ..errors import DataError, shown
from ..tasks import TASK_FOLDERS, TASKS, task_named
from .document import KINDS, Loss, Losses
from .format import ReadOptions
from .labels import Labels, readable
from .reading import Entry, open_input

__all__ = ["Imported", "import_source"]

PROOF = Proof("meta.json", "imported", "already imported")
SPLITS = {"train": "train.json", "validation": "dev.json", "test": "test.json"}
SHARES = (0.8, 0.1, 0.1)
_PEEK = 5000
_FEW = 50


@dataclass
class Imported:
    """What an import did.

    Attributes:
        out: The source's folder.
        format: The name of the format that was read.
        task: The task it is annotated for, in lower case.
        language: `en` or `zh`.
        records: Split → how many records.
        units: Split → how many entities, relations or events.
        empty: Split → how many records in which nothing occurs.
        losses: Kind → what could not be kept as it stood.
        set_aside: How many records lie in `quarantine.jsonl`.
        unread: Files of another format, which were left alone.
        shared: (split, split) → texts that both have.
        proposal: Label → a readable name, for those that have another.
        unused: Names in the map of labels that do not occur.
        split_by: `names` of the files, `content`, or `train` for all in one.
        seconds: How long it took.
    """

    out: Path
    format: str
    task: str
    language: str
    records: Counter[str] = field(default_factory=Counter)
    units: Counter[str] = field(default_factory=Counter)
    empty: Counter[str] = field(default_factory=Counter)
    losses: Losses = field(default_factory=Losses)
    set_aside: int = 0
    unread: tuple[str, ...] = ()
    shared: dict[tuple[str, str], int] = field(default_factory=dict)
    proposal: dict[str, str] = field(default_factory=dict)
    unused: tuple[str, ...] = ()
    split_by: str = "names"
    seconds: float = 0.0


def import_source(
    source: Any,
    out: str | os.PathLike[str],
    *,
    form: str = "auto",
    task: str | None = None,
    columns: Mapping[str, str] | None = None,
    labels: Mapping[str, str] | None = None,
    split: str | None = None,
    overwrite: bool = False,
    progress: Progress | None = None,
) -> Imported:
    """Make a source of a corpus from annotations in another format.

    Args:
        source: A file or folder, a name on the Hub, or a `datasets` object.
        out: The folder to make, such as `my/IE-en/NER/letters`; `IE-xx` stands for the language that is found.
        form: A name of `FORMATS`; `auto` tells it by the content.
        task: Which annotation is meant where there are several; else the task's folder in `out`.
        columns: What a column is for → its name or number.
        labels: Label → the name that it shall have.
        split: Shares of train, validation and test such as `80/10/10`, drawn by the text; None keeps the splits that
            the files' names state, and where none does draws 80/10/10 (or takes all for train if there are few).
        overwrite: Replace a folder that was imported before.
        progress: Told of (bytes read, bytes in all).

    Returns:
        What was read and what could not be kept. The folder appears whole or not at all.

    Raises:
        DataError: It cannot be read, holds no annotation or several kinds, or `out` is taken.
    """
    start = time.perf_counter()
    opened = open_input(source, form, ReadOptions(columns or {}), progress)
    stream = opened.entries()
    peeked = _peek(stream)
    language = language_of("".join(one.record["text"] for one in peeked if isinstance(one, Entry))[:200_000])
    place = Path(re.sub(r"(^|[/\\])IE-xx(?=[/\\]|$)", rf"\1IE-{language}", os.fspath(out)))
    chosen = _task(task, place, peeked, f"{source}")
    place = final_place(place)
    refuse_taken(place, PROOF, overwrite)
    done = Imported(place, opened.format.name, chosen, language, unread=opened.unread)
    few = len(peeked) < _FEW
    shares = _shares(split) if split else None if any(opened.splits) else (1.0, 0.0, 0.0) if few else SHARES
    done.split_by = "names" if shares is None else "train" if shares[0] == 1 else "content"
    for name in (part for part in place.parts if re.fullmatch(r"IE-\w\w", part)):
        if name != f"IE-{language}":
            remedy = f"choose --out …/IE-{language}/…"
            done.losses.lose(Loss(str(place), 0, f"the texts look like {language}, the path says {name}", remedy))
    names = Labels(labels or {})
    with new_folder(place, PROOF, overwrite) as work:
        _write(chain(peeked, stream), work, done, names, shares)
        done.unused = tuple(label for label in names.names if label not in names.original)
        done.proposal = {
            label: name for label in names.original
            if label not in names.names and (name := readable(label, language)) != label
        }  # fmt: skip
        kind = TASKS[chosen].annotation
        schema = names.schema(kind, is_typed=chosen in ("spo", "kg"))
        (work / "schema.json").write_bytes(b"".join(orjson.dumps(line) + b"\n" for line in schema))
        meta = {
            "lang": language, "licence": "", "imported": {"format": done.format, "input": str(source)},
            "splits": {SPLITS[name].removesuffix(".json"): count for name, count in done.records.items()},
        }  # fmt: skip
        (work / "meta.json").write_text(json_text(meta), "utf-8")
    done.seconds = time.perf_counter() - start
    return done


def _peek(stream: Iterator[Entry | Loss]) -> list[Entry | Loss]:
    """The beginning: at least some records, and on until one is annotated."""
    peeked: list[Entry | Loss] = []
    kinds = 0
    for entry in stream:
        peeked.append(entry)
        kinds += isinstance(entry, Entry) and any(map(entry.record.get, KINDS))
        if len(peeked) >= _PEEK or (kinds and len(peeked) >= 1000):
            break
    return peeked


def _task(given: str | None, place: Path, peeked: list[Entry | Loss], source: str) -> str:
    """The task's name: as given, as the path says, or as the only annotation that there is."""
    records = [entry.record for entry in peeked if isinstance(entry, Entry)]
    counts = {kind: sum(len(record.get(kind) or ()) for record in records) for kind in KINDS}
    occurring = ", ".join(f"{count:,} {kind}" for kind, count in counts.items() if count)
    if not occurring:
        if not records and (losses := [one for one in peeked if isinstance(one, Loss)]):
            raise DataError(f"{source}: nothing could be read; first {losses[0]}")
        unlabelled = sum(not any(kind in record for kind in counts) for record in records)
        why = f"{unlabelled:,} of {len(records):,} records are not annotated at all" if unlabelled else "all are empty"
        raise DataError(
            f"{source}: no annotation in its first {len(records):,} records, {why} (export the annotated ones)"
        )
    folder = next((part.lower() for part in reversed(place.parts[:-1]) if part.upper() in TASK_FOLDERS), None)
    if given or folder:
        chosen = task_named(given or str(folder)).name.lower()
        if not counts[kind := TASKS[chosen].annotation]:
            raise DataError(f"{source}: no {kind} in it, but {occurring} (choose another --task or folder in --out)")
        return chosen
    several = [kind for kind, count in counts.items() if count]
    if len(several) > 1:
        raise DataError(
            f"{source}: it has {occurring} in its first {len(records):,} records (choose one: --task ner, re or ee)"
        )
    return next(task for task, entry in TASKS.items() if entry.annotation == several[0])


def _shares(text: str) -> tuple[float, float, float]:
    try:
        parts = [float(part) for part in re.split(r"[/,: ]+", text)]
        shares = (parts[0] / sum(parts), parts[1] / sum(parts), parts[2] / sum(parts))
        if len(parts) == 3 and min(shares) >= 0 and shares[0] > 0:
            return shares
    except (ValueError, IndexError, ZeroDivisionError):
        pass
    raise DataError(f"--split {shown(text)} is no three shares (write train/validation/test, such as 80/10/10)")


def _write(
    stream: Iterator[Entry | Loss], work: Path, done: Imported, labels: Labels, shares: tuple[float, ...] | None
) -> None:
    kind = TASKS[done.task].annotation
    digests: dict[str, array[int]] = {split: array("Q") for split in SPLITS}
    unnamed: set[str] = set()
    with ExitStack() as opened:
        files: dict[str, BinaryIO] = {}

        def write(name: str, value: Any) -> None:
            if name not in files:
                files[name] = opened.enter_context((work / name).open("wb"))
            files[name].write(orjson.dumps(value) + b"\n")

        def set_aside(loss: Loss) -> None:
            done.set_aside += 1
            problem = {key: getattr(loss, key) for key in ("file", "line", "reason", "remedy", "raw")}
            write("quarantine.jsonl", {key: _unicode(part) for key, part in problem.items()})

        for entry in stream:
            if isinstance(entry, Loss):
                done.losses.lose(entry)
                if entry.is_record:
                    set_aside(entry)
                continue
            if (wrong := _unusable(entry, kind)) is not None:
                done.losses.lose(wrong)
                set_aside(wrong)
                continue
            record = entry.record
            digest = int.from_bytes(blake2b(record["text"].encode(), digest_size=8).digest(), "big")
            split = entry.split or "train"
            if shares is not None:
                share = digest / 2**64
                split = "train" if share < shares[0] else "validation" if share < shares[0] + shares[1] else "test"
            elif not entry.split and entry.file not in unnamed:
                unnamed.add(entry.file)
                done.losses.lose(
                    Loss(entry.file, 0, "its name states no split, taken for train", "--split draws splits")
                )
            for item in record[kind]:
                labels.take(item, kind)
            write(SPLITS[split], {"text": record["text"], kind: record[kind]})
            digests[split].append(digest)
            done.records[split] += 1
            done.units[split] += len(record[kind])
            done.empty[split] += not record[kind]
    texts = {split: np.unique(np.frombuffer(values, np.uint64)) for split, values in digests.items() if values}
    for first, second in (("train", "validation"), ("train", "test"), ("validation", "test")):
        if first in texts and second in texts and (both := len(np.intersect1d(texts[first], texts[second]))):
            done.shared[first, second] = both


def _unusable(entry: Entry, kind: str) -> Loss | None:
    """Why a record cannot be one of a source."""
    record = entry.record
    reason = remedy = ""
    if not record["text"].strip():
        reason, remedy = "the text is empty", "remove it"
    elif kind not in record:
        reason, remedy = f"not annotated with {kind}", "annotate it, or leave it out of the export"
    elif _unicode(record["text"]) != record["text"]:
        reason, remedy = "the text is not Unicode", "mend the escape"
    if not reason:
        return None
    return Loss(entry.file, entry.line, reason, remedy, orjson.dumps(_unicode(record)).decode(), reason, True)


def _unicode(value: Any) -> Any:
    """A value without halves of surrogate pairs, which no file can hold."""
    if isinstance(value, str):
        return value.encode("utf-8", "replace").decode()
    if isinstance(value, dict):
        return {key: _unicode(part) for key, part in value.items()}
    return [_unicode(part) for part in value] if isinstance(value, list) else value
