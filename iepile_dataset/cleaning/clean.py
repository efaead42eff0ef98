"""A corpus → the same corpus without what spoils it; what goes lies beside it, each record with its rule."""

import json
import os
import posixpath
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from dataclasses import asdict, dataclass, field
from pathlib import Path
from time import perf_counter
from typing import Any, TextIO

import fsspec
import orjson

from ..corpus.record_check import problems
from ..corpus.sources import SPLITS, Source
from ..errors import Problem
from ..export.atomic_dir import Proof, final_place, refuse_taken, work_folder
from ..schema import SCHEMA_FILES
from ..tasks import TASKS
from .folders import CLEANED, base, below, refuse_nested, sources_of
from .normalise import tidy_record, tidy_text
from .rules import NORMALISE, CleanOptions, Drop, Fact, drops, fact, leaks

DROPPED = "dropped"
PROOF = Proof(CLEANED, "rules", "holds a cleaned corpus already")


@dataclass
class Cleaned:
    """What `clean` did.

    Attributes:
        folder: Where the clean corpus lies.
        counts: (source, what) → how many: `read`, `kept`, `normalised`, `unnormalised` (a mention would have been
            lost), and the name of each rule for what it dropped. Sources are named by their path in the tree.
        leaks: Source → held-out split → distinct texts that it shares with train.
        problems: Folders that could not be read as a source; they are not carried over.
        seconds: Wall-clock time.
    """

    folder: Path
    counts: Counter[tuple[str, str]] = field(default_factory=Counter)
    leaks: dict[str, dict[str, int]] = field(default_factory=dict)
    problems: list[Problem] = field(default_factory=list)
    seconds: float = 0.0

    @property
    def sources(self) -> list[str]:
        """The sources, in order."""
        return list(self.leaks)

    def total(self, what: str) -> int:
        """Sum over all sources."""
        return sum(number for (_, kind), number in self.counts.items() if kind == what)


def clean(
    out: str | os.PathLike[str],
    corpus: str | os.PathLike[str],
    *,
    options: CleanOptions = CleanOptions(),  # noqa: B008 - frozen
    overwrite: bool = False,
    progress: Callable[[int, int], None] | None = None,
) -> Cleaned:
    """Write a corpus tree of the same layout without what the rules find.

    The rules, in their order: `normalise` (Unicode NFC, uniform white space), `empty`, `leak` (a text of train that
    is in validation or test too), `contradiction`, `duplicate`, `near`. All compare within a source, and all but
    `leak` within a split. Texts are the same if they are equal letter for letter, after `normalise` where it is on;
    annotations if they hold the same items in any order. Of annotations that contradict each other one that fits its
    text and schema stays. Lines that no rule touches keep their bytes; their ends become `\\n`, and a byte order mark
    and blank lines go.

    Args:
        out: The folder to make. It appears whole or not at all. `dropped/<rule>.jsonl` holds what went, `cleaned.json`
            the counts; a source's `meta.json` says under `cleaned` what was done to it.
        corpus: A corpus tree or one of its folders, local or behind any fsspec address.
        options: Which rules are on, and how they decide.
        overwrite: Replace a folder that `clean` made before; another folder is never touched.
        progress: Called with (bytes read so far, bytes in all); every file is read twice.

    Returns:
        The counts. Memory grows with the largest source, not with the corpus.

    Raises:
        DataError: The folder is taken or lies in the corpus, there is no source, or a package is missing.

    >>> import tempfile
    >>> from ..corpus.sources import sample_corpus
    >>> done = clean(tempfile.mkdtemp() + "/clean", sample_corpus())
    >>> done.total("read") - done.total("kept")
    0
    """
    start = perf_counter()
    corpus, place = os.fspath(corpus), final_place(out)
    refuse_nested(place, corpus)
    refuse_taken(place, PROOF, overwrite)
    result = Cleaned(Path(out))
    sources, result.problems = sources_of(corpus)
    total, done = 2 * sum(sum(source.sizes.values()) for source in sources), 0

    def advance(read: int) -> None:
        nonlocal done
        done += read
        if progress:
            progress(done, total)

    with work_folder(place, PROOF, overwrite) as work:
        with ExitStack() as files:
            aside: dict[str, TextIO] = {}

            def writer(rule: str) -> TextIO:
                if rule not in aside:
                    (work / DROPPED).mkdir(exist_ok=True)
                    aside[rule] = files.enter_context((work / DROPPED / f"{rule}.jsonl").open("w", encoding="utf-8"))
                return aside[rule]

            root = base(corpus)
            for source in sources:
                _clean_source(source, below(source.path, root), work, writer, options, result, advance)
        _write_json(work / CLEANED, _told(options, result))
    result.seconds = perf_counter() - start
    return result


