"""Records or predictions → a file of another tool, the least certain first where people are to correct them."""

import os
from collections import Counter, defaultdict
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field
from math import inf
from pathlib import Path

from ..atomic import written_beside
from ..corpus.shards import Progress
from ..errors import DataError
from .document import Document, Loss, Losses
from .reading import open_input
from .registry import format_named
from .writing import write_documents

__all__ = ["ORDERS", "Exported", "export_file"]


@dataclass
class Exported:
    """What an export did.

    Attributes:
        out: The file, for brat the folder.
        read_as: The format of the input.
        records: How many texts were written.
        losses: Kind → what could not be read, or the format cannot hold.
    """

    out: Path
    read_as: str
    records: int = 0
    losses: Losses = field(default_factory=Losses)


def export_file(
    file: str | os.PathLike[str],
    to: str,
    out: str | os.PathLike[str] | None = None,
    *,
    order: str = "input",
    sample: int | None = None,
    overwrite: bool = False,
    progress: Progress | None = None,
) -> Exported:
    """Write records, predictions, or a file of any other format that is read, for another tool.

    Args:
        file: A file or folder, such as a source or what `iepile predict` wrote.
        to: A name of `WRITERS`.
        out: The file to make, for brat the folder; beside the input by default.
        order: `input`, or `uncertain`: texts whose least certain annotation is least certain come first, texts
            without confidences last.
        sample: At most so many texts, each label in turn giving the next one that has it; None for all.
        overwrite: Replace a file.
        progress: Told of (bytes read, bytes in all).

    Raises:
        DataError: It cannot be read, the format cannot hold it, or `out` is taken.
    """
    if order not in ORDERS:
        raise DataError(f"unknown order {order} (one of {', '.join(ORDERS)})")
    form = format_named(to, writer=True)
    opened = open_input(file, progress=progress)
    source = Path(file)
    place = Path(out) if out else source.with_name(f"{source.stem}.{to}{form.suffix}")
    if place.exists() and (not overwrite or not form.suffix):
        remedy = (
            "--overwrite replaces it, or choose another --out" if form.suffix else "remove it, or choose another --out"
        )
        raise DataError(f"{place}: is there already ({remedy})")
    done = Exported(place, opened.format.name)

    def documents() -> Iterator[Document]:
        for document in opened.documents():
            if isinstance(document, Loss):
                done.losses.lose(document)
            else:
                yield document

    def counted(chosen: Iterable[Document]) -> Iterator[Document]:
        for document in chosen:
            done.records += 1
            yield document

    ordered: Iterable[Document] = ORDERS[order](documents())
    if sample is not None:
        ordered = _by_label(list(ordered), sample)
    with written_beside(place) as work:
        write_documents(counted(ordered), work, to, done.losses.lose)
    return done


def _uncertain(documents: Iterable[Document]) -> list[Document]:
    return sorted(documents, key=_certainty)


def _certainty(document: Document) -> float:
    scores = [span.score for span in document.spans]
    scores += [relation.score for relation in document.relations] + [event.score for event in document.events]
    return min((score for score in scores if score is not None), default=inf)


ORDERS: dict[str, Callable[[Iterable[Document]], Iterable[Document]]] = {
    "input": lambda documents: documents,
    "uncertain": _uncertain,
}


def _by_label(documents: list[Document], count: int) -> list[Document]:
    """The first `count` documents when each label in turn, rarest first, gives the next one that has it.

    >>> texts = [Document(text) for text in "abc"]
    >>> for text, label in zip(texts, ("city", "city", "river")): _ = text.add(0, 1, label)
    >>> [text.text for text in _by_label(texts, 2)]
    ['a', 'c']
    """
    queues: defaultdict[str, list[int]] = defaultdict(list)
    for number, document in enumerate(documents):
        labels = {span.label for span in document.spans if span.is_entity}
        labels |= {relation.label for relation in document.relations} | {event.label for event in document.events}
        for label in sorted(labels) or [""]:
            queues[label].append(number)
    sizes = Counter({label: len(numbers) for label, numbers in queues.items()})
    order = sorted(queues, key=lambda label: (sizes[label], label))
    chosen: set[int] = set()
    waiting = {label: iter(queues[label]) for label in order}
    while waiting and len(chosen) < count:
        for label in [label for label in order if label in waiting]:
            following = next((number for number in waiting[label] if number not in chosen), None)
            if following is None:
                del waiting[label]
            elif len(chosen) < count:
                chosen.add(following)
    return [documents[number] for number in sorted(chosen)]
