"""The hard-negative dictionary K: label → labels that are easily confused with it (IEPile, section 2.1)."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from functools import lru_cache
from typing import Any

import orjson

from .bounded import read_small
from .errors import DataError, shown

_FORM = 'write {"label": ["confusable label", …]} or {"task": {"source": {"label": […]}}}'


@dataclass(frozen=True)
class HardNegatives:
    """A dictionary as read from its file.

    Attributes:
        flat: `{label: labels}` for every source.
        nested: `{task: {source: {label: labels}}}`, task in lower case.
    """

    flat: Mapping[str, tuple[str, ...]]
    nested: Mapping[str, Mapping[str, Mapping[str, tuple[str, ...]]]]

    def of(self, task: str, source: str, labels: Iterable[str]) -> tuple[dict[str, tuple[str, ...]], int]:
        """The entries for one source, and how many labels in them its schema does not have.

        A source that was read from several files is named `<source>-<file>`; the entries of the source serve it.

        >>> k = HardNegatives({"city": ("town", "river")}, {})
        >>> k.of("ner", "any", ["city", "town"])
        ({'city': ('town',)}, 1)
        """
        known = set(labels)
        entries = _named(self.nested.get(task.lower(), {}), source) if self.nested else self.flat
        kept = {
            label: tuple(other for other in others if other in known and other != label)
            for label, others in entries.items()
            if label in known
        }
        unknown = {label for label in entries if label not in known}
        unknown |= {other for label, others in entries.items() if label in known for other in others} - known
        return kept, len(unknown)


def _named(sources: Mapping[str, Mapping[str, tuple[str, ...]]], source: str) -> Mapping[str, tuple[str, ...]]:
    """The entries of a source, or of the longest name that it goes on from."""
    known = [name for name in sources if name == source or source.startswith(f"{name}-")]
    return sources[max(known, key=len)] if known else {}


def read_hard_negatives(file: str) -> HardNegatives:
    """Read K from a JSON file, flat or nested.

    Raises:
        DataError: There is no such file, or it has neither form.
    """
    try:
        return _parsed(read_small(file), file)
    except FileNotFoundError:
        make = f"iepile negatives mine CORPUS --out {file}"
        raise DataError(f"{file}: no such hard-negative dictionary ({make})") from None


@lru_cache(maxsize=8)
def _parsed(data: bytes, file: str) -> HardNegatives:
    try:
        content = orjson.loads(data.removeprefix(b"\xef\xbb\xbf"))
    except orjson.JSONDecodeError as error:
        raise DataError(f"{file}: not JSON: {error} ({_FORM})") from None
    if not isinstance(content, dict):
        raise DataError(f"{file}: {shown(content)} is not an object ({_FORM})")
    if all(isinstance(value, list) for value in content.values()):
        return HardNegatives(_entries(content, file), {})
    nested: dict[str, dict[str, Any]] = {}
    for task, sources in content.items():
        if not isinstance(sources, dict) or not all(isinstance(entries, dict) for entries in sources.values()):
            raise DataError(f"{file}: {shown(task)} holds {shown(sources)} ({_FORM})")
        nested[task.lower()] = {source: _entries(entries, file) for source, entries in sources.items()}
    return HardNegatives({}, nested)


def _entries(content: Mapping[str, Any], file: str) -> dict[str, tuple[str, ...]]:
    for label, others in content.items():
        if not isinstance(others, list) or not all(isinstance(other, str) for other in others):
            raise DataError(f"{file}: label {shown(label)} has {shown(others)} ({_FORM})")
    return {label: tuple(dict.fromkeys(others)) for label, others in content.items()}
