"""brat standoff: a `.txt` file and its `.ann` file with entities, relations and events."""

import re
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any

from ...errors import DataError, shown
from ..document import Document, Event, Loss, Relation, Span
from ..files import DataFile
from ..format import Format, ReadOptions

_ENTITY = re.compile(r"(T\S+)\t(\S+) (\d+ \d+(?:;\d+ \d+)*)(?:\t(.*))?$", re.S)
_ARGUMENT = re.compile(r"(\S+?):(\S+)")


def fits(file: DataFile) -> bool:
    """An `.ann` file, or a `.txt` file beside one."""
    return file.path.suffix == ".ann" or (file.path.suffix == ".txt" and file.path.with_suffix(".ann").exists())


def read(file: DataFile, options: ReadOptions) -> Iterator[Document | Loss]:
    """The one text of a file; `visual.conf` above it says how labels are spelt for people."""
    if file.path.suffix == ".txt":
        return
    source = file.path.with_suffix(".txt")
    if not source.exists():
        yield Loss(
            file.name, 0, f"no {source.name} beside it", "put the text beside it", "", "a file without its text", True
        )
        return
    # A mark of byte order stays: brat counts it as a character.
    raw = source.read_bytes().decode(DataFile(source, source.name).encoding.removesuffix("-sig"), "replace")
    document = Document(raw.replace("\r\n", "\n"), file=file.name, line=1, split=file.split)
    document.raw_text = raw if "\r\n" in raw else None
    lines = [line for _, line in file.lines() if line.strip()]
    spelt = _spellings(file.path.parent)
    places: dict[str, int] = {}
    for line in lines:
        if line.startswith("T"):
            if match := _ENTITY.match(line):
                pieces = tuple(tuple(map(int, piece.split())) for piece in match[3].split(";"))
                document.spans.append(Span(pieces, spelt.get(match[2], match[2]), match[4]))  # type: ignore[arg-type]
                places[match[1]] = len(document.spans) - 1
            else:
                document.lose("a broken line", f"not a mention: {shown(line)}", "expected T1<tab>Type 0 4<tab>words")
    _joins(document, lines, places, spelt)
    yield document


def _joins(document: Document, lines: list[str], places: dict[str, int], spelt: dict[str, str]) -> None:
    """Relations and events; a trigger is no entity of its own."""
    parts = [line.split("\t")[:2] for line in lines]
    triggers = {
        part[0]: _ARGUMENT.findall(part[1])[0][1]
        for part in parts
        if part[0].startswith("E") and len(part) > 1 and _ARGUMENT.search(part[1])
    }
    for part in parts:
        kind, pairs = part[0][:1], _ARGUMENT.findall(part[1]) if len(part) > 1 else []
        nested = [name for _, name in pairs if name in triggers]
        if nested and kind in "ER":
            document.lose("an event as argument, its trigger kept", f"{part[0]} names the event {nested[0]}")
        ends = [(spelt.get(role, role), places.get(triggers.get(name, name), -1)) for role, name in pairs]
        if kind == "R" and len(ends) == 2:
            label = part[1].split(" ")[0]
            document.relations.append(Relation(spelt.get(label, label), ends[0][1], ends[1][1]))
        elif kind == "E" and ends:
            (label, trigger), *arguments = ends
            roles = {role for role, _ in arguments}
            known = set(spelt.values())
            named = tuple((_role(role, roles, known), place) for role, place in arguments)
            document.events.append(Event(label, trigger, named))
            if 0 <= trigger < len(document.spans):
                span = document.spans[trigger]
                document.spans[trigger] = Span(span.pieces, span.label, span.text, is_entity=False)
        elif kind in "ER" or kind not in "TAMN*#":
            document.lose(
                "a broken line", f"not understood: {shown(' '.join(part))}", "see the standoff format of brat"
            )
        elif kind in "AMN*":
            names = {"A": "an attribute", "M": "an attribute", "N": "a normalisation", "*": "an equivalence"}
            document.lose(f"{names[kind]}, which our annotation has no place for", f"{' '.join(part)} is left out")


def _role(role: str, names: set[str], known: set[str]) -> str:
    """A role without the number that brat gives it where it stands twice: Theme2 beside Theme."""
    base = re.sub(r"\d+$", "", role)
    return base if base in names and role not in known else role


def _spellings(folder: Path) -> dict[str, str]:
    """Label → how `visual.conf` shows it to people, its first form."""
    for place in (folder, folder.parent):
        file = place / "visual.conf"
        if file.is_file():
            section = re.search(r"^\[labels\]\s*$(.*?)(?=^\[|\Z)", file.read_text("utf-8", "replace"), re.M | re.S)
            lines = section[1].splitlines() if section else []
            cells = [[cell.strip() for cell in line.split(" | ")] for line in lines if not line.startswith("#")]
            return {cell[0]: cell[1] for cell in cells if len(cell) > 1}
    return {}


