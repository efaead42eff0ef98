"""Argilla: the JSON of `dataset.records.to_json`, with responses or suggestions to a span question."""

from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any

from ..document import Document, Loss
from ..files import DataFile
from ..format import Format, ReadOptions, json_list, objects, text_of
from ..spans import only

_SHAPE = '{"fields": {"text": …}, "responses": {"spans": [{"value": [{"start", "end", "label"}]}]}}'
_QUESTION = "spans"


def fits(file: DataFile) -> bool:
    """Records with `fields`, and `responses` or `suggestions`."""
    marks = {"responses", "suggestions"}
    return any(isinstance(value.get("fields"), dict) and marks & value.keys() for value in file.objects)


def read(file: DataFile, options: ReadOptions) -> Iterator[Document | Loss]:
    """The first response to a span question, or its suggestion where nobody has answered."""
    wanted = options.columns.get("text", "")
    yield from objects(file, lambda value: _document(value, wanted), _SHAPE)


def _document(value: dict[str, Any], wanted: str) -> Document:
    fields = {name: field for name, field in value["fields"].items() if isinstance(field, str)}
    text = fields[wanted] if wanted else fields["text"] if "text" in fields else max(fields.values(), key=len)
    document = Document(text_of(text), kinds=())
    responses = {name: answers for name, answers in (value.get("responses") or {}).items() if answers}
    answers = [(one["value"], one) for given in responses.values() for one in given if _is_spans(one["value"])]
    if len(answers) > 1:
        document.lose("another response to the same text", f"{len(answers)} responses, the first is read")
    suggested = [(one["value"], one) for one in (value.get("suggestions") or {}).values() if _is_spans(one["value"])]
    for spans, answer in (answers or suggested)[:1]:
        document.kinds = ("entity",)
        scores = answer.get("score")
        for number, one in enumerate(spans):
            score = scores[number] if isinstance(scores, list) else None
            document.add(one["start"], one["end"], one["label"], score=score)
    return document


def _is_spans(value: Any) -> bool:
    return isinstance(value, list) and all(
        isinstance(one, dict) and {"start", "end", "label"} <= set(one) for one in value
    )


def write(documents: Iterable[Document], path: Path) -> None:
    """Records for `dataset.records.from_json`; annotations and predictions are suggestions, since no user gave them."""
    json_list(path, (_value(number, document) for number, document in enumerate(documents, 1)))


def _value(number: int, document: Document) -> dict[str, Any]:
    only(document, "entity")
    spans = [span for span in document.spans if span.is_entity]
    value = [{"start": span.pieces[0][0], "end": span.pieces[0][1], "label": span.label} for span in spans]
    scores = [span.score for span in spans]
    score = scores if scores and None not in scores else None
    suggestion = {"value": value, "score": score, "agent": "iepile"}
    return {
        "id": str(number), "fields": {"text": document.text}, "metadata": {}, "responses": {}, "vectors": {},
        "suggestions": {_QUESTION: suggestion} if "entity" in document.kinds else {},
    }  # fmt: skip


FORMAT = Format(
    "argilla", "Argilla records", fits, read, ("fields", "responses", "suggestions", "metadata", "vectors"), write,
    ("entity",), ".json",
)  # fmt: skip
