"""Unicode and white space made uniform, so that every annotated mention is still found in its text."""

import re
import unicodedata
from collections.abc import Callable
from typing import Any

from ..places import without_places

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
    lost = False

    def mention(quoted: str) -> str:
        nonlocal lost
        better = normalise(quoted)
        lost |= quoted in record["text"] and better not in text
        return better

    items = _mapped(record[key], mention)
    if text != record["text"] and isinstance(items, list):
        items = without_places(items)  # they counted the characters of the other text
    return None if lost else {**record, "text": text, key: items}


def _mapped(value: Any, mention: Callable[[str], str]) -> Any:
    """An annotation with its mentions changed."""
    if isinstance(value, list):
        return [_mapped(part, mention) for part in value]
    if isinstance(value, dict):
        return {
            name: mention(part) if name in MENTIONS and isinstance(part, str) else _mapped(part, mention)
            for name, part in value.items()
        }
    return value
