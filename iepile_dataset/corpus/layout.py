"""Folders with split files: found in a tree or given by name, and what their place and first lines say of them."""

import os
import posixpath
import re
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from hashlib import blake2b
from typing import Any
from urllib.parse import quote, unquote

import fsspec
import orjson

from ..bounded import read_small
from ..errors import DataError, shown
from ..schema import SCHEMA_FILES
from ..tasks import LANGUAGES, TASK_FOLDERS
from .file_form import BOM, wrong_form
from .lines import LINE_BYTES, UNPACKABLE, limited
from .original import is_original, record_files

__all__ = ["SPLITS", "SPLIT_FILES"]

SPLITS: Mapping[str, tuple[str, ...]] = {
    "train": ("train.json", "train.jsonl"),
    "validation": ("dev.json", "dev.jsonl", "validation.json", "validation.jsonl"),
    "test": ("test.json", "test.jsonl"),
}
SPLIT_FILES = {name for names in SPLITS.values() for name in names}
BESIDE = (*SCHEMA_FILES, "meta.json")
"""What lies beside split files and says how to read them."""

TREE = "expected IE-en/{}/<source>/{{train,dev,test}}.json with a schema.json beside them"

_DEPTH = 4
_PROBE_BYTES = 1 << 16
_REVISION = re.compile(r"\A(hf://(?:datasets/|spaces/)?[^/@]+/[^/@]+)@(refs/(?:convert|pr)/[^/]+|[^/]+)")

Listing = dict[str, dict[str, Any]]
"""File name → what its file system tells of it, and `broken`, why it cannot be read, where it is no file."""

_NOWHERE = "is a link to a file that is not there (mend or remove it)"
_ENDLESS = "is a pipe, a socket or a device, not a file (write its content to a file)"


def json_object(text: str | bytes) -> dict[str, Any] | None:
    """The object that a text is, None where it is something else.

    >>> json_object("{}"), json_object("[]"), json_object("{")
    ({}, None, None)
    """
    try:
        value = orjson.loads(text)
    except orjson.JSONDecodeError:
        return None
    return value if isinstance(value, dict) else None


@dataclass(frozen=True)
class Folder:
    """A folder with split files, before it is known whether and how it serves a task.

    Attributes:
        path: Its address.
        names: Its files.
        depth: How many names of its path lie below the folder that the user gave.
        also: Part of the source's name where one folder gives several sources.
        given: Split → the file that the user gave for it, instead of those whose names say it.
    """

    path: str
    names: Listing
    depth: int = 0
    also: str = ""
    given: Mapping[str, str] = field(default_factory=dict)

    @property
    def parts(self) -> list[str]:
        """The names of its path; the revision of a Hub repository is none of them."""
        return _REVISION.sub(r"\1", self.path).split("/")

    @property
    def name(self) -> str:
        """What its source is called."""
        name = self.parts[-1] if self.parts[-1] not in ("", ".") else "data"
        return f"{name}-{self.also}" if self.also else name

    @property
    def task(self) -> str | None:
        """The task folder that it lies in: its parent, or one below the folder that the user gave.

        Names further up say nothing: anybody may keep towns below `/home/re`. The original toolkit's folders are
        named by their task themselves.
        """
        if is_original(self.names) and self.name.upper() in TASK_FOLDERS:
            return self.name.upper()
        above = self.parts[:-1][-max(1, self.depth - 1) :]
        return next((part.upper() for part in reversed(above) if part.upper() in TASK_FOLDERS), None)

    @property
    def language(self) -> str | None:
        """The language that its path names."""
        names = {f"ie-{language}": language for language in LANGUAGES}
        return next((names[part.lower()] for part in reversed(self.parts) if part.lower() in names), None)

    def splits(self) -> dict[str, list[str]]:
        """Split → its files here, packed ones last; the first is read."""
        if self.given:
            return {split: [self.given[split]] for split in SPLITS if split in self.given}
        all_names = {split: (*names, *(f"{name}.gz" for name in names)) for split, names in SPLITS.items()}
        present = {split: [name for name in names if name in self.names] for split, names in all_names.items()}
        return {split: names for split, names in present.items() if names}

    def first_records(self) -> Iterator[dict[str, Any]]:
        """Records at the beginning of each split file.

        Raises:
            DataError: A split file is no file, or nothing but another form than JSON lines.
        """
        for name in (name for names in self.splits().values() for name in names):
            self.refuse_broken(name)
            try:
                with fsspec.open(f"{self.path}/{name}", "rb", compression="infer", block_size=_PROBE_BYTES) as file:
                    lines = limited(file)
                    head = lines.read(_PROBE_BYTES) + lines.readline(LINE_BYTES)
            except UNPACKABLE as error:
                raise DataError(f"{name}: cannot be unpacked: {error} (pack it again)") from None
            form = wrong_form(head)
            records = list(filter(None, map(json_object, head.removeprefix(BOM).splitlines())))
            if form and (form.is_whole or not records):
                raise DataError(f"{name}: {form}")
            yield from records

    def refuse_broken(self, name: str) -> None:
        """A DataError where a file is a link to nothing, or nothing that has an end."""
        if reason := self.names[name].get("broken"):
            raise DataError(f"{name} {reason}")


