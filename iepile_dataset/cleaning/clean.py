"""A corpus → the same corpus without what spoils it; what goes lies beside it, each record with its rule."""

import json
import os
import posixpath
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from dataclasses import dataclass, field
from pathlib import Path
from time import perf_counter
from typing import TextIO

import fsspec
import orjson

from ..atomic import Proof, final_place, json_text, new_folder, refuse_taken
from ..corpus.record_check import problems
from ..corpus.records import BOM
from ..corpus.select import choose_sources
from ..corpus.shards import Progress, Segment, advancing
from ..corpus.sources import Source
from ..errors import DataError, Problem
from ..instructions.generate import totals
from ..options import Selection
from ..schema import SCHEMA_FILES
from ..tasks import LANGUAGES, TASK_FOLDERS, TASKS
from .normalise import normalise_record, normalise_text
from .rules import NORMALISE, CleanOptions, Fact, drops, fact, leaks

__all__ = ["Cleaned", "clean"]

CLEANED = "cleaned.json"
DROPPED = "dropped"

_PROOF = Proof(CLEANED, "rules", "holds a cleaned corpus already")


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
        return totals(self.counts)[what]

    def as_json(self, options: CleanOptions) -> dict[str, object]:
        """The content of `cleaned.json`."""
        sources: dict[str, dict[str, object]] = {name: {} for name in self.sources}
        for (name, what), number in sorted(self.counts.items()):
            if number:
                sources[name][what] = number
        return {
            "rules": list(options.rules),
            "options": {"threshold": options.threshold, "leak_from": options.leak_from},
            "sources": {name: {**counts, "leaks": self.leaks[name]} for name, counts in sources.items()},
            "not_carried_over": [str(problem) for problem in self.problems],
        }


