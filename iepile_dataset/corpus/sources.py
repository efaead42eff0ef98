"""Where the data is: the sources of a corpus tree, local or behind any fsspec address (`hf://…`)."""

import os
import posixpath
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from importlib import resources
from typing import Any

from ..bounded import parse_json
from ..errors import DataError, Problem, shown
from ..licences import allows
from ..options import Selection
from ..schema import SCHEMA_FILES, Schema, parse_schema
from ..tasks import LANGUAGES, TASKS, Task, task_named
from .layout import SPLITS, TREE, Folder, folders_in, folders_of, listed, read_file

__all__ = ["SPLITS", "Source", "choose_sources", "find_sources", "language_of", "sample_corpus"]

STATED = ("annotations_creators", "source_datasets")
"""Keys of a `meta.json` that a page on the Hub shows."""

RUN_AGAIN = "run again when nothing writes it"


@dataclass(frozen=True)
class Source:
    """One annotated data set of a corpus.

    Attributes:
        name: Its folder's name.
        task: Lower-case name of the task it is asked for.
        language: `en` or `zh`.
        schema: Its labels.
        files: Split to file address, only the splits it has.
        sizes: Split to file size in bytes.
        licence: Licence words of its `meta.json`, empty where it has none.
        path: Its folder.
        empty_below: Threshold for empty training rows, where they are limited; see `limit`.
        marks: Split to what changes with its file, see `layout.listed`.
        stated: What its `meta.json` says for a page of the Hub: of `STATED` the keys that it has, each a list.
    """

    name: str
    task: str
    language: str
    schema: Schema
    files: Mapping[str, str]
    sizes: Mapping[str, int]
    licence: str
    path: str
    empty_below: int | None = None
    marks: Mapping[str, str] = field(default_factory=dict)
    stated: Mapping[str, Sequence[str]] = field(default_factory=dict)

    @property
    def key(self) -> str:
        """`<language>/<TASK>/<name>`, the beginning of its record ids."""
        return f"{self.language}/{TASKS[self.task].name}/{self.name}"

    def refuse_changed(self, split: str) -> None:
        """A DataError where a split's file is no longer the one that was listed.

        One that has only grown is: it is read to its listed end.
        """
        file, size, mark = self.files[split], self.sizes[split], self.marks.get(split)
        try:
            now, changed = listed(file, {"size": size})
        except FileNotFoundError:
            raise DataError(f"{file}: was removed while it was read ({RUN_AGAIN})") from None
        inode = str(mark).partition(":")[0] + ":"
        if now < size or (mark and mark != changed and (now == size or not changed.startswith(inode))):
            raise DataError(f"{file}: changed while it was read: {size:,} bytes listed, {now:,} now ({RUN_AGAIN})")


def sample_corpus() -> str:
    """Path of the small corpus that travels with the package."""
    return str(resources.files("iepile_dataset") / "sample")


class _NotServed(DataError):
    """The schema has nothing to ask for this task."""


