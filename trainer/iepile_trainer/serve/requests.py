"""A request's JSON → documents, or why not."""

from dataclasses import replace
from typing import Any

from pydantic import BaseModel, ConfigDict, Field
from starlette.exceptions import HTTPException

from iepile_dataset import DataError
from iepile_dataset.errors import shown
from iepile_dataset.tasks import LANGUAGES, TASKS, task_named

from ..engines import well_formed
from ..extraction.documents import Document, documents_of
from .arguments import ServeArguments
from .request_forms import describe

Triggers = dict[str, list[str]]


class ExtractRequest(BaseModel):
    """What to extract from what."""

    model_config = ConfigDict(
        extra="forbid",
        json_schema_extra=describe,
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
        0.0, ge=0, le=1, strict=True, allow_inf_nan=False, description="Leave out results that are less sure."
    )
    triggers: Triggers | list[Triggers | None] | None = Field(
        None, description="For `eea`: event type → its triggers, where they are known; for `texts` a list of such."
    )


class Refused(HTTPException):
    """A request that is not answered.

    Attributes:
        field: What of the request is to blame.
    """

    def __init__(self, status: int, field: str, reason: str) -> None:
        super().__init__(status, reason if reason.startswith(f"{field}:") else f"{field}: {reason}")
        self.field = field


def documents_in(request: ExtractRequest, limits: ServeArguments) -> list[Document]:
    """The texts of a request, each with its schema.

    Raises:
        Refused: A wrong value (422), or too much (413).

    >>> documents_in(ExtractRequest(text="Ulm", schema="city, river"), ServeArguments())[0].schema.types
    ('city', 'river')
    >>> documents_in(ExtractRequest(text="Ulm", schema=["city"]), ServeArguments(max_text_chars=2))
    Traceback (most recent call last):
    iepile_trainer.serve.requests.Refused: 413: text: 3 characters, more than the 2 allowed
    """
    texts = _texts(request, limits)
    try:
        task = task_named(request.task).name.lower()
    except DataError as problem:
        raise Refused(422, "task", str(problem)) from None
    if request.language not in (None, *LANGUAGES):
        raise Refused(422, "language", f"{shown(request.language)} is unknown (one of {', '.join(LANGUAGES)})")
    labels = request.labels if request.texts is not None else iter([request.labels])
    try:
        triggers = _triggers(request, len(texts))
        documents = list(documents_of(texts, labels, task, request.language, triggers, files=False))
        for count in map(_label_count, documents):
            if count > limits.max_labels:
                raise Refused(413, "schema", f"{count:,} labels, more than the {limits.max_labels:,} allowed")
    except DataError as problem:
        raise Refused(422, "schema", str(problem)) from None
    except RecursionError:
        raise Refused(422, "schema", "too many brackets inside each other") from None
    return [_readable(replace(document, min_confidence=request.min_confidence)) for document in documents]


def _texts(request: ExtractRequest, limits: ServeArguments) -> list[Any]:
    if (request.text is None) == (request.texts is None):
        raise Refused(422, "text", "give text or texts, one of them")
    field = "text" if request.texts is None else "texts"
    texts = [request.text] if request.texts is None else request.texts
    if len(texts) > limits.max_texts:
        raise Refused(413, field, f"{len(texts):,} texts, more than the {limits.max_texts:,} allowed")
    size = sum(len(text) for text in texts if isinstance(text, str))
    if size > limits.max_text_chars:
        raise Refused(413, field, f"{size:,} characters, more than the {limits.max_text_chars:,} allowed")
    return texts


def _triggers(request: ExtractRequest, count: int) -> list[Triggers | None] | None:
    if isinstance(request.triggers, list):
        if request.texts is None or len(request.triggers) != count:
            raise Refused(422, "triggers", "give an object, or for texts a list with one for each")
        return request.triggers
    return None if request.triggers is None else [request.triggers] * count


def _label_count(document: Document) -> int:
    labels, roles = TASKS[document.task].labels(document.schema), document.schema.roles
    return len(labels) + sum(len(roles.get(label, ())) for label in labels)


def _readable(document: Document) -> Document:
    """The document; JSON can hold halves of characters, which nothing can be asked about."""
    whole = well_formed(document.text)
    if whole == document.text:
        return document
    return replace(document, text=whole, error="the text holds half of a character (mend its \\u escapes)")