def folders_in(root: str, task: str = "NER") -> Iterator[Folder]:
    """The folders below a root that hold split files, in order of their paths.

    Args:
        root: A local folder or any fsspec address.
        task: A task's folder, for the message.
    """
    filesystem, base = fsspec.core.url_to_fs(root)
    if "://" in root:
        _refuse_unreachable(filesystem, base, root)
    if filesystem.isfile(base):
        raise DataError(f"{root}: is a file (give its folder, or data_files=)")
    if not filesystem.isdir(base):
        raise DataError(f"{root}: no such folder ({TREE.format(task)})")
    base = base.rstrip("/")
    protocol = root.partition("://")[0] + "://" if "://" in root else ""
    listings: dict[str, Listing] = {}
    for path, info in files_below(filesystem, base, _DEPTH):
        listings.setdefault(posixpath.dirname(path), {})[posixpath.basename(path)] = info
    for path, names in sorted(listings.items()):
        original = is_original(names)
        if original or any(name.removesuffix(".gz") in SPLIT_FILES for name in names):
            folder = Folder(protocol + path, names, path.count("/") - base.count("/"))
            yield replace(folder, given=record_files(folder.path, folder.splits())) if original else folder


def _refuse_unreachable(filesystem: Any, base: str, root: str) -> None:
    """A DataError that says why a remote place cannot be read: its file system only tells that it is no folder."""
    try:
        filesystem.info(base)
    except Exception as error:  # each file system has its own; what is wrong is the other side's to tell
        reason = (str(error).strip() or type(error).__name__).splitlines()[0]
        raise DataError(f"{root}: cannot be read: {reason} (mend the address, the connection or the token)") from error


def at_revision(address: str, revision: str) -> str:
    """An address in a Hub repository, at a branch, tag or commit.

    Raises:
        DataError: It is another kind of address, or names another revision.

    >>> at_revision("hf://datasets/user/raw/IE-en", "v1")
    'hf://datasets/user/raw@v1/IE-en'
    """
    if own := _REVISION.match(address):
        if unquote(own[2]) == revision:
            return address
        raise DataError(f"{address}: revision={shown(revision)} is another than its own (give one of them)")
    repository = re.match(r"hf://(?:datasets/|spaces/)?[^/]+/[^/]+", address)
    if not repository:
        raise DataError(f"{address}: revision={shown(revision)} needs an address on the Hub (hf://datasets/user/name)")
    return f"{repository[0]}@{quote(revision, safe='')}{address[repository.end() :]}"


def absolute(address: str) -> str:
    """A local path from the root of the file system, `~` being the user's home; another address as it is."""
    return address if "://" in address else os.path.abspath(os.path.expanduser(address))


def read_file(address: str) -> bytes | None:
    """The content of a small file, None where there is none.

    Raises:
        DataError: It is larger than any that people write.
    """
    filesystem, plain = fsspec.core.url_to_fs(address)
    return read_small(address) if filesystem.isfile(plain) else None


