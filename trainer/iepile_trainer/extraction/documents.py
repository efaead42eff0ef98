"""Texts and what to look for in each."""

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from itertools import repeat
from typing import Any, cast

from iepile_dataset import DataError, Schema
from iepile_dataset.corpus.sources import language_of
from iepile_dataset.tasks import task_named

from .schema_input import schema_of

__all__ = ["Document", "Triggers", "documents_of", "texts_in"]

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
        is_given_up: Whether nobody waits for it any more; looked up before each of its questions is sent.
    """

    text: str
    schema: Schema = field(default_factory=Schema)
    task: str = "ner"
    language: str | None = None
    triggers: Triggers | None = None
    error: str = ""
    min_confidence: float = 0.0
    is_given_up: Callable[[], bool] = field(default=lambda: False, repr=False, compare=False)

    @cached_property
    def prompt_language(self) -> str:
        """The language of its prompts."""
        return self.language or language_of(self.text)


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
    entry, of_each = task_named(task), _is_one_for_each(schema)
    name = entry.name.lower()
    schemas = iter(schema) if of_each else repeat(schema_of(schema, entry, files))
    known = repeat(None) if triggers is None else iter(triggers)
    for number, text in enumerate(texts, 1):
        try:
            own, words = next(schemas), next(known)
        except StopIteration:
            raise DataError(
                f"text {number} has no schema or triggers (give one for each text, or one for all)"
            ) from None
        if isinstance(text, str):
            yield Document(text, schema_of(own, entry, files), name, language, words)
        else:
            yield Document("", Schema(), name, language, error=f"the text is {type(text).__name__}, no string")
    for rest in ([schemas] if of_each else []) + ([known] if triggers else []):
        for _ in rest:
            raise DataError("there are more schemas or triggers than texts (give one for each text, or one for all)")


def texts_in(given: Any) -> Iterable[Any]:
    """The texts of what a caller has: an iterable, a pandas Series, or the column `text` of a table.

    Raises:
        DataError: A table without such a column, or a thing that holds no texts.

    >>> texts_in(("a", "b"))
    ('a', 'b')
    """
    columns = getattr(given, "column_names", getattr(given, "columns", None))
    if columns is not None:
        if "text" not in columns:
            raise DataError(f'the table has no column "text", only {", ".join(map(str, columns))} (give one of them)')
        return cast(Iterable[Any], given["text"])
    if isinstance(given, bytes | Mapping) or not isinstance(given, Iterable):
        remedy = "give a string, or a list of strings"
        raise DataError(f"{type(given).__name__} is no text ({remedy})")
    return given


def _is_one_for_each(schema: Any) -> bool:
    if isinstance(schema, list | tuple):
        return any(not isinstance(part, str) for part in schema)
    return isinstance(schema, Iterator)