class _Names:
    """Labels as brat takes them, one word of Latin letters, and `visual.conf`, which shows them as they are."""

    def __init__(self) -> None:
        self.safe: dict[str, str] = {}
        self.spelt: dict[str, str] = {}
        self.entities: dict[str, None] = {}
        self.relations: dict[str, None] = {}
        self.events: dict[str, dict[str, None]] = {}

    def name(self, label: str) -> str:
        if label not in self.safe:
            if re.search(r"[|\r\n]", label) or label != label.strip():
                raise DataError(
                    f"brat cannot show the label {shown(label)} (rename it: no |, no line end, no space around it)"
                )
            plain = re.sub(r"[^A-Za-z0-9_-]+", "_", label).strip("_-")
            base = plain if plain and plain[0].isalpha() else f"label_{len(self.safe) + 1}"
            base = base if label.isascii() else f"{base}_{len(self.safe) + 1}" if plain else base
            name, count = base, 1
            while name in self.spelt:
                count += 1
                name = f"{base}_{count}"
            self.safe[label], self.spelt[name] = name, label
        return self.safe[label]

    def again(self, label: str, taken: list[str]) -> str:
        """The name of a role, with a number where it is taken: Theme, Theme2."""
        name, count = self.name(label), 1
        while name in taken or self.spelt.get(name, label) != label:
            count += 1
            name = f"{self.name(label)}{count}"
        self.spelt[name] = label
        return name

    def write(self, folder: Path) -> None:
        """`annotation.conf` and `visual.conf`."""
        events = [
            f"{label}\t{', '.join(f'{role}*:<ENTITY>' for role in roles)}".rstrip()
            for label, roles in self.events.items()
        ]
        relations = [f"{label}\tArg1:<ENTITY>, Arg2:<ENTITY>" for label in self.relations]
        parts = ["[entities]", *self.entities, "[relations]", *relations, "[events]", *events, "[attributes]"]
        (folder / "annotation.conf").write_text("\n".join(parts) + "\n", "utf-8")
        shown_as = [f"{name} | {label}" for name, label in self.spelt.items()]
        (folder / "visual.conf").write_text("\n".join(["[labels]", *shown_as, "[drawing]"]) + "\n", "utf-8")


def write(documents: Iterable[Document], path: Path) -> None:
    """A folder with two files a text, `annotation.conf` and `visual.conf`."""
    path.mkdir(parents=True, exist_ok=True)
    names = _Names()
    for number, document in enumerate(documents, 1):
        if "\r\n" in document.text:
            document.lose("a text with CR LF line ends", "its line ends are CR LF", "write line feeds")
            continue
        name = f"{number:07d}"
        (path / f"{name}.txt").write_bytes(document.text.encode())
        lines = _lines(document, names)
        (path / f"{name}.ann").write_text("".join(line + "\n" for line in lines), "utf-8", newline="\n")
    names.write(path)


def _lines(document: Document, names: _Names) -> Iterator[str]:
    notes: list[tuple[str, Any]] = []
    triggers = {event.trigger for event in document.events}
    for number, span in enumerate(document.spans, 1):
        label = names.name(span.label)
        if number - 1 not in triggers:
            names.entities.setdefault(label)
        places, mention = _places(document.text, *span.pieces[0])
        yield f"T{number}\t{label} {places}\t{mention}"
        notes.append((f"T{number}", span.score))
    for number, relation in enumerate(document.relations, 1):
        label = names.name(relation.label)
        names.relations.setdefault(label)
        yield f"R{number}\t{label} Arg1:T{relation.head + 1} Arg2:T{relation.tail + 1}"
        notes.append((f"R{number}", relation.score))
    for number, event in enumerate(document.events, 1):
        if event.trigger is None:
            document.lose("an event without a trigger", f"an event {event.label!r} without a trigger cannot be written")
            continue
        label = names.name(event.label)
        roles: list[tuple[str, int]] = []
        for role, place in event.arguments:
            names.events.setdefault(label, {}).setdefault(names.name(role))
            roles.append((names.again(role, [name for name, _ in roles]), place))
        names.events.setdefault(label, {})
        yield " ".join([f"E{number}\t{label}:T{event.trigger + 1}", *(f"{role}:T{place + 1}" for role, place in roles)])
        notes.append((f"E{number}", event.score))
    for number, (target, score) in enumerate((note for note in notes if note[1] is not None), 1):
        yield f"#{number}\tAnnotatorNotes {target}\tconfidence {score}"


def _places(text: str, start: int, end: int) -> tuple[str, str]:
    """A mention's place, cut where a line ends, and its words on one line."""
    pieces, place = [], start
    for part in re.split(r"(\n+)", text[start:end]):
        if part and not part.startswith("\n"):
            pieces.append((place, place + len(part)))
        place += len(part)
    if len(pieces) < 2:
        pieces = [(start, end)]
    pieces[0], pieces[-1] = (start, pieces[0][1]), (pieces[-1][0], end)  # with the line breaks at its own ends
    words = (" ".join(text[first:last].split("\n")) for first, last in pieces)
    return ";".join(f"{first} {last}" for first, last in pieces), " ".join(words)


FORMAT = Format(
    "brat", "brat standoff (.txt and .ann)", fits, read, (".ann", ".txt"), write, ("entity", "relation", "event")
)
