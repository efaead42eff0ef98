"""DyGIE++, as of SciERC: a document a line, its sentences as tokens, places counted through the document."""

from collections.abc import Iterator
from typing import Any

from ..document import UNTYPED, Document, Event, Loss, Relation
from ..files import DataFile
from ..format import Format, ReadOptions, document_groups
from ..tokens import join

_SHAPE = '{"sentences": [[token]], "ner": [[[first, last, type]]]}'


def fits(file: DataFile) -> bool:
    """Sentences as lists of tokens with `ner`, `relations` or `events` beside them."""
    return any(
        isinstance(value, dict)
        and isinstance(value.get("sentences"), list)
        and bool({"ner", "relations", "events", "doc_key"} & set(value))
        for value in file.first
    )


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
        sentence = _Sentence(document, places, start)
        for first, last, label, *_ in value["ner"][number] if "ner" in value else ():
            sentence.span(first, last, label)
        for first, last, other_first, other_last, label, *_ in (
            value["relations"][number] if "relations" in value else ()
        ):
            ends = sentence.span(first, last), sentence.span(other_first, other_last)
            document.relations.append(Relation(label, *ends))
        for trigger, *arguments in value["events"][number] if "events" in value else ():
            *where, label = [part for part in trigger if not isinstance(part, float)]
            place = sentence.span(where[0], where[-1], label, is_trigger=True)
            roles = tuple((one[2], sentence.span(one[0], one[1])) for one in arguments)
            document.events.append(Event(label, place, roles))
        yield document
        start += len(tokens)


class _Sentence:
    """Gives places of tokens their spans, each once."""

    def __init__(self, document: Document, places: list[tuple[int, int]], start: int) -> None:
        self._document, self._places, self._start = document, places, start
        self._entities: dict[tuple[int, int], int] = {}
        self._triggers: dict[tuple[int, int, str], int] = {}

    def span(self, first: int, last: int, label: str = "", is_trigger: bool = False) -> int:
        first, last = first - self._start, last - self._start
        if not 0 <= first <= last < len(self._places):
            reason = f"tokens {first + self._start} to {last + self._start} lie in another sentence"
            self._document.lose("a mention in another sentence", reason)
            return -1
        border = self._places[first][0], self._places[last][1]
        if is_trigger:
            place = self._triggers.get((first, last, label))
            if place is None:
                place = self._triggers[first, last, label] = self._document.add(*border, label, is_entity=False)
            return place
        if label:
            place = self._document.add(*border, label)
            self._entities.setdefault((first, last), place)
            return place
        if (first, last) not in self._entities:
            self._entities[first, last] = self._document.add(*border, UNTYPED, is_entity=False)
        return self._entities[first, last]


FORMAT = Format("dygie", "DyGIE++ (SciERC) JSON lines", fits, read, ("sentences", "ner", "doc_key", "clusters"))
