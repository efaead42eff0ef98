"""GLiNER: `tokenized_text` and `ner` with the first and last token of each mention; GLiNER2: `input` and `output`."""

from collections.abc import Iterator
from typing import Any

from ..document import UNTYPED, Document, Loss, Relation
from ..files import DataFile
from ..format import Format, ReadOptions, objects, text_of
from ..tokens import join


def fits(file: DataFile) -> bool:
    """Tokens under `tokenized_text`."""
    return any("tokenized_text" in value for value in file.objects)


def read(file: DataFile, options: ReadOptions) -> Iterator[Document | Loss]:
    """Texts; `relations` join mentions by their places in `ner`."""
    yield from objects(file, _document, '{"tokenized_text": [token], "ner": [[first, last, type]]}')


def _document(value: dict[str, Any]) -> Document:
    text, places = join(value["tokenized_text"])
    kinds = ("entity", "relation") if "relations" in value else ("entity",)
    document = Document(text, kinds=kinds if "ner" in value else ())
    for first, last, label in value.get("ner") or ():
        inside = 0 <= first <= last < len(places)
        start, end = (places[first][0], places[last][1]) if inside else (-1, -1)
        document.add(start, end, label)
    for head, tail, label in value.get("relations") or ():
        document.relations.append(Relation(label, head, tail))
    return document


FORMAT = Format("gliner", "GLiNER JSON", fits, read, ("tokenized_text", "ner"))


def fits_second(file: DataFile) -> bool:
    """`input` with an `output` of entities or relations."""
    marks = {"entities", "relations", "json_structures", "classifications"}
    pairs = ((value.get("input"), value.get("output")) for value in file.objects)
    return any(isinstance(text, str) and isinstance(out, dict) and marks & out.keys() for text, out in pairs)


def read_second(file: DataFile, options: ReadOptions) -> Iterator[Document | Loss]:
    """Texts; their mentions have no place. Structures and classifications are no annotation of ours."""
    yield from objects(file, _second, '{"input": …, "output": {"entities": {type: [mention]}}}')


def _second(value: dict[str, Any]) -> Document:
    output = value["output"]
    kinds = [kind for kind, key in (("entity", "entities"), ("relation", "relations")) if key in output]
    document = Document(text_of(value["input"]), kinds=tuple(kinds))
    for label, mentions in (output.get("entities") or {}).items():
        for mention in [mentions] if isinstance(mentions, str) else mentions:
            document.quote(mention, label)
    for named in output.get("relations") or ():
        for label, ends in named.items():
            head, tail = (document.quote(ends[name], UNTYPED, is_entity=False) for name in ("head", "tail"))
            document.relations.append(Relation(label, head, tail))
    for key in ("json_structures", "classifications"):
        if output.get(key):
            document.lose(f"{key}, which our annotation has no place for")
    return document


SECOND = Format("gliner2", "GLiNER2 JSON lines", fits_second, read_second, ("input", "output"))
