"""Unicode and white space made uniform, so that every annotated mention is still found in its text."""

import re
import unicodedata
from collections.abc import Iterator
from typing import Any

MENTIONS = frozenset(("entity", "head", "tail", "event_trigger", "argument"))
"""Fields of an annotation that quote the text; types, relations and roles are the schema's and stay as they are."""

_BREAK = "\n\r\v\f\x1c-\x1e\x85\u2028\u2029"
_BREAKS = re.compile(rf"\s*[{_BREAK}]\s*")
_SPACES = re.compile(rf"[^\S{_BREAK}]+")


def normalise(text: str) -> str:
    r"""Unicode NFC; a run of white space becomes one space, or one line break where it holds one.

    Nothing is stripped, since a mention may begin or end in a space; see `normalise_text`.

    >>> normalise("Cafe\u0301  in\u3000Ulm \r\n now ")
    'Café in Ulm\nnow '
    """
    return _BREAKS.sub("\n", _SPACES.sub(" ", unicodedata.normalize("NFC", text)))


def normalise_text(text: str) -> str:
    """A whole text: as `normalise`, without white space around it.

    >>> normalise_text("  In Ulm\u00a0")
    'In Ulm'
    """
    return normalise(text).strip()


def normalise_record(record: dict[str, Any], key: str) -> dict[str, Any] | None:
    """A record with its text and its mentions made uniform alike; None where a mention would no longer be found.

    Args:
        record: One parsed line of a split file, its text a string.
        key: Its annotation's key.

    >>> normalise_record({"text": "Bad  Urach", "entity": [{"entity": "Bad  Urach", "entity_type": "city"}]}, "entity")
    {'text': 'Bad Urach', 'entity': [{'entity': 'Bad Urach', 'entity_type': 'city'}]}
    >>> normalise_record({"text": "Cafe\u0301", "entity": [{"entity": "e", "entity_type": "letter"}]}, "entity")
    """
    text = normalise_text(record["text"])
    if key not in record:
        return {**record, "text": text}
    items = record[key]
    for mention in _mentions(items):
        if mention and mention in record["text"] and normalise(mention) not in text:
            return None
    return {**record, "text": text, key: _normalised(items)}


def _normalised(value: Any) -> Any:
    if isinstance(value, list):
        return [_normalised(part) for part in value]
    if isinstance(value, dict):
        return {
            name: normalise(part) if name in MENTIONS and isinstance(part, str) else _normalised(part)
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