def clean(
    out: str | os.PathLike[str],
    corpus: str | os.PathLike[str],
    *,
    options: CleanOptions = CleanOptions(),  # noqa: B008 - frozen
    overwrite: bool = False,
    progress: Progress | None = None,
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
    here, there = place.resolve(), Path(corpus).resolve()
    if "://" not in corpus and (here == there or here in there.parents or there in here.parents):
        raise DataError(f"{place}: lies in the corpus, or the corpus in it (choose another --out)")
    refuse_taken(place, _PROOF, overwrite)
    result = Cleaned(Path(out))
    served, wrong = choose_sources((), Selection(), corpus)
    sources = {source.path: source for source in reversed(served)}  # once, whichever tasks it serves
    result.problems = list(
        {problem.file: problem for problem in reversed(wrong) if problem.file not in sources}.values()
    )
    advance = advancing(progress, 2 * sum(sum(source.sizes.values()) for source in sources.values()))
    root = _tree_root(corpus)
    with new_folder(place, _PROOF, overwrite) as work, ExitStack() as files:
        asides: dict[str, TextIO] = {}

        def put_aside(rule: str, line: dict[str, object]) -> None:
            if rule not in asides:
                (work / DROPPED).mkdir(exist_ok=True)
                asides[rule] = files.enter_context((work / DROPPED / f"{rule}.jsonl").open("w", encoding="utf-8"))
            asides[rule].write(json.dumps(line, ensure_ascii=False) + "\n")

        for path, source in sorted(sources.items()):
            name = fsspec.core.url_to_fs(path)[1].removeprefix(root).strip("/")
            _Cleaning(source, name, work / name, options, result, advance).run(put_aside)
        (work / CLEANED).write_text(json_text(result.as_json(options)), "utf-8")
    result.seconds = perf_counter() - start
    return result


class _Cleaning:
    """One source on its way through the rules: its facts are read first, then its lines are written or put aside."""

    def __init__(
        self,
        source: Source,
        name: str,
        folder: Path,
        options: CleanOptions,
        result: Cleaned,
        advance: Callable[[int], None],
    ) -> None:
        self._source, self._name, self._folder, self._options = source, name, folder, options
        self._result, self._advance = result, advance
        self._key = TASKS[source.task].annotation
        self._changed: dict[int, bytes] = {}  # place → the line that is written instead
        self._done: Counter[str] = Counter()

    def run(self, put_aside: Callable[[str, dict[str, object]], None]) -> None:
        """Read, decide, write."""
        self._folder.mkdir(parents=True)
        facts = [self._fact(place, *line) for place, line in enumerate(self._lines())]
        gone = drops(facts, self._source.language, self._options)
        names = {split: posixpath.basename(file) for split, file in self._source.files.items()}
        kept: Counter[str] = Counter()
        with ExitStack() as files:
            outs = {split: files.enter_context((self._folder / names[split]).open("wb")) for split in names}
            for place, (split, number, raw) in enumerate(self._lines()):
                if place not in gone:
                    kept[split] += 1
                    outs[split].write(self._changed.get(place) or raw + b"\n")
                    continue
                drop = gone[place]
                other = None if drop.twin is None else facts[drop.twin]
                twin = other and {"file": f"{self._name}/{names[other.split]}", "line": other.line}
                put_aside(
                    drop.rule,
                    {
                        "file": f"{self._name}/{names[split]}", "line": number, "rule": drop.rule,
                        "reason": drop.reason, "twin": twin, "raw": raw.decode("utf-8", "replace"),
                    },
                )  # fmt: skip
        for split in names:
            if not kept[split]:
                (self._folder / names[split]).unlink()  # an empty file would be an error to everyone who reads it
        self._done += Counter(
            read=len(facts), kept=kept.total(), normalised=sum(place not in gone for place in self._changed)
        )
        self._done.update(drop.rule for drop in gone.values())
        self._result.counts.update({(self._name, what): number for what, number in self._done.items()})
        self._result.leaks[self._name] = leaks(facts)
        self._carry_over(kept, bool(gone or self._changed))

    def _lines(self) -> Iterator[tuple[str, int, bytes]]:
        """(split, 1-based line, line without its end) of each line that is not blank."""
        for split, size in self._source.sizes.items():
            for number, line in Segment(self._source, split, 0, size).lines():
                if not line.isspace():
                    yield split, number, (line if number > 1 else line.removeprefix(BOM)).rstrip(b"\r\n")
            self._advance(size)

    def _fact(self, place: int, split: str, line: int, raw: bytes) -> Fact:
        """What the rules know of a line; what normalising makes of it is kept."""
        try:
            record, text = orjson.loads(raw), None
            if isinstance(record, dict) and isinstance(record.get("text"), str):
                text = record["text"]
                if NORMALISE in self._options.rules:
                    better = normalise_record(record, self._key)
                    self._done["unnormalised"] += better is None
                    text = normalise_text(text)
                    if better is not None and better != record:
                        record = better
                        self._changed[place] = json.dumps(record, ensure_ascii=False).encode() + b"\n"
            fits = next(problems(record, self._key, self._source.schema), None) is None
            return fact(split, line, record, text, self._key, fits)
        except (orjson.JSONDecodeError, RecursionError):
            self._changed.pop(place, None)
            return fact(split, line, None, None, self._key, fits=False)

    def _carry_over(self, kept: Counter[str], touched: bool) -> None:
        """Schema and meta.json; an untouched source keeps its meta.json as it is."""
        filesystem, plain = fsspec.core.url_to_fs(self._source.path)
        for name in (*SCHEMA_FILES, "meta.json"):
            if filesystem.isfile(f"{plain}/{name}"):
                (self._folder / name).write_bytes(filesystem.cat_file(f"{plain}/{name}"))
        if touched:
            file = self._folder / "meta.json"
            meta = orjson.loads(file.read_bytes()) if file.exists() else {}
            earlier = meta.get("cleaned", [])
            records = {{"validation": "dev"}.get(split, split): kept[split] for split in self._source.files}
            this = {"rules": list(self._options.rules), "done": dict(+self._done), "records": records}
            passes = [*(earlier if isinstance(earlier, list) else [earlier]), this]
            file.write_text(json_text({**meta, "cleaned": passes}), "utf-8")


def _tree_root(corpus: str) -> str:
    """The folder below which the names of a tree begin: `IE-en/NER` given alone still becomes `IE-en/NER/…`.

    >>> _tree_root("data/re/corpus").endswith("/data/re/corpus"), _tree_root("data/IE-en/NER/towns").endswith("/data")
    (True, True)
    """
    filesystem, plain = fsspec.core.url_to_fs(corpus)
    parts = plain.rstrip("/").split("/")
    names = [part.lower() for part in parts]
    languages = {f"ie-{language}" for language in LANGUAGES}
    one_source = any(filesystem.isfile(f"{plain}/{name}") for name in SCHEMA_FILES)
    start = next((place for place, name in enumerate(names) if name in languages), len(parts) - one_source)
    # A task's folder counts only where it stands in its place: some parent may happen to be called `re`.
    if start == len(parts) - one_source and names[start - 1].upper() in TASK_FOLDERS:
        start -= 1
    return "/".join(parts[:start])
