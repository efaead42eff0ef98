"""What a format is: how it is recognised, read and written."""

import json
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from ..errors import DataError
from .document import Document, Loss
from .files import DataFile

__all__ = ["Format", "ReadOptions", "column_names"]


def column_names(text: str) -> dict[str, str]:
    """Columns as a person writes them.

    Raises:
        DataError: It is no list of names.

    >>> column_names("token=0,tag=3"), column_names("")
    ({'token': '0', 'tag': '3'}, {})
    """
    pairs = [part.partition("=") for part in text.split(",")] if text.strip() else []
    if any(not name.strip() or not value.strip() for name, _, value in pairs):
        raise DataError(f"--columns {text} is no list of names (write token=0,tag=3 or text=content,entity=word)")
    return {name.strip(): value.strip() for name, _, value in pairs}


@dataclass(frozen=True)
class ReadOptions:
    """How to read what a format leaves open.

    Attributes:
        columns: What a column is for → its name or number, e.g. `{"token": "0", "tag": "3"}`.
    """

    columns: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True)
class Format:
    """One format of annotated text.

    Attributes:
        name: As the command line has it.
        title: In words.
        fits: Does a file look like it?
        read: A file's documents, and what is no document of it.
        keys: Keys or marks of its files, for the message about a file of no known format.
        write: Documents to a path; notes in each document what the format cannot hold before it takes the next one.
        holds: The kinds of annotation that it can be written with.
        suffix: Of the file that is written, "" for a folder.
    """

    name: str
    title: str
    fits: Callable[[DataFile], bool]
    read: Callable[[DataFile, ReadOptions], Iterator[Document | Loss]]
    keys: tuple[str, ...] = ()
    write: Callable[[Iterable[Document], Path], None] | None = None
    holds: tuple[str, ...] = ()
    suffix: str = ""


def objects(
    file: DataFile, document: Callable[[dict[str, Any]], Document | None], shape: str, key: str = ""
) -> Iterator[Document | Loss]:
    """As `document_groups`, of objects with one document each, or None for one to be passed over."""

    def documents(value: dict[str, Any]) -> list[Document]:
        return [] if (one := document(value)) is None else [one]

    return document_groups(file, documents, shape, key)


def document_groups(
    file: DataFile, documents: Callable[[dict[str, Any]], Iterable[Document]], shape: str, key: str = ""
) -> Iterator[Document | Loss]:
    """The documents of a file of JSON objects; an object that holds none is set aside with its line.

    Args:
        file: JSON lines, one list, or an object with a list under `key`.
        documents: An object → its documents; a KeyError, TypeError, ValueError, IndexError or AttributeError says
            that it has another shape.
        shape: The shape that it should have, for the message.
        key: See `DataFile.values`.
    """
    for line, raw, value in file.values(key):
        try:
            if isinstance(value, ValueError):
                raise value
            results = list(documents(value))
        except (KeyError, TypeError, ValueError, IndexError, AttributeError) as error:
            reason = str(error) if isinstance(value, ValueError) else f"another shape: {type(error).__name__} {error}"
            yield Loss(file.name, line, reason, f"expected {shape}", raw, "a line in another form", True)
            continue
        for result in results:
            result.file, result.line, result.split = file.name, line, file.split
            yield result


def text_of(value: Any) -> str:
    """A text, which must be a string.

    Raises:
        TypeError: It is something else.
    """
    if not isinstance(value, str):
        raise TypeError(f"the text is {value!r:.40}")
    return value


def json_lines(path: Path, values: Iterable[Any]) -> None:
    """Write JSON lines."""
    with path.open("w", encoding="utf-8", newline="\n") as file:
        for value in values:
            file.write(json.dumps(value, ensure_ascii=False) + "\n")


def json_list(path: Path, values: Iterable[Any]) -> None:
    """Write one JSON list, value by value."""
    with path.open("w", encoding="utf-8", newline="\n") as file:
        separator = "[\n"
        for value in values:
            file.write(separator + json.dumps(value, ensure_ascii=False))
            separator = ",\n"
        file.write("\n]\n" if separator == ",\n" else "[]\n")
