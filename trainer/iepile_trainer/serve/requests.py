"""A request's JSON → documents, or why not."""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any

from pydantic import BaseModel, ConfigDict, Field

from iepile_dataset import DataError, Schema
from iepile_dataset.errors import shown
from iepile_dataset.tasks import LANGUAGES, TASKS, task_named

from ..extraction.documents import Document, documents_of

Triggers = dict[str, list[str]]


class Asked(BaseModel):
    """What to extract from what."""

    model_config = ConfigDict(
        extra="forbid",
        json_schema_extra={
            "example": {"text": "Ada Bell lives in Rome.", "schema": ["person", "place"], "task": "ner"},
        },
    )

    text: str | None = Field(None, description="The text; or give `texts`.")
    texts: list[Any] | None = Field(
        None, description="Several texts. What is wrong with one of them stands in the `error` of its extraction."
    )
    labels: Any = Field(
        alias="schema",
        description="What to look for: a list of labels; `{type: [roles]}` for events, `{type: [attributes]}` for a "
        "knowledge graph, `{relation: [[head type, tail type]]}` for typed relations; or labels with descriptions, "
        "`{label: description}`. For `texts` also a list with one of these for each.",
    )
    task: str = Field("ner", description="`ner`, `re`, `ee`, `eet`, `eea`, `spo` or `kg`.")
    language: str | None = Field(None, description="Of the prompt, `en` or `zh`; told from each text if left out.")
    min_confidence: float = Field(
        0.0, ge=0, le=1, allow_inf_nan=False, description="Leave out results that are less sure."
    )
    triggers: Triggers | list[Triggers | None] | None = Field(
        None, description="For `eea`: event type → its triggers, where they are known; for `texts` a list of such."
    )


@dataclass(frozen=True)
class Limits:
    """What a request may ask for.

    Attributes:
        text_chars: Characters of its texts together.
        texts: Texts.
        labels: Labels of a schema, roles and attributes among them.
    """

    text_chars: int = 100_000
    texts: int = 256
    labels: int = 500

    @property
    def body_bytes(self) -> int:
        """Bytes of a request: each character may be two escapes of six bytes; a schema and the rest beside it."""
        return 12 * self.text_chars + 1_000_000


class Refused(ValueError):
    """A request that is not answered.

    Attributes:
        status: Of HTTP.
        field: What of the request is to blame.
    """

    def __init__(self, status: int, field: str, reason: str) -> None:
        super().__init__(reason if reason.startswith(f"{field}:") else f"{field}: {reason}")
        self.status, self.field = status, field


def documents(asked: Asked, limits: Limits) -> list[Document]:
    """The texts of a request, each with its schema.

    Raises:
        Refused: A wrong value (422), or too much (413).

    >>> documents(Asked(text="Ulm", schema="city, river"), Limits())[0].schema.types
    ('city', 'river')
    >>> documents(Asked(text="Ulm", schema=["city"]), Limits(text_chars=2))
    Traceback (most recent call last):
    iepile_trainer.serve.requests.Refused: text: 3 characters, more than the 2 allowed
    """
    texts = _texts(asked, limits)
    try:
        task = task_named(asked.task).name.lower()
    except DataError as problem:
        raise Refused(422, "task", str(problem)) from None
    if asked.language not in (None, *LANGUAGES):
        raise Refused(422, "language", f"{shown(asked.language)} is unknown (one of {', '.join(LANGUAGES)})")
    labels = asked.labels if asked.texts is not None else iter([asked.labels])
    try:
        found = list(documents_of(texts, labels, task, asked.language, _triggers(asked, len(texts)), files=False))
        for document in found:
            _check_labels(document, limits)
    except DataError as problem:
        raise Refused(422, "schema", str(problem)) from None
    except RecursionError:
        raise Refused(422, "schema", "too many brackets inside each other") from None
    return [_readable(replace(document, min_confidence=asked.min_confidence)) for document in found]


def _texts(asked: Asked, limits: Limits) -> list[Any]:
    if (asked.text is None) == (asked.texts is None):
        raise Refused(422, "text", "give text or texts, one of them")
    field = "text" if asked.texts is None else "texts"
    texts = [asked.text] if asked.texts is None else asked.texts
    if len(texts) > limits.texts:
        raise Refused(413, field, f"{len(texts):,} texts, more than the {limits.texts:,} allowed")
    size = sum(len(text) for text in texts if isinstance(text, str))
    if size > limits.text_chars:
        raise Refused(413, field, f"{size:,} characters, more than the {limits.text_chars:,} allowed")
    return texts


def _triggers(asked: Asked, count: int) -> list[Triggers | None] | None:
    if isinstance(asked.triggers, list):
        if asked.texts is None or len(asked.triggers) != count:
            raise Refused(422, "triggers", "give an object, or for texts a list with one for each")
        return asked.triggers
    return None if asked.triggers is None else [asked.triggers] * count


def _check_labels(document: Document, limits: Limits) -> None:
    if (count := _count(document.schema, document.task)) > limits.labels:
        raise Refused(413, "schema", f"{count:,} labels, more than the {limits.labels:,} allowed")


def _count(schema: Schema, task: str) -> int:
    roles: Mapping[str, tuple[str, ...]] = schema.roles
    labels = TASKS[task].labels(schema)
    return len(labels) + sum(len(roles.get(label, ())) for label in labels)


def _readable(document: Document) -> Document:
    """The document; JSON can hold halves of characters, which nothing can be asked about."""
    whole = document.text.encode("utf-8", "replace").decode()
    if whole == document.text:
        return document
    return replace(document, text=whole, error="the text holds half of a character (mend its \\u escapes)")
