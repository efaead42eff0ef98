"""Small files from outside, within bounds: what is too large, too deep or explodes is refused in one line."""

import json
import os
from collections.abc import Iterator, Mapping
from typing import Any

import fsspec
import yaml

from .errors import DataError

__all__ = ["parse_json", "parse_yaml", "read_small", "refuse_endless"]

MOST_BYTES = 64 << 20
MOST_YAML = 8 << 20  # its reader is a hundred times slower
MOST_DEPTH = 64
MOST_VALUES = 1_000_000

_LOADER: Any = getattr(yaml, "CSafeLoader", yaml.SafeLoader)


def refuse_endless(path: str, words: str = "write its content to a file") -> None:
    """A DataError where a local path is no file: reading it may never end, and not give the same again.

    >>> refuse_endless("/dev/zero")
    Traceback (most recent call last):
    iepile_dataset.errors.DataError: /dev/zero: is a pipe, a socket or a device (write its content to a file)
    """
    if "://" not in path and os.path.exists(path) and not (os.path.isfile(path) or os.path.isdir(path)):
        raise DataError(f"{path}: is a pipe, a socket or a device ({words})")


def read_small(address: str) -> bytes:
    """The content of a file that one value fills.

    Args:
        address: A path or any fsspec address.

    Raises:
        DataError: It is no file, or larger than any that people write.
        OSError: It cannot be read.
    """
    refuse_endless(address)
    with fsspec.open(address, "rb") as file:
        content: bytes = file.read(MOST_BYTES + 1)
    _refuse_large(content, address, MOST_BYTES)
    return content


def parse_json(text: str | bytes, file: str, remedy: str = "mend or remove it") -> Any:
    """The value of a JSON text.

    Args:
        text: In UTF-8 where it is bytes; a byte order mark is passed over.
        file: What it is called in messages.
        remedy: What those end in.

    Raises:
        DataError: It is no JSON, or larger or deeper than any that people write.

    >>> parse_json('{"a": 1}', "a.json"), parse_json("[" * 66 + "]" * 66, "a.json")
    Traceback (most recent call last):
    iepile_dataset.errors.DataError: a.json: brackets inside each other, more than 64 deep (mend or remove it)
    """
    _refuse_large(text, file, MOST_BYTES)
    try:
        text = text.decode("utf-8") if isinstance(text, bytes) else text
        value = json.loads(text.removeprefix("\ufeff"))
    except RecursionError:
        raise _too_deep(file, remedy) from None
    except ValueError as error:
        raise DataError(f"{file}: not JSON: {error} ({remedy})") from None
    _refuse_wild(value, file, remedy)
    return value


def parse_yaml(text: str | bytes, file: str, remedy: str = "mend or remove it") -> Any:
    """The value of a YAML text, in UTF-8 where it is bytes, read without making objects.

    An alias stands for what it is of once: an alias of what holds aliases is refused, since a few of them in a row
    make more values than any memory holds.

    Raises:
        DataError: It is no YAML, or larger or deeper than any that people write, or an alias is of aliases.

    >>> parse_yaml("a: &x [1]\\nb: *x", "a.yaml")
    {'a': [1], 'b': [1]}
    >>> parse_yaml("a: &x [1]\\nb: &y [*x, *x]\\nc: [*y, *y]", "a.yaml")
    Traceback (most recent call last):
    iepile_dataset.errors.DataError: a.yaml:3: alias "y" is of what holds aliases itself (write the value out)
    """
    _refuse_large(text, file, MOST_YAML)
    try:
        text = text.decode("utf-8") if isinstance(text, bytes) else text
        _refuse_wild_events(text, file, remedy)
        value = yaml.load(text, _LOADER)
    except DataError:
        raise
    except yaml.YAMLError as error:
        raise DataError(f"{file}: not readable as YAML: {' '.join(str(error).split())} ({remedy})") from None
    except (RecursionError, TypeError, ValueError, OverflowError) as error:  # of a date or number that there is not
        raise DataError(f"{file}: not readable as YAML: {error} ({remedy})") from None
    _refuse_wild(value, file, remedy)
    return value


def _refuse_large(text: str | bytes, file: str, most: int) -> None:
    if len(text) > most:
        raise DataError(f"{file}: larger than {most >> 20} MB, which no person writes (give another file)")


def _too_deep(file: str, remedy: str) -> DataError:
    return DataError(f"{file}: brackets inside each other, more than {MOST_DEPTH} deep ({remedy})")


def _refuse_wild(value: Any, file: str, remedy: str) -> None:
    """A DataError for too many values, or too deep ones; what is referred to twice counts twice."""
    count, waiting = 0, [iter([value])]
    while waiting:
        for inner in waiting[-1]:
            count += 1
            if parts := _parts(inner):
                waiting.append(iter(parts))
                break
        else:
            waiting.pop()
        if count > MOST_VALUES:
            raise DataError(f"{file}: more than {MOST_VALUES:,} values ({remedy})")
        if len(waiting) > MOST_DEPTH + 1:
            raise _too_deep(file, remedy)


def _parts(value: Any) -> list[Any]:
    if isinstance(value, Mapping):
        return list(value.values())
    return list(value) if isinstance(value, list | tuple | set) else []


def _refuse_wild_events(text: str, file: str, remedy: str) -> None:
    """A DataError for what would fill the stack or the memory as soon as it is built."""
    opened: list[str | None] = []  # the anchors around the place, None for one without
    nested: set[str] = set()  # anchors of what holds aliases
    for event in _events(text):
        if isinstance(event, yaml.AliasEvent):
            if event.anchor in nested or event.anchor in opened:
                reason = f'alias "{event.anchor}" is of what holds aliases itself (write the value out)'
                raise DataError(f"{file}:{_line(event)}: {reason}")
            nested.update(anchor for anchor in opened if anchor)
        elif isinstance(event, yaml.CollectionStartEvent):
            opened.append(event.anchor)
            if len(opened) > MOST_DEPTH:
                raise _too_deep(file, remedy)
        elif isinstance(event, yaml.CollectionEndEvent):
            opened.pop()


def _line(event: Any) -> int:
    return int(event.start_mark.line) + 1


def _events(text: str) -> Iterator[Any]:
    return iter(yaml.parse(text, _LOADER))
