"""A corpus as a sunburst: task → domain → source, by instructions."""

import textwrap
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING

from rich.cells import cell_len, set_cell_size

from .fonts import drawable
from .stats import Statistics

if TYPE_CHECKING:
    from matplotlib.figure import Figure

_COLOURS = ("#3b6ea5", "#c8703a", "#4f8f5b", "#8a5a9e", "#b5484f", "#4d96a3", "#94802f")
_RINGS = ((0.28, 0.51), (0.515, 0.835), (0.84, 1.0))  # inner and outer radius
_LIGHTER = (0.0, 0.35, 0.6)
# How many degrees a line of text takes up in a ring (beside it, in the outmost), and how many letters fit into one.
_DEGREES = (5.0, 4.4, 2.3)
_LETTERS = (6, 15, 30)
_SIZES = (9, 7.5, 8.5)

Tree = Mapping[str, Mapping[str, Mapping[str, int]]]
"""Task → domain → source → number of instructions."""


@dataclass(frozen=True)
class Wedge:
    """A part of a ring; ring 0 is the inmost, angles are in degrees, clockwise from the top."""

    ring: int
    start: float
    end: float
    name: str
    count: int
    colour: int

    @property
    def lines(self) -> int:
        """How many lines of text it has room for."""
        return int((self.end - self.start) / _DEGREES[self.ring])


def tree(counted: Statistics, fonts: list[str]) -> Tree:
    """What is drawn. A name that the fonts lack glyphs for is `source 3` or `domain 2`: its place in `stats.json`."""
    result: dict[str, dict[str, dict[str, int]]] = {}
    domains = list(counted.by(lambda cell: cell.domain))
    sources = list(counted.by(lambda cell: cell.source.key))
    for cell in counted.cells:
        domain, source = cell.domain, cell.source.name
        if not drawable(domain, fonts):
            domain = f"domain {domains.index(domain) + 1}"
        if not drawable(source, fonts):
            source = f"source {sources.index(cell.source.key) + 1}"
        parts = result.setdefault(cell.source.task.upper(), {}).setdefault(domain, {})
        parts[source] = parts.get(source, 0) + cell.figures.instructions
    return result


def wedges(tree: Tree) -> Iterator[Wedge]:
    """The wedges of a tree, a full circle for each ring; within one, the largest first.

    >>> parts = list(wedges({"NER": {"news": {"a": 1, "b": 2}}, "RE": {"news": {"a": 1}}}))
    >>> [(wedge.name, wedge.start, wedge.end) for wedge in parts if wedge.ring == 2]
    [('b', 0.0, 180.0), ('a', 180.0, 270.0), ('a', 270.0, 360.0)]
    """
    sums = {
        task: {domain: sum(sources.values()) for domain, sources in domains.items()} for task, domains in tree.items()
    }
    total, done = sum(sum(domains.values()) for domains in sums.values()), 0

    def wedge(ring: int, count: int, name: str, colour: int) -> Wedge:
        return Wedge(ring, 360 * done / total, 360 * (done + count) / total, name, count, colour)

    for colour, (task, domains) in enumerate(tree.items()):
        yield wedge(0, sum(sums[task].values()), task, colour)
        for domain in sorted(domains, key=lambda name: -sums[task][name]):
            yield wedge(1, sums[task][domain], domain, colour)
            for source, count in sorted(domains[domain].items(), key=lambda item: -item[1]):
                yield wedge(2, count, source, colour)
                done += count


def draw_sunburst(figure: "Figure", tree: Tree) -> None:
    """Draw a tree on an empty square figure; sources too small for a line of text are counted below it."""
    from matplotlib.colors import to_rgb

    axes = figure.add_axes((0.0, 0.0, 1.0, 1.0))
    parts = list(wedges(tree))
    for ring, ((inner, outer), lighter) in enumerate(zip(_RINGS, _LIGHTER)):
        mine = [wedge for wedge in parts if wedge.ring == ring]
        shades = [to_rgb(_COLOURS[wedge.colour % len(_COLOURS)]) for wedge in mine]
        _, texts = axes.pie(
            [wedge.count for wedge in mine],
            radius=outer,
            startangle=90,
            counterclock=False,
            colors=[[part + (1 - part) * lighter for part in shade] for shade in shades],
            labels=[_label(wedge) for wedge in mine],
            labeldistance=1.02 if ring == 2 else (inner + outer) / 2 / outer,
            rotatelabels=True,
            wedgeprops={"width": outer - inner, "edgecolor": "white", "lw": 0.8},
            textprops={"fontsize": _SIZES[ring], "color": "white" if ring == 0 else "black"},
        )
        for wedge, text in zip(mine, texts):
            if ring < 2:
                text.set(ha="center", va="center", fontweight="normal" if ring else "bold")
            if ring == 0 and wedge.lines > 5:
                text.set(rotation=0, fontsize=12)
    axes.set(xlim=(-1.62, 1.62), ylim=(-1.62, 1.62))
    total = sum(wedge.count for wedge in parts if wedge.ring == 0)
    axes.text(0, 0, f"{total:,}\ninstructions", ha="center", va="center", fontsize=13, fontweight="bold")
    words = "task → domain → source, by instructions"
    if unnamed := sum(wedge.ring == 2 and not wedge.lines for wedge in parts):
        words += f"; {unnamed} small sources without a name, see stats.json"
    axes.text(0, -1.58, words, ha="center", va="bottom", fontsize=9, color="#555555")


def _label(wedge: Wedge) -> str:
    """What is written on a wedge, or beside it in the outmost ring; nothing on one that is too small."""
    if not wedge.lines:
        return ""
    text = fit(wedge.name, _LETTERS[wedge.ring], wedge.lines if wedge.ring < 2 else 1)
    if wedge.ring == 2:
        return f"{text}  {wedge.count:,}" if wedge.start + wedge.end <= 360 else f"{wedge.count:,}  {text}"
    return f"{text}\n{wedge.count:,}" if wedge.ring == 0 and wedge.lines > 5 else text


def fit(name: str, letters: int, lines: int) -> str:
    """A name on at most so many lines of so many letters, Chinese ones counting twice; cut where it is longer.

    >>> fit("disasters and rescue", 16, 2), fit("disasters and rescue", 16, 1), fit("灾害与救援", 6, 1)
    ('disasters and\\nrescue', 'disasters and r…', '灾害…')
    """
    parts = textwrap.wrap(name, letters) if lines > 1 else [name]
    if len(parts) > lines:
        parts = [*parts[: lines - 1], " ".join(parts[lines - 1 :])]
    return "\n".join(
        part if cell_len(part) <= letters else set_cell_size(part, letters - 1).rstrip() + "…" for part in parts
    )