def find_sources(
    task: Task,
    options: Selection,
    data_dir: str | None = None,
    data_files: Mapping[str, Sequence[str]] | None = None,
) -> tuple[list[Source], list[Problem]]:
    """The sources that serve a task, in order of language and name, and what keeps others from it.

    Args:
        task: The table's entry.
        options: `language` and `source` choose among the sources.
        data_dir: A corpus tree, one of its folders, or a single source; None for the embedded sample.
        data_files: Split to files, instead of a folder; the schema lies beside them.

    Raises:
        DataError: There is no such folder, no source in it, or none that was asked for.
    """
    root = "data_files" if data_files else os.path.expanduser(data_dir or sample_corpus())
    folders = list(folders_of(data_files) if data_files else folders_in(root, task.folders[0]))
    tree = TREE.format(task.folders[0])
    if not folders:
        raise DataError(f"{root}: no source in it ({tree})")
    serving, problems = _serving(folders, task)
    sources: list[Source] = []
    unread: dict[str, list[Problem]] = {}
    for folder in serving:
        try:
            sources.append(_source(folder, task))
            unread[folder.path] = list(_unread(folder))
        except DataError as error:
            # A folder of another task that could serve this one, and does not, lacks nothing.
            if not isinstance(error, _NotServed) or folder.task in (None, task.folders[0]):
                problems.append(Problem.of_error(folder.path, error))
    refused = [source for source in sources if options.licence and not allows(source.licence, options.licence)]
    for source in refused:
        reason = f'licence words {shown(source.licence)} do not plainly allow use "{options.licence}"'
        problems.append(Problem(source.path, 0, reason, "leave --licence out, or state the licence in meta.json"))
    sources = [source for source in sources if source not in refused and options.language in (None, source.language)]
    sources = _named(sources, problems, options, f"{root}: no {task.name} source")
    if not sources:
        wanted = f" in language {options.language}" if options.language else ""
        reasons = "; ".join(map(str, problems[:3])) or tree
        raise DataError(f"{root}: no {task.name} source{wanted} ({reasons})")
    by_key: dict[str, Source] = {}
    for source in sorted(sources, key=lambda source: (source.language, source.name, source.path)):
        first = by_key.setdefault(source.key, source)
        if first is not source:
            # Their records would bear the same ids.
            same = Problem(source.path, 0, f"{first.path} is called {source.key} too", "rename one")
            if data_files:
                raise DataError(str(same))
            problems.append(same)
    return list(by_key.values()), problems + [problem for source in by_key.values() for problem in unread[source.path]]


def choose_sources(
    tasks: str | Sequence[str], options: Selection, data_dir: str | os.PathLike[str] | None = None
) -> tuple[list[Source], list[Problem]]:
    """The sources of a corpus for some tasks, in the order of the task table, and what keeps others from it.

    Args:
        tasks: A name or several, in any case; empty for all that the corpus serves.
        options: Which of them are meant; `Options` will do.
        data_dir: A corpus tree or one of its folders; None for the embedded sample.

    Raises:
        DataError: No source for a task that was named, or for any where none was.

    >>> sources, problems = choose_sources(["ner"], Selection(language="zh"))
    >>> [source.key for source in sources], problems
    (['zh/NER/chengshi_xinwen', 'zh/NER/wanggou_pinglun'], [])
    """
    tasks = (tasks,) if isinstance(tasks, str) and tasks else tasks
    root = None if data_dir is None else os.fspath(data_dir)
    sources: list[Source] = []
    problems: list[Problem] = []
    errors = []
    everything = replace(options, source=None)  # a source that one task lacks, another may have
    for name in dict.fromkeys(task_named(task).name.lower() for task in tasks or TASKS):
        try:
            served, new = find_sources(TASKS[name], everything, root)
        except DataError as error:
            errors.append(error)
            continue
        sources += served
        problems += [problem for problem in new if problem not in problems]
    if not sources or (tasks and errors):
        raise errors[0]
    return _named(sources, problems, options, f"{root or 'the sample'}: no source"), problems


def _named(sources: list[Source], problems: Iterable[Problem], selection: Selection, missing: str) -> list[Source]:
    """The sources that a selection names, all where it names none.

    Args:
        sources: All that there are.
        problems: What keeps others from being among them.
        selection: Its `source`.
        missing: The beginning of the error where one is not there.
    """
    known = sorted({source.name for source in sources})
    for name in selection.sources:
        if name not in known:
            there_are = "there are " + ", ".join(known[:12]) + (" …" if len(known) > 12 else "")
            reasons = [str(bad) for bad in problems if posixpath.basename(bad.file.rstrip("/")) == name]
            raise DataError([*reasons, f"{missing} {shown(name)} ({there_are if known else 'there is none'})"][0])
    return [source for source in sources if not selection.sources or source.name in selection.sources]


