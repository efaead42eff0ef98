"""A corpus → the same corpus without what spoils it; what goes lies beside it, each record with its rule."""

import json
import os
import posixpath
from collections import Counter, defaultdict
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from time import perf_counter
from typing import Any

import fsspec
import orjson

from ..atomic import Proof, final_place, json_text, new_folder, refuse_taken
from ..bounded import parse_json
from ..corpus.file_form import BOM
from ..corpus.layout import read_file
from ..corpus.lines import LINE_BYTES, Overlong, unpacked
from ..corpus.record_check import problems
from ..corpus.shards import Progress, Segment, advancing
from ..corpus.sources import Source, choose_sources
from ..errors import DataError, Problem
from ..instructions.generate import totals
from ..options import NORMALISE, CleanOptions, Selection
from ..schema import SCHEMA_FILES, Schema
from ..tasks import LANGUAGES, TASK_FOLDERS, TASKS
from .normalise import normalise_record, normalise_text
from .rules import Record, digest_of, drop, leaks

__all__ = ["Cleaned", "clean"]

CLEANED = "cleaned.json"
DROPPED = "dropped"

_PROOF = Proof(CLEANED, "rules", "holds a cleaned corpus already")


class _TooLong(DataError):
    """A line was not read, so that it could not be carried over."""


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

    def total(self, what: str) -> int:
        """Sum over all sources."""
        return totals(self.counts)[what]

    def as_json(self, options: CleanOptions) -> dict[str, object]:
        """The content of `cleaned.json`."""
        return {
            "rules": list(options.rules),
            "options": {"threshold": options.threshold, "leak_from": options.leak_from},
            "sources": {
                name: {what: n for (key, what), n in sorted(self.counts.items()) if key == name and n}
                | {"leaks": leaks}
                for name, leaks in self.leaks.items()
            },
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
        progress: Called with (bytes read so far, bytes in all).

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
    advance = advancing(progress, sum(sum(source.sizes.values()) for source in sources.values()))
    root = _tree_root(corpus)
    with new_folder(place, _PROOF, overwrite) as work:
        for path, source in sorted(sources.items()):
            name = fsspec.core.url_to_fs(path)[1].removeprefix(root).strip("/")
            try:
                _clean_source(source, name, work, options, result)
            except _TooLong as error:
                result.problems.append(Problem.of_error(path, error))
            advance(sum(source.sizes.values()))
        (work / CLEANED).write_text(json_text(result.as_json(options)), "utf-8")
    result.seconds = perf_counter() - start
    return result


def _clean_source(source: Source, name: str, work: Path, options: CleanOptions, result: Cleaned) -> None:
    """Write what stays of a source, under its name in the tree, and aside what goes."""
    records = list(_read(source, options))
    drop(records, source.language, options)
    result.leaks[name] = leaks(records)
    counts = _counts(records)
    result.counts.update({(name, what): number for what, number in counts.items()})
    kept = _write(records, source, work, name)
    _carry_over(source, work / name, options, dict(+counts), kept)


def _read(source: Source, options: CleanOptions) -> Iterator[Record]:
    """The lines that are not blank."""
    key = TASKS[source.task].annotation
    for split, size in source.sizes.items():
        for number, line in Segment(source, split, 0, size).lines():
            if line.__class__ is Overlong:
                reason = f"{source.files[split]}:{number}: the line is longer than {LINE_BYTES >> 20} MB"
                raise _TooLong(f"{reason} (cut its text into several records)")
            if not line.isspace():
                raw = (line if number > 1 else line.removeprefix(BOM)).rstrip(b"\r\n")
                try:
                    yield _record(Record(split, number, raw), orjson.loads(raw), key, source.schema, options)
                except (orjson.JSONDecodeError, RecursionError):
                    yield Record(split, number, raw)


def _record(line: Record, record: Any, key: str, schema: Schema, options: CleanOptions) -> Record:
    """A line with what its record says."""
    if isinstance(record, dict) and isinstance(record.get("text"), str):
        line.text = record["text"]
        if NORMALISE in options.rules:
            better = normalise_record(record, key)
            line.unnormalised, line.text = better is None, normalise_text(record["text"])
            if better is not None and better != record:
                record = better
                line.changed = json.dumps(record, ensure_ascii=False).encode()
        line.annotation, line.annotated = digest_of(record.get(key)), bool(record.get(key))
    line.fits = next(problems(record, key, schema), None) is None
    return line


def _counts(records: Sequence[Record]) -> Counter[str]:
    counts = Counter(record.drop.rule if record.drop else "kept" for record in records)
    counts["read"] = len(records)
    counts["normalised"] = sum(record.changed is not None and not record.drop for record in records)
    counts["unnormalised"] = sum(record.unnormalised for record in records)
    return counts


def _write(records: Sequence[Record], source: Source, work: Path, name: str) -> Counter[str]:
    """The lines that stay, into their files, the others aside; split → how many stayed."""
    files = {split: f"{name}/{posixpath.basename(unpacked(file))}" for split, file in source.files.items()}
    kept: Counter[str] = Counter()
    lines: defaultdict[str, list[bytes]] = defaultdict(list)
    (work / name).mkdir(parents=True)
    (work / DROPPED).mkdir(exist_ok=True)
    for record in records:
        if reason := record.drop:
            twin = reason.twin and {"file": files[reason.twin.split], "line": reason.twin.line}
            line = {
                "file": files[record.split], "line": record.line, "rule": reason.rule, "reason": reason.reason,
                "twin": twin, "raw": record.raw.decode("utf-8", "replace"),
            }  # fmt: skip
            lines[f"{DROPPED}/{reason.rule}.jsonl"].append(json.dumps(line, ensure_ascii=False).encode())
        else:
            kept[record.split] += 1
            lines[files[record.split]].append(record.changed or record.raw)
    for file, content in lines.items():
        with (work / file).open("ab") as out:
            out.writelines(line + b"\n" for line in content)
    return kept


def _carry_over(source: Source, folder: Path, options: CleanOptions, done: dict[str, int], kept: Counter[str]) -> None:
    """Schema and meta.json; an untouched source keeps its meta.json as it is."""
    for name in (*SCHEMA_FILES, "meta.json"):
        if (content := read_file(f"{source.path}/{name}")) is not None:
            (folder / name).write_bytes(content)
    if done.get("kept") != done.get("read") or done.get("normalised"):
        file = folder / "meta.json"
        meta = parse_json(file.read_bytes(), str(file)) if file.exists() else {}
        earlier = meta.get("cleaned", [])
        records = {{"validation": "dev"}.get(split, split): kept[split] for split in source.files}
        this = {"rules": list(options.rules), "done": done, "records": records}
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
