"""spaCy and Prodigy: JSON lines with `spans`, `Doc.to_json`, training tuples, and DocBin files."""

from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any

from ...errors import DataError
from ..document import Document, Loss, Relation
from ..files import DataFile
from ..format import Format, ReadOptions, json_lines, objects, text_of
from ..spans import only

_SHAPE = '{"text": …, "spans": [{"start", "end", "label"}]} or ["text", {"entities": [[start, end, label]]}]'


def fits(file: DataFile) -> bool:
    """A text with `spans` or `ents`, a training tuple, or a `.spacy` file."""
    return file.path.suffix == ".spacy" or any(_fits(value) for value in file.first)


def _fits(value: Any) -> bool:
    if isinstance(value, list):
        return len(value) == 2 and isinstance(value[0], str) and isinstance(value[1], dict) and "entities" in value[1]
    if not isinstance(value.get("text"), str):
        return False
    spans = value.get("spans", value.get("ents"))
    pairs = value.get("entities")
    return (isinstance(spans, list) and (not spans or (isinstance(spans[0], dict) and "label" in spans[0]))) or (
        isinstance(pairs, list) and bool(pairs) and isinstance(pairs[0], list) and len(pairs[0]) == 3
    )


def read(file: DataFile, options: ReadOptions) -> Iterator[Document | Loss]:
    """Texts; what was rejected or ignored in Prodigy is passed over, and said."""
    if file.path.suffix == ".spacy":
        yield from _docbin(file)
        return
    passed: list[str] = []

    def document(value: Any) -> Document | None:
        if isinstance(value, dict) and value.get("answer", "accept") != "accept":
            passed.append(value["answer"])
            return None
        return _document(value)

    yield from objects(file, document, _SHAPE)
    for answer in sorted(set(passed)):
        reason = f"{passed.count(answer)} texts with the answer {answer}"
        yield Loss(file.name, 0, reason, "accept them in Prodigy", kind=f"{reason} are left out")


def _document(value: Any) -> Document:
    if isinstance(value, list):
        value = {"text": value[0], **value[1]}
    document = Document(text_of(value["text"]), kinds=("entity",))
    for one in value.get("spans", value.get("ents", value.get("entities"))) or ():
        start, end, label = (one["start"], one["end"], one["label"]) if isinstance(one, dict) else one
        document.add(start, end, label, score=one.get("score") if isinstance(one, dict) else None)
    if "relations" in value:
        document.kinds = ("entity", "relation")
        for one in value["relations"]:
            ends = [_end(document, one[name]) for name in ("head_span", "child_span")]
            document.relations.append(Relation(one["label"], *ends))
    return document


def _end(document: Document, span: dict[str, Any]) -> int:
    """The span that is the end of a relation; Prodigy lists it among the spans unless it is a lone token."""
    place = ((span["start"], span["end"]),)
    for number, other in enumerate(document.spans):
        if other.pieces == place and span.get("label") in (other.label, None):
            return number
    return document.add(span["start"], span["end"], span.get("label") or "", is_entity=False)


def _docbin(file: DataFile) -> Iterator[Document | Loss]:
    try:
        import spacy  # type: ignore[import-not-found, unused-ignore]
        from spacy.tokens import DocBin  # type: ignore[import-not-found, unused-ignore]
    except ImportError:
        raise DataError(
            f"{file.name}: a DocBin is read with spaCy, which is not installed (pip install spacy, or write JSON lines)"
        ) from None
    try:
        docs = DocBin().from_disk(file.path)
        vocabulary = spacy.blank("xx").vocab
        for number, doc in enumerate(docs.get_docs(vocabulary), 1):
            document = Document(doc.text, kinds=("entity",), file=file.name, line=number, split=file.split)
            for span in doc.ents or [span for group in doc.spans.values() for span in group]:
                document.add(span.start_char, span.end_char, span.label_)
            yield document
    except Exception as error:  # of spaCy, msgpack and zlib, whatever bytes of another version make of theirs
        reason = " ".join(str(error).split())[:200]
        raise DataError(
            f"{file.name}: spaCy {spacy.__version__} cannot read this DocBin: {reason} "
            "(read it with the spaCy that wrote it, and write JSON lines)"
        ) from None
    file.advance(file.path.stat().st_size)


def write(documents: Iterable[Document], path: Path) -> None:
    """Prodigy's JSON lines."""
    json_lines(path, map(_value, documents))


def _value(document: Document) -> dict[str, Any]:
    only(document, "entity", "relation")
    spans = [
        {"start": span.pieces[0][0], "end": span.pieces[0][1], "label": span.label}
        | ({} if span.score is None else {"score": span.score})
        for span in document.spans
    ]
    value: dict[str, Any] = {
        "text": document.text,
        "spans": [span for span, own in zip(spans, document.spans) if own.is_entity],
    }
    if "relation" in document.kinds:
        value["relations"] = [
            {"head_span": spans[one.head], "child_span": spans[one.tail], "label": one.label}
            for one in document.relations
        ]
    return value


FORMAT = Format(
    "spacy", "spaCy or Prodigy", fits, read, ("text", "spans", "ents", "answer", "tokens"), write,
    ("entity", "relation"), ".jsonl",
)  # fmt: skip
