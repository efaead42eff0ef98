"""Where the data is: the sources of a corpus tree, local or behind any fsspec address (`hf://…`)."""

import posixpath
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from hashlib import blake2b
from importlib import resources
from typing import Any

import fsspec
import orjson

from .licences import allows
from .options import Options
from .problems import DataError, Problem, shown
from .schema import SCHEMA_FILES, Schema, parse_schema
from .tasks import LANGUAGES, TASKS, Task

SPLITS: Mapping[str, tuple[str, ...]] = {
    "train": ("train.json", "train.jsonl"),
    "validation": ("dev.json", "dev.jsonl", "validation.json", "validation.jsonl"),
    "test": ("test.json", "test.jsonl"),
}

_TREE = "expected IE-en/NER/<source>/{train,dev,test}.json with a schema.json beside them"
_DEPTH = 4
_FOLDERS = {folder for task in TASKS.values() for folder in task.folders}
_PROBE_BYTES = 65536


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

    @property
    def key(self) -> str:
        """`<language>/<TASK>/<name>`, the beginning of its record ids."""
        return f"{self.language}/{TASKS[self.task].name}/{self.name}"


@dataclass(frozen=True)
class Folder:
    """A folder with split files, before it is known whether and how it serves a task."""

    path: str
    parts: tuple[str, ...]
    names: Mapping[str, dict[str, Any]]


def sample_corpus() -> str:
    """Path of the small corpus that travels with the package."""
    return str(resources.files(__package__) / "sample")


class _NotServed(DataError):
    """The schema has nothing to ask for this task."""


