"""Files of other people: their encoding, their lines, and JSON read value by value, so that memory stays flat."""

import codecs
import io
import json
import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from functools import cached_property
from itertools import islice
from pathlib import Path
from typing import Any

from ..errors import DataError
from .elements import elements

__all__ = ["DataFile", "data_files", "split_in"]

_BLOCK = 1 << 20
_HEAD = 1 << 16
_SUFFIXES = (
    ".json", ".jsonl", ".ndjson", ".jsonlines", ".txt", ".conll", ".conllu", ".bio", ".bioes", ".bmes", ".iob", ".iob2",
    ".ner", ".tsv", ".csv", ".ann", ".spacy", ".parquet", ".arrow", ".pubtator", ".dat", ".char", ".train", ".dev",
    ".test", ".testa", ".testb", "",
)  # fmt: skip
_BESIDE = re.compile(
    r"(readme|licen[cs]e|changelog|makefile|dataset_info|dataset_dict|state|labels|schema|meta|vocab|visual|annotation|quarantine)"
    r"(\.\w+)?", re.I,
)  # fmt: skip
_SPLIT_WORDS = {
    "train": "train", "training": "train", "dev": "validation", "devel": "validation", "development": "validation",
    "val": "validation", "valid": "validation", "validation": "validation", "testa": "validation", "test": "test",
    "testb": "test", "testing": "test", "eval": "test",
}  # fmt: skip


def split_in(name: str) -> str:
    """The split that a path names, "" where none.

    >>> split_in("eng.testa"), split_in("my-dev-2.json"), split_in("protest.txt"), split_in("train/a.ann")
    ('validation', 'validation', '', 'train')
    """
    words = [word for part in reversed(Path(name).parts) for word in re.split(r"[^a-z]+", part.lower())]
    return next((_SPLIT_WORDS[word] for word in words if word in _SPLIT_WORDS), "")