def _clean_source(
    source: Source,
    name: str,
    work: Path,
    writer: Callable[[str], TextIO],
    options: CleanOptions,
    result: Cleaned,
    advance: Callable[[int], None],
) -> None:
    key = TASKS[source.task].annotation
    facts: list[Fact] = []
    changed: dict[int, bytes] = {}
    before = result.counts.copy()
    for split, line, raw in _lines(source, advance):
        record, text = _parsed(raw), None
        try:
            if isinstance(record, dict) and isinstance(record.get("text"), str):
                text = record["text"]
                if NORMALISE in options.rules:
                    better = tidy_record(record, key)
                    result.counts[name, "unnormalised"] += better is None
                    text = tidy_text(text)
                    if better is not None and better != record:
                        record = better
                        changed[len(facts)] = json.dumps(record, ensure_ascii=False).encode() + b"\n"
            fits = next(problems(record, key, source.schema), None) is None
            facts.append(fact(split, line, record, text, key, fits))
        except RecursionError:
            changed.pop(len(facts), None)
            facts.append(fact(split, line, None, None, key, fits=False))
    result.leaks[name] = leaks(facts)
    gone = drops(facts, source.language, options)
    kept = _write(source, name, work, writer, facts, gone, changed, advance)
    result.counts[name, "read"] += len(facts)
    result.counts[name, "kept"] += sum(kept.values())
    result.counts[name, "normalised"] += sum(place not in gone for place in changed)
    for drop in gone.values():
        result.counts[name, drop.rule] += 1
    done = {what: number for (key, what), number in (result.counts - before).items() if key == name}
    _carry_over(source, work / name, options, done if gone or changed else None, kept)


def _write(
    source: Source,
    name: str,
    work: Path,
    writer: Callable[[str], TextIO],
    facts: list[Fact],
    gone: dict[int, Drop],
    changed: dict[int, bytes],
    advance: Callable[[int], None],
) -> Counter[str]:
    """The lines that stay, into their files, the others aside; split → how many stayed."""
    names = {split: posixpath.basename(file) for split, file in source.files.items()}
    folder = work / name
    folder.mkdir(parents=True, exist_ok=True)
    kept: Counter[str] = Counter()
    with ExitStack() as files:
        outs = {split: files.enter_context((folder / names[split]).open("wb")) for split in names}
        for place, (split, line, raw) in enumerate(_lines(source, advance)):
            drop = gone.get(place)
            if drop is None:
                kept[split] += 1
                outs[split].write(changed.get(place) or raw + b"\n")
                continue
            twin = None
            if drop.twin is not None:
                other = facts[drop.twin]
                twin = {"file": f"{name}/{names[other.split]}", "line": other.line}
            told = {
                "file": f"{name}/{names[split]}", "line": line, "rule": drop.rule, "reason": drop.reason, "twin": twin,
                "raw": raw.decode("utf-8", "replace"),
            }  # fmt: skip
            writer(drop.rule).write(json.dumps(told, ensure_ascii=False) + "\n")
    for split in names:
        if not kept[split]:
            (folder / names[split]).unlink()  # an empty file would be an error to everyone who reads it
    return kept


def _lines(source: Source, advance: Callable[[int], None]) -> Iterator[tuple[str, int, bytes]]:
    """(split, 1-based line, line without its end) of each line of a source that is not blank."""
    for split in (split for split in SPLITS if split in source.files):
        with fsspec.open(source.files[split], "rb") as file:
            for number, line in enumerate(file, 1):
                if not line.isspace():
                    yield split, number, (line if number > 1 else line.removeprefix(b"\xef\xbb\xbf")).rstrip(b"\r\n")
        advance(source.sizes[split])


def _parsed(raw: bytes) -> Any:
    try:
        return orjson.loads(raw)
    except orjson.JSONDecodeError:
        return None


def _carry_over(
    source: Source, folder: Path, options: CleanOptions, done: dict[str, int] | None, kept: Counter[str]
) -> None:
    """Schema and meta.json; an untouched source keeps its meta.json as it is."""
    filesystem, plain = fsspec.core.url_to_fs(source.path)
    for name in SCHEMA_FILES:
        if filesystem.isfile(f"{plain}/{name}"):
            (folder / name).write_bytes(filesystem.cat_file(f"{plain}/{name}"))
    meta = filesystem.cat_file(f"{plain}/meta.json") if filesystem.isfile(f"{plain}/meta.json") else None
    if done is None:
        if meta is not None:
            (folder / "meta.json").write_bytes(meta)
        return
    told = orjson.loads(meta) if meta is not None else {}
    names = {"validation": "dev"}
    this = {
        "rules": list(options.rules), "done": done,
        "records": {names.get(split, split): kept[split] for split in source.files},
    }  # fmt: skip
    earlier = told.get("cleaned", [])
    _write_json(
        folder / "meta.json", {**told, "cleaned": [*(earlier if isinstance(earlier, list) else [earlier]), this]}
    )


def _told(options: CleanOptions, result: Cleaned) -> dict[str, Any]:
    return {
        "rules": list(options.rules),
        "options": {name: value for name, value in asdict(options).items() if name not in ("only", "skip")},
        "sources": {
            name: {
                **{what: number for (key, what), number in sorted(result.counts.items()) if key == name and number},
                "leaks": result.leaks[name],
            }
            for name in result.sources
        },
        "not_carried_over": [str(problem) for problem in result.problems],
    }


def _write_json(file: Path, value: dict[str, Any]) -> None:
    file.write_text(json.dumps(value, ensure_ascii=False, indent=2) + "\n", "utf-8")