def find_sources(
    task: Task,
    options: Options,
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
    root = (data_dir or sample_corpus()) if data_files is None else "data_files"
    folders = list(_folders(root) if data_files is None else _given(data_files))
    if not folders:
        raise DataError(f"{root}: no source in it ({_TREE})")
    chosen, problems = _serving(folders, task)
    sources: list[Source] = []
    for folder in chosen:
        try:
            sources.append(_source(folder, task))
        except _NotServed as error:
            # A folder of another task that could serve this one, and does not, lacks nothing.
            if _folder_task(folder) in (None, task.folders[0]):
                problems.append(_problem(folder, str(error)))
        except DataError as error:
            problems.append(_problem(folder, str(error)))
    if options.licence:
        for source in sources:
            if not allows(source.licence, options.licence):
                told = f'licence words {shown(source.licence)} do not plainly allow use "{options.licence}"'
                problems.append(Problem(source.path, 0, told, "leave --licence out, or state the licence in meta.json"))
        sources = [source for source in sources if allows(source.licence, options.licence)]
    if options.language:
        sources = [source for source in sources if source.language == options.language]
    if options.sources:
        known = sorted({source.name for source in sources})
        for name in options.sources:
            if name not in known:
                bad = next((p for p in problems if posixpath.basename(p.file.rstrip("/")) == name), None)
                raise DataError(str(bad) if bad else f"{root}: no {task.name} source {shown(name)} ({_some(known)})")
        sources = [source for source in sources if source.name in options.sources]
    if not sources:
        told = "; ".join(map(str, problems[:3]))
        wanted = f" in language {options.language}" if options.language else ""
        raise DataError(f"{root}: no {task.name} source{wanted} ({told or _TREE})")
    return sorted(sources, key=lambda source: (source.language, source.name, source.path)), problems


def fingerprint(root: str) -> str:
    """A digest of names, sizes and versions of a corpus's files, so that changed data is not served from a cache."""
    digest = blake2b(digest_size=8)
    for folder in _folders(root):
        for name, info in sorted(folder.names.items()):
            version = next((info[key] for key in ("mtime", "blob_id", "etag", "ETag") if info.get(key)), "")
            digest.update(f"{folder.path}/{name}:{info.get('size')}:{version}\n".encode())
    return digest.hexdigest()


def _folders(root: str) -> Iterator[Folder]:
    filesystem, base = fsspec.core.url_to_fs(root)
    if not filesystem.isdir(base):
        raise DataError(f"{root}: no such folder ({_TREE})")
    base = base.rstrip("/")
    protocol = root.partition("://")[0] + "://" if "://" in root else ""
    found: dict[str, dict[str, dict[str, Any]]] = {}
    for path, info in filesystem.find(base, maxdepth=_DEPTH, detail=True).items():
        found.setdefault(posixpath.dirname(path), {})[posixpath.basename(path)] = info
    split_files = {name for names in SPLITS.values() for name in names}
    for path in sorted(found):
        if split_files & set(found[path]):
            # The names above the root count too, so that IE-en/NER or one source alone is understood.
            yield Folder(protocol + path, tuple(path.split("/")), found[path])


def _given(data_files: Mapping[str, Sequence[str]]) -> Iterator[Folder]:
    """Files by name, grouped by the folder they lie in; each keeps the split it was given for."""
    grouped: dict[str, dict[str, dict[str, Any]]] = {}
    for split, files in data_files.items():
        if split not in SPLITS:
            raise DataError(f"data_files: unknown split {shown(split)} ({', '.join(SPLITS)})")
        for file in files:
            path = posixpath.dirname(str(file)) or "."
            filesystem, plain = fsspec.core.url_to_fs(path)
            if path not in grouped:
                listing = filesystem.ls(plain, detail=True)
                names = {posixpath.basename(info["name"]): info for info in listing}
                grouped[path] = {name: info for name, info in names.items() if name in (*SCHEMA_FILES, "meta.json")}
            name = posixpath.basename(str(file))
            grouped[path][name] = {**fsspec.core.url_to_fs(str(file))[0].info(str(file)), "split": split}
    for path, names in grouped.items():
        yield Folder(path, tuple(path.split("/")), names)


def _serving(folders: Iterable[Folder], task: Task) -> tuple[list[Folder], list[Problem]]:
    """Folders that serve the task; a fallback folder (EE for EET) only where the best has nothing in its language."""
    by_kind: dict[tuple[str | None, str], list[Folder]] = {}
    problems: list[Problem] = []
    chosen = []
    for folder in folders:
        kind = _folder_task(folder)
        if kind:
            by_kind.setdefault((_folder_language(folder), kind), []).append(folder)
        else:
            try:
                if task.annotation in _probe(folder):
                    chosen.append(folder)
            except DataError as error:
                problems.append(_problem(folder, str(error)))
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
    schema = parse_schema(_read(f"{folder.path}/{schema_file}").decode("utf-8", "replace"), schema_file)
    if not task.labels(schema):
        raise _NotServed(f"{schema_file} has no labels for {task.name} ({task.where})")
    meta = {}
    if "meta.json" in folder.names:
        try:
            meta = orjson.loads(_read(f"{folder.path}/meta.json"))
        except ValueError as error:
            raise DataError(f"meta.json is not JSON: {error} (mend or remove it)") from None
    files, sizes = {}, {}
    for split, names in SPLITS.items():
        for name, info in folder.names.items():
            if info.get("split", split) == split and (name in names or "split" in info) and split not in files:
                files[split], sizes[split] = f"{folder.path}/{name}", int(info.get("size") or 0)
    name = folder.parts[-1] if folder.parts[-1] not in ("", ".") else "data"
    language = _folder_language(folder) or str(meta.get("lang") or "") or _guess_language(folder)
    if language not in LANGUAGES:
        raise DataError(f"meta.json says language {shown(language)} (en or zh)")
    licence = str(meta.get("licence") or meta.get("license") or "")
    return Source(name, task.name.lower(), language, schema, files, sizes, licence, folder.path)


def _folder_task(folder: Folder) -> str | None:
    return next((part.upper() for part in reversed(folder.parts[:-1]) if part.upper() in _FOLDERS), None)


def _folder_language(folder: Folder) -> str | None:
    names = {f"ie-{language}": language for language in LANGUAGES}
    return next((names[part.lower()] for part in reversed(folder.parts) if part.lower() in names), None)


def _probe(folder: Folder) -> dict[str, Any]:
    """The first annotated record of a folder, to see what it is; an empty one where no line can be read."""
    for data in _heads(folder):
        for line in data.splitlines():
            try:
                record = orjson.loads(line)
            except ValueError:
                continue
            if isinstance(record, dict) and {"entity", "relation", "event"} & set(record):
                return record
    raise DataError("no line with an annotation (entity, relation or event) at its beginning, and no task in its path")


def _guess_language(folder: Folder) -> str:
    """Chinese where at least a fifth of the letters at the beginning are."""
    text = "".join(data.decode("utf-8", "ignore") for data in _heads(folder))
    chinese = sum("一" <= letter <= "鿿" for letter in text)
    return "zh" if chinese * 5 > sum(letter.isalpha() for letter in text) else "en"


def _heads(folder: Folder) -> Iterator[bytes]:
    split_files = {name for names in SPLITS.values() for name in names}
    for name, info in folder.names.items():
        if name in split_files or "split" in info:
            with fsspec.open(f"{folder.path}/{name}", "rb") as file:
                yield file.read(_PROBE_BYTES)


def _read(address: str) -> bytes:
    with fsspec.open(address, "rb") as file:
        data: bytes = file.read()
        return data


def _problem(folder: Folder, message: str) -> Problem:
    reason, _, remedy = message.removesuffix(")").rpartition(" (")
    return Problem(folder.path, 0, reason, remedy)


def _some(names: Sequence[str]) -> str:
    return "there are " + ", ".join(names[:12]) + (" …" if len(names) > 12 else "") if names else "there is none"