@dataclass
class DataFile:
    """A file to read.

    Attributes:
        path: Where it is.
        name: Its path below the folder that the user gave, for messages.
        split: See `split_in`.
        advance: Told of the bytes that have been read.
    """

    path: Path
    name: str
    split: str = ""
    advance: Callable[[int], None] = field(default=lambda size: None, repr=False)

    @cached_property
    def head(self) -> bytes:
        """The first 64 KiB."""
        with self.path.open("rb") as file:
            return file.read(_HEAD)

    @cached_property
    def encoding(self) -> str:
        """UTF-8, or what its first bytes show: UTF-16 with its mark, GB 18030."""
        if self.head.startswith((b"\xff\xfe", b"\xfe\xff")):
            return "utf-16"
        for name in ("utf-8", "gb18030"):
            try:
                codecs.getincrementaldecoder(name)().decode(self.head, final=len(self.head) < _HEAD)
            except UnicodeDecodeError:
                continue
            return "utf-8-sig" if name == "utf-8" else name
        return "utf-8-sig"  # and what is no UTF-8 is shown as such

    @cached_property
    def start(self) -> str:
        """The first 64 KiB as text, whole lines only where there are several."""
        text = codecs.getincrementaldecoder(self.encoding)("replace").decode(self.head)
        return text.rpartition("\n")[0] or text if len(self.head) == _HEAD else text

    @cached_property
    def first(self) -> list[Any]:
        """The first JSON values of a JSON file, lists or objects; of one big object only its keys, without values."""
        beginning = self.start.lstrip()
        if not beginning.startswith(("{", "[")):
            return []
        if beginning.startswith("{") and "\n" in self.start.strip() and not _is_lines(beginning):
            value = _parsed(beginning)
            return [value if isinstance(value, dict) else dict.fromkeys(re.findall(r'"(\w+)"\s*:', beginning))]
        values = (value for _, _, value in islice(DataFile(self.path, self.name).values(), 200))
        return [value for value in values if isinstance(value, list | dict)]

    @property
    def objects(self) -> list[dict[str, Any]]:
        """Those of `first` that are objects."""
        return [value for value in self.first if isinstance(value, dict)]

    def text(self) -> str:
        """All of it, line ends as they are."""
        content = self.path.read_bytes()
        self.advance(len(content))
        return content.decode(self.encoding, "replace")

    def lines(self) -> Iterator[tuple[int, str]]:
        """(number from 1, line without its end)."""
        with self.path.open("rb") as raw:
            file = io.TextIOWrapper(raw, encoding=self.encoding, errors="replace", newline="\n")
            position = 0
            for number, line in enumerate(file, 1):
                yield number, line.rstrip("\r\n")
                if number % 1000 == 0:
                    position, before = raw.tell(), position
                    self.advance(position - before)
            self.advance(self.path.stat().st_size - position)

    def values(self, key: str = "") -> Iterator[tuple[int, str, Any]]:
        """(line, its text, value) for each JSON value: of JSON lines, of one list, or of the list under `key`.

        A value that is no JSON is a `ValueError` in its place.
        """
        beginning = self.start.lstrip()
        if beginning.startswith("[") and not _is_lines(beginning):
            yield from self._elements("")
        elif key and beginning.startswith("{") and self._holds(key):
            yield from self._elements(key)
        elif beginning.startswith("{") and "\n" in self.start.strip() and not _is_lines(beginning):
            text = self.text()
            yield 1, text[:1000], _parsed(text)
        else:
            for number, line in self.lines():
                if line.strip():
                    yield number, line, _parsed(line)

    def _holds(self, key: str) -> bool:
        """Is the file one object with a list under a key?"""
        is_one = not _is_lines(self.start.lstrip()) or "\n" not in self.start.strip()
        return is_one and re.search(rf'"{re.escape(key)}"\s*:\s*\[', self.start) is not None

    def _elements(self, key: str) -> Iterator[tuple[int, str, Any]]:
        """The elements of a list, each parsed as soon as it is there."""
        with self.path.open("r", encoding=self.encoding, errors="replace", newline="\n") as file:
            buffer = file.read(_BLOCK)
            while key and (place := re.search(rf'"{re.escape(key)}"\s*:\s*\[', buffer)) is None:
                block = file.read(_BLOCK)
                if not block:
                    yield 1, buffer[:1000], ValueError(f'no list "{key}"')
                    return
                buffer += block
            self.advance(len(buffer.encode()))

            def more() -> str:
                block = file.read(_BLOCK)
                self.advance(len(block.encode()))
                return block

            start = place.end() if key and place else buffer.index("[") + 1
            parts = elements(buffer, start, more)
            del buffer  # the first block need not stay in memory
            for lines, text, value in parts:
                yield lines + 1, text, value


def _parsed(text: str) -> Any:
    try:
        return json.loads(text)
    except ValueError as error:
        return ValueError(f"not JSON: {error}")


def _is_lines(beginning: str) -> bool:
    """Does the first line hold a value of its own, or, where it is broken, the second?

    A list of lists on one line is a whole file, `["text", {…}]` alone is a line.
    """
    first, _, rest = beginning.partition("\n")
    value = _parsed(first)
    if isinstance(value, ValueError):
        second = rest.lstrip().partition("\n")[0].strip()
        return second[:1] in ("{", "[") and not isinstance(_parsed(second), ValueError)
    return bool(rest.strip()) or isinstance(value, dict)


def data_files(path: Path) -> list[DataFile]:
    """The data files at a path: itself, or those below a folder, by split and name.

    Raises:
        DataError: There is none.
    """
    if path.is_file():
        return [DataFile(path, path.name, split_in(path.name))]
    if not path.is_dir():
        raise DataError(f"{path}: no such file or folder (give a file or folder of annotations)")
    files = []
    for file in sorted(path.rglob("*")):
        name = file.relative_to(path)
        hidden = any(part.startswith((".", "__")) for part in name.parts)
        if file.is_file() and not hidden and file.suffix.lower() in _SUFFIXES and not _BESIDE.fullmatch(file.name):
            files.append(DataFile(file, name.as_posix(), split_in(name.as_posix())))
    if not files:
        raise DataError(f"{path}: no data file in it (.json, .jsonl, .txt, .conll, .ann, .csv, .parquet, …)")
    # Those of train first: the order of labels is that in which they occur.
    return sorted(files, key=lambda file: ("train", "", "validation", "test").index(file.split))
