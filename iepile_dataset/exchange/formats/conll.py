"""CoNLL columns: a token a line, its tag in one column, an empty line after each sentence. BIO, IOB1, BIOES, BMES."""

import re
from collections.abc import Iterable, Iterator
from itertools import islice
from pathlib import Path

from ...errors import DataError, shown
from ..document import Document, Loss
from ..files import DataFile
from ..format import Format, ReadOptions
from ..spans import flat
from ..tokens import is_tag, scheme_of, tagged, tokenised

_TEXT = "# text = "
_SHAPE = "a token and its tag, such as `Ulm B-city`"
Sentence = list[tuple[int, list[str]]]


def _cells(line: str, tabs: bool) -> list[str]:
    return [cell.strip(" ") for cell in line.split("\t")] if tabs else line.split()


def _sentences(file: DataFile, tabs: bool) -> Iterator[tuple[str | None, Sentence]]:
    """(the text that a comment states, lines with their columns)"""
    text, rows = None, Sentence()
    for number, line in file.lines():
        if not line.strip() or line.startswith("-DOCSTART-"):
            if rows:
                yield text, rows
            text, rows = None, []
        elif line.startswith("#") and not rows and not is_tag(_cells(line, tabs)[-1]):
            text = line.removeprefix(_TEXT) if line.startswith(_TEXT) else text
        else:
            rows.append((number, _cells(line, tabs)))
    if rows:
        yield text, rows


def _tag_columns(rows: Iterable[list[str]]) -> list[int]:
    """Columns in which only tags stand, and not only O."""
    columns = list(zip(*rows)) if (rows := list(rows)) and len({len(row) for row in rows}) == 1 else []
    return [
        number
        for number, cells in enumerate(columns)
        if all(is_tag(cell) for cell in cells) and any(cell != "O" for cell in cells)
    ]


def _first_rows(file: DataFile) -> list[list[str]]:
    """Columns of whole lines at the beginning; those of the commonest number of columns."""
    tabs = _has_tabs(file)
    lines = [line.rstrip("\r") for line in file.start.split("\n")[:2000]]
    rows = [_cells(line, tabs) for line in lines if line.strip() and not line.startswith(("-DOCSTART-", "# "))]
    widths = [len(row) for row in rows]
    width = max(set(widths), key=widths.count) if widths else 0
    return [row for row in rows if len(row) == width] if _are_most(widths.count(width), len(widths)) else []


def _are_most(good: int, rows: int) -> bool:
    """Nine of ten, or of a few rows all but one."""
    return good > 0.9 * rows or rows - 1 == good > 1


def _has_tabs(file: DataFile) -> bool:
    lines = [line for line in file.start.split("\n")[:200] if line.strip() and not line.startswith(("-DOCSTART-", "#"))]
    return bool(lines) and sum("\t" in line for line in lines) > len(lines) / 2


def fits(file: DataFile) -> bool:
    """Some column but the first holds tags alone, most lines have as many columns."""
    rows = _first_rows(file)
    good = [row for row in rows if len(row) > 1]
    return bool(good) and any(column > 0 for column in _tag_columns(_mostly_tagged(good)))


def _mostly_tagged(rows: list[list[str]]) -> list[list[str]]:
    """Rows without those few that end in no tag, which are set aside when they are read."""
    kept = [row for row in rows if is_tag(row[-1])]
    return kept if _are_most(len(kept), len(rows)) else rows


def read(file: DataFile, options: ReadOptions) -> Iterator[Document | Loss]:
    """Sentences, with the tags of the last column that holds tags, or of `tag` and `token` in the columns given."""
    tabs = _has_tabs(file)
    columns = _tag_columns(_mostly_tagged([row for row in _first_rows(file) if len(row) > 1]))
    try:
        tag = int(options.columns.get("tag", columns[-1] if columns else -1))
        token = int(options.columns.get("token", 0))
    except ValueError:
        raise DataError(
            f"{file.name}: columns {dict(options.columns)} are no numbers (--columns token=0,tag=3)"
        ) from None
    if len(columns) > 1 and "tag" not in options.columns:
        others = ", ".join(str(column) for column in columns if column != tag)
        yield Loss(
            file.name, 0, f"columns {', '.join(map(str, columns))} hold tags: {tag} is read, {others} is not",
            f"--columns tag={others.split(',')[0]} reads the other", kind="a second column of tags is not read",
        )  # fmt: skip
    first = [
        [row[tag] for _, row in rows if len(row) > max(tag, token)]
        for _, rows in islice(_sentences(DataFile(file.path, file.name), tabs), 1000)
    ]
    scheme = scheme_of(first)
    for text, rows in _sentences(file, tabs):
        yield _document(file, text, rows, token, tag, scheme)


def _document(file: DataFile, text: str | None, rows: Sentence, token: int, tag: int, scheme: str) -> Document | Loss:
    line = rows[0][0]
    for number, row in rows:
        if len(row) <= max(token, tag) or len(row) < 2 or not is_tag(row[tag]):
            raw = "\n".join(" ".join(cells) for _, cells in rows)
            reason = f"line {number} has no tag: {shown(' '.join(row))}"
            return Loss(file.name, number, reason, f"expected {_SHAPE}", raw, "a sentence with a broken line", True)
    tags = [row[tag].replace("_", "-", 1) if row[tag][1:2] == "_" else row[tag] for _, row in rows]
    document = tagged([row[token] for _, row in rows], tags, scheme, text)
    document.file, document.line, document.split = file.name, line, file.split
    return document


def write(documents: Iterable[Document], path: Path) -> None:
    """Token, tab, BIO tag; the text itself stands in a comment before its tokens, as in CoNLL-U."""
    with path.open("w", encoding="utf-8", newline="\n") as file:
        for document in documents:
            text = document.text
            if re.search(r"[\r\n]", text):
                document.lose("a text of several lines", "a text of several lines cannot be stated", "split it")
                continue
            chosen = flat(document)
            places = tokenised(text, [border for start, end, _ in chosen for border in (start, end)])
            if not places:
                document.lose("a text without tokens", "nothing but white space")
                continue
            tags: dict[tuple[int, int], str] = {}
            for start, end, label in chosen:
                inside = [place for place in places if start <= place[0] and place[1] <= end]
                if not inside or (inside[0][0], inside[-1][1]) != (start, end):
                    document.lose("a mention that begins or ends in white space", f"{shown(text[start:end])} does")
                    continue
                tags |= {place: ("I-" if number else "B-") + label for number, place in enumerate(inside)}
            lines = [f"{text[start:end]}\t{tags.get((start, end), 'O')}" for start, end in places]
            file.write("\n".join([_TEXT + text, *lines, "", ""]))


FORMAT = Format("conll", "CoNLL columns", fits, read, ("token", "tag"), write, ("entity",), ".conll")