def files_below(filesystem: Any, base: str, depth: int | None = None) -> Iterator[tuple[str, dict[str, Any]]]:
    """(path, what its file system tells) of each file below a folder, links to folders followed.

    Args:
        filesystem: The fsspec file system.
        base: The folder's path there.
        depth: How many levels down; None for all.
    """
    for path, info in filesystem.find(base, maxdepth=depth, detail=True).items():
        if info.get("islink") and filesystem.isdir(path):
            left = None if depth is None else depth - (path.count("/") - base.count("/"))
            # A link to a folder that it lies in leads nowhere new.
            around = os.path.realpath(posixpath.dirname(path)) + "/"
            if left != 0 and not around.startswith(os.path.realpath(path).rstrip("/") + "/"):
                yield from files_below(filesystem, path, left)
        else:
            yield path, _with_defect(filesystem, path, info)


def _with_defect(filesystem: Any, path: str, info: dict[str, Any]) -> dict[str, Any]:
    """What a file system tells of a file, and why it cannot be read, if it cannot."""
    if info.get("islink"):
        if not filesystem.exists(path):
            return {**info, "broken": _NOWHERE}
        info = {**filesystem.info(path), "islink": True}
    return {**info, "broken": _ENDLESS} if info.get("type") == "other" else info


def listed(address: str, info: Mapping[str, Any]) -> tuple[int, str]:
    """A file's size in bytes, and a mark that changes when it does; "" where its file system has none.

    Args:
        address: A path, or another address, of which nobody asks again: lists of other file systems are kept.
        info: What its file system told of it.

    Raises:
        FileNotFoundError: It is gone.
    """
    if "://" in address:
        return int(info.get("size") or 0), ""
    facts = os.stat(address)
    return facts.st_size, f"{facts.st_ino}:{facts.st_mtime_ns}"


def folders_of(data_files: Mapping[str, Sequence[Any]]) -> Iterator[Folder]:
    """Files by name, each for the split that it is given for.

    The n-th file of each split in a folder make one source, with the schema that lies beside them.
    """
    grouped: dict[tuple[str, int], dict[str, str]] = {}
    listings: dict[str, Listing] = {}
    for split, files in data_files.items():
        if split not in SPLITS:
            raise DataError(f"data_files: unknown split {shown(split)} ({', '.join(SPLITS)})")
        so_far: Counter[str] = Counter()
        for file in map(str, files):
            path, name = posixpath.dirname(file) or ".", posixpath.basename(file)
            if name in BESIDE:  # a pattern such as *.json catches it
                continue
            filesystem, plain = fsspec.core.url_to_fs(file)
            listings.setdefault(path, _beside(path))[name] = _with_defect(filesystem, plain, filesystem.info(plain))
            grouped.setdefault((path, so_far[path]), {})[split] = name
            so_far[path] += 1
    for (path, number), given in grouped.items():
        also = next(iter(given.values())).partition(".")[0] if number else ""
        yield Folder(path, listings[path], also=also, given=given)


def _beside(path: str) -> Listing:
    filesystem, plain = fsspec.core.url_to_fs(path)
    listing = {posixpath.basename(info["name"]): info for info in filesystem.ls(plain, detail=True)}
    return {name: info for name, info in listing.items() if name in BESIDE}


def fingerprint(corpus: str | Mapping[str, Sequence[Any]]) -> str:
    """A digest of names, sizes and versions of files, so that changed data is not served from a cache.

    Args:
        corpus: A tree, or files by name, with which go the schemas and `meta.json` beside them.
    """
    files = [corpus] if isinstance(corpus, str) else [str(file) for names in corpus.values() for file in names]
    for address in {file.partition("://")[0]: file for file in files if "://" in file}.values():
        # Remote file systems keep what they once listed; a corpus may have changed since.
        fsspec.core.url_to_fs(address)[0].invalidate_cache()
    digest = blake2b(digest_size=8)
    for folder in folders_in(corpus) if isinstance(corpus, str) else folders_of(corpus):
        for name, info in sorted(folder.names.items()):
            version = next((info[key] for key in ("mtime", "blob_id", "etag", "ETag") if info.get(key)), "")
            digest.update(f"{folder.path}/{name}:{info.get('size')}:{version}\n".encode())
        digest.update(repr(folder.given).encode())
    return digest.hexdigest()
