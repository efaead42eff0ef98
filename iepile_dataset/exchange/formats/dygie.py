"""DyGIE++, as of SciERC: a document a line, its sentences as tokens, places counted through the document."""

from collections.abc import Iterator, Mapping
from functools import partial
from typing import Any

from ..document import UNTYPED, Document, Event, Loss, Relation, Span
from ..files import DataFile
from ..format import Format, ReadOptions, document_groups
from ..tokens import join

_SHAPE = '{"sentences": [[token]], "ner": [[[first, last, type]]]}'

Places = Mapping[int, tuple[int, int]]
"""Number of a token in its document → its place in the sentence."""


def fits(file: DataFile) -> bool:
    """Sentences as lists of tokens with `ner`, `relations` or `events` beside them."""
    marks = {"ner", "relations", "events", "doc_key"}
    return any(isinstance(value.get("sentences"), list) and marks & value.keys() for value in file.objects)


def read(file: DataFile, options: ReadOptions) -> Iterator[Document | Loss]:
    """Each sentence as a text."""
    return document_groups(file, _documents, _SHAPE)


def _documents(value: dict[str, Any]) -> Iterator[Document]:
    start = int(value.get("_sentence_start", 0))
    keys = {"entity": "ner", "relation": "relations", "event": "events"}
    kinds = tuple(kind for kind, key in keys.items() if key in value)
    for number, tokens in enumerate(value["sentences"]):
        text, places = join(tokens)
        document = Document(text, kinds=kinds)
        span = partial(_span, document, dict(enumerate(places, start)))
        for first, last, label, *_ in value["ner"][number] if "ner" in value else ():
            span(first, last, label, is_entity=True)
        for one in value["relations"][number] if "relations" in value else ():
            document.relations.append(Relation(one[4], span(one[0], one[1]), span(one[2], one[3])))
        for trigger, *arguments in value["events"][number] if "events" in value else ():
            *where, label = [part for part in trigger if not isinstance(part, float)]
            roles = tuple((one[2], span(one[0], one[1])) for one in arguments)
            document.events.append(Event(label, span(where[0], where[-1], label), roles))
        yield document
        start += len(tokens)


def _span(document: Document, places: Places, first: int, last: int, label: str = "", is_entity: bool = False) -> int:
    """The span of some tokens: a mention, a trigger, or without a label the mention that is there."""
    if first not in places or last not in places or first > last:
        document.lose("a mention in another sentence", f"tokens {first} to {last} lie in another sentence")
        return -1
    pieces = ((places[first][0], places[last][1]),)
    there = (number for number, one in enumerate(document.spans) if one.is_entity and one.pieces == pieces)
    known = None if label else next(there, None)
    return document.once(Span(pieces, label or UNTYPED, None, is_entity)) if known is None else known


FORMAT = Format("dygie", "DyGIE++ (SciERC) JSON lines", fits, read, ("sentences", "ner", "doc_key", "clusters"))