def _serving(folders: Iterable[Folder], task: Task) -> tuple[list[Folder], list[Problem]]:
    """Folders that serve the task; a fallback folder (EE for EET) only where the best has nothing in its language."""
    by_kind: dict[tuple[str | None, str], list[Folder]] = {}
    problems: list[Problem] = []
    chosen = []
    for folder in folders:
        kind = folder.task
        if kind:
            by_kind.setdefault((folder.language, kind), []).append(folder)
        else:
            try:
                if task.annotation in _probe(folder):
                    chosen.append(folder)
            except DataError as error:
                problems.append(Problem.of_error(folder.path, error))
    for language in dict.fromkeys(language for language, _ in by_kind):
        for kind in task.folders:
            if (language, kind) in by_kind:
                chosen += by_kind[language, kind]
                break
    return chosen, problems


def _source(folder: Folder, task: Task) -> Source:
    schema_file = next((name for name in SCHEMA_FILES if name in folder.names), None)
    if schema_file is None:
        raise DataError(
            "no schema.json beside the split files (three lines: types; relations or roles; {type: [roles]})"
        )
    folder.refuse_broken(schema_file)
    schema = parse_schema((read_file(f"{folder.path}/{schema_file}") or b"").decode("utf-8", "replace"), schema_file)
    if not task.labels(schema):
        raise _NotServed(f"{schema_file} has no labels for {task.name} ({task.where})")
    if "meta.json" in folder.names:
        folder.refuse_broken("meta.json")
    meta = parse_json(read_file(f"{folder.path}/meta.json") or b"{}", "meta.json")
    if not isinstance(meta, dict):
        raise DataError(f"meta.json is {shown(meta)}, not an object (mend or remove it)")
    files, facts = {}, {}
    for split, names in folder.splits().items():
        folder.refuse_broken(names[0])
        files[split] = f"{folder.path}/{names[0]}"
        facts[split] = listed(files[split], folder.names[names[0]])
    language = folder.language or str(meta.get("lang") or "") or _guess_language(folder)
    if language not in LANGUAGES:
        raise DataError(f"meta.json says language {shown(language)} (en or zh)")
    licence = str(meta.get("licence") or meta.get("license") or "")
    sizes = {split: size for split, (size, _) in facts.items()}
    marks = {split: mark for split, (_, mark) in facts.items()}
    stated = {name: _words(meta[name], name) for name in STATED if meta.get(name)}
    return Source(
        folder.name, task.name.lower(), language, schema, files, sizes, licence, folder.path, None, marks, stated
    )


def _words(value: Any, key: str) -> list[str]:
    words = [value] if isinstance(value, str) else value
    if not isinstance(words, list) or not all(isinstance(word, str) for word in words):
        raise DataError(f"meta.json says {key} {shown(value)} (a string, or a list of them)")
    return words


def _unread(folder: Folder) -> Iterator[Problem]:
    """Files that look like splits and are not read, since another is."""
    for first, *others in () if folder.given else folder.splits().values():
        for name in others:
            yield Problem(folder.path, 0, f"{name} is not read, since {first} lies beside it", "keep one of them")


def _probe(folder: Folder) -> dict[str, Any]:
    """The first annotated record of a folder, to see what it is."""
    for record in folder.first_records():
        if {"entity", "relation", "event"} & set(record):
            return record
    raise DataError("no line with an annotation (entity, relation or event) at its beginning, and no task in its path")


def _guess_language(folder: Folder) -> str:
    return language_of("".join(str(record.get("text")) for record in folder.first_records()))


def language_of(text: str) -> str:
    """Chinese where at least a fifth of the letters are, otherwise English.

    >>> language_of("他在 Ulm 工作"), language_of("He works in 北京")
    ('zh', 'en')
    """
    chinese = sum("一" <= letter <= "鿿" for letter in text)
    return "zh" if chinese and chinese * 5 >= sum(map(str.isalpha, text)) else "en"
