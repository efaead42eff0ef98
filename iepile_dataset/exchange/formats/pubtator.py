"""PubTator: `id|t|title`, `id|a|abstract`, a line a mention, and relations between identifiers of concepts."""

import re
from collections.abc import Iterator

from ...errors import shown
from ..document import Document, Loss, Relation
from ..files import DataFile
from ..format import Format, ReadOptions

_PASSAGE = re.compile(r"(\w+)\|([a-z])\|(.*)", re.S)
_REMEDY = "expected id<tab>start<tab>end<tab>mention<tab>type"


def fits(file: DataFile) -> bool:
    """A title line at the beginning."""
    return re.match(r"\s*\w+\|t\|", file.start) is not None


def read(file: DataFile, options: ReadOptions) -> Iterator[Document | Loss]:
    """Title and abstract as one text, joined by a space as their places count them."""
    block: list[tuple[int, str]] = []
    for number, line in file.lines():
        if line.strip():
            block.append((number, line))
        elif block:
            yield _document(file, block)
            block = []
    if block:
        yield _document(file, block)


def _document(file: DataFile, block: list[tuple[int, str]]) -> Document | Loss:
    passages = [match[3] for _, line in block if (match := _PASSAGE.fullmatch(line))]
    line = block[0][0]
    if not passages:
        raw = "\n".join(line for _, line in block)
        return Loss(file.name, line, "no title or abstract", "expected id|t|title", raw, "a block without a text", True)
    document = Document(" ".join(passages), kinds=("entity", "relation"), file=file.name, line=line, split=file.split)
    concepts: dict[str, list[int]] = {}
    pairs = []
    for _, text in block:
        cells = text.split("\t")
        if _PASSAGE.fullmatch(text):
            continue
        if len(cells) >= 5 and cells[1].isdigit() and cells[2].isdigit():
            place = document.add(int(cells[1]), int(cells[2]), cells[4], cells[3])
            for concept in re.split(r"[|;,]", cells[5]) if len(cells) > 5 and cells[5] else ():
                concepts.setdefault(concept, []).append(place)
        elif len(cells) in (4, 5) and not cells[1].isdigit():
            pairs.append(cells[1:4])
        else:
            document.lose("a broken line", f"not understood: {shown(text)}", _REMEDY)
    for label, head, tail in pairs:
        _relate(document, label, concepts.get(head, []), concepts.get(tail, []))
    return document


def _relate(document: Document, label: str, heads: list[int], tails: list[int]) -> None:
    """A relation between concepts becomes one between their two mentions that are nearest to each other."""
    starts = [span.pieces[0][0] for span in document.spans]
    near = min(
        ((abs(starts[head] - starts[tail]), head, tail) for head in heads for tail in tails if head != tail),
        default=None,
    )
    if near is None:
        document.lose(
            "a relation between concepts without mentions", f"{shown(label)} names a concept without a mention"
        )
    else:
        document.relations.append(Relation(label, near[1], near[2]))


FORMAT = Format("pubtator", "PubTator", fits, read, ("|t|", "|a|"))
