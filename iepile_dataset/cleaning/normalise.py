"""Unicode and white space made uniform, so that every annotated mention is still found in its text."""

import re
import unicodedata
from collections.abc import Iterator
from typing import Any

MENTIONS = frozenset(("entity", "head", "tail", "event_trigger", "argument"))
"""Fields of an annotation that quote the text; types, relations and roles are the schema's and stay as they are."""

ANNOTATIONS = frozenset(("entity", "relation", "event"))
"""Annotations whose mentions are known to stand in `MENTIONS`."""

_BREAK = "\n\r\v\f\x1c-\x1e\x85\u2028\u2029"
_BREAKS = re.compile(rf"\s*[{_BREAK}]\s*")
_SPACES = re.compile(rf"[^\S{_BREAK}]+")


def tidy(text: str) -> str:
    r"""Unicode NFC; a run of white space becomes one space, or one line break where it holds one.

    Nothing is stripped, since a mention may begin or end in a space; see `tidy_text`.

    >>> tidy("Cafe\u0301  in\u3000Ulm \r\n now ")
    'Café in Ulm\nnow '
    """
    return _BREAKS.sub("\n", _SPACES.sub(" ", unicodedata.normalize("NFC", text)))


def tidy_text(text: str) -> str:
    """A whole text: as `tidy`, without white space around it.

    >>> tidy_text("  In Ulm\u00a0")
    'In Ulm'
    """
    return tidy(text).strip()


def tidy_record(record: dict[str, Any], key: str) -> dict[str, Any] | None:
    """A record with its text and its mentions made uniform alike; None where a mention would no longer be found.

    Args:
        record: One parsed line of a split file, its text a string.
        key: Its annotation's key.

    >>> tidy_record({"text": "In  Bad  Urach", "entity": [{"entity": "Bad  Urach", "entity_type": "city"}]}, "entity")
    {'text': 'In Bad Urach', 'entity': [{'entity': 'Bad Urach', 'entity_type': 'city'}]}
    >>> tidy_record({"text": "Cafe\u0301", "entity": [{"entity": "e", "entity_type": "letter"}]}, "entity")
    """
    text = tidy_text(record["text"])
    if key not in record:
        return {**record, "text": text}
    if key not in ANNOTATIONS:
        return None
    items = record[key]
    for mention in _mentions(items):
        if mention and mention in record["text"] and tidy(mention) not in text:
            return None
    return {**record, "text": text, key: _tidied(items)}


def _tidied(value: Any) -> Any:
    if isinstance(value, list):
        return [_tidied(part) for part in value]
    if isinstance(value, dict):
        return {
            name: tidy(part) if name in MENTIONS and isinstance(part, str) else _tidied(part)
            for name, part in value.items()
        }
    return value


def _mentions(value: Any) -> Iterator[str]:
    if isinstance(value, list):
        for part in value:
            yield from _mentions(part)
    elif isinstance(value, dict):
        for name, part in value.items():
            if name in MENTIONS and isinstance(part, str):
                yield part
            else:
                yield from _mentions(part)
