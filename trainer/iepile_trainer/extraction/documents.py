"""Texts and what to look for in each."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import repeat
from typing import Any

from iepile_dataset import DataError, Schema
from iepile_dataset.tasks import TASKS, task_named

from .schema_input import schema_of

Triggers = Mapping[str, Sequence[str]]
"""Event type → its triggers in a text"""


@dataclass(frozen=True)
class Document:
    """A text and what to look for in it.

    Attributes:
        text: The text.
        schema: The labels to look for.
        task: Lower-case name.
        language: Of the prompt; None tells it from the text.
        triggers: What is known beforehand of its events, for EEA.
        error: Why it cannot be asked about; empty where it can.
        min_confidence: Results that are less sure are left out, 0 to 1.
    """

    text: str
    schema: Schema
    task: str = "ner"
    language: str | None = None
    triggers: Triggers | None = None
    error: str = ""
    min_confidence: float = 0.0


def documents_of(
    texts: Iterable[Any],
    schema: Any,
    task: str = "ner",
    language: str | None = None,
    triggers: Any = None,
    files: bool = True,
) -> Iterator[Document]:
    """Texts, each with its schema.

    Args:
        texts: The texts; what is none becomes a document with an error.
        schema: One for all in any form of `schema_input.schema_of`, or a list or iterator with one for each.
        task: In any case.
        language: Of the prompts, None to tell it from each text.
        triggers: One object or None for each text, or None for all.
        files: Whether a schema may be the name of a file; not where it comes from strangers.

    Raises:
        DataError: An unknown task, a wrong schema, or not as many schemas or triggers as texts.

    >>> [document.schema.types for document in documents_of(["x", "y"], [["a"], ["b", "c"]])]
    [('a',), ('b', 'c')]
    """
    name = task_named(task).name.lower()
    if not _is_each(schema):
        schema = schema_of(schema, TASKS[name], files)
    for text, each, words in _side_by_side(texts, schema, triggers):
        if isinstance(text, str):
            yield Document(text, schema_of(each, TASKS[name], files), name, language, words)
        else:
            yield Document("", Schema(), name, language, error=f"the text is {type(text).__name__}, no string")


def language_of(text: str) -> str:
    """The language of the prompt: Chinese where at least a fifth of a text's letters are Chinese characters.

    >>> language_of("Marie Curie was born in Warsaw."), language_of("小米公司在 Beijing 成立")
    ('en', 'zh')
    """
    chinese = sum("\u4e00" <= letter <= "\u9fff" for letter in text)
    return "zh" if chinese and chinese * 5 >= sum(map(str.isalpha, text)) else "en"


def _side_by_side(texts: Iterable[Any], schema: Any, triggers: Any) -> Iterator[tuple[Any, Any, Any]]:
    """(text, its schema, its triggers); a list of schemas or triggers that is shorter than the texts is an error."""
    is_each = _is_each(schema)
    schemas = iter(schema) if is_each else repeat(schema)
    known = repeat(None) if triggers is None else iter(triggers)
    missing = object()
    for number, text in enumerate(texts, 1):
        each, words = next(schemas, missing), next(known, missing)
        if each is missing or words is missing:
            lacking = "schema" if each is missing else "triggers"
            raise DataError(f"text {number} has no {lacking} (give one for each text, or one for all)")
        yield text, each, words
    if (is_each and next(schemas, missing) is not missing) or (triggers and next(known, missing) is not missing):
        raise DataError("there are more schemas or triggers than texts (give one for each text, or one for all)")


def _is_each(schema: Any) -> bool:
    """Whether there is a schema for each text, not one for all."""
    if isinstance(schema, list | tuple):
        return any(not isinstance(part, str) for part in schema)
    return isinstance(schema, Iterator)
