"""A corpus as a sunburst: task → domain → source, by instructions."""

import textwrap
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from itertools import accumulate
from math import cos, radians, sin
from typing import TYPE_CHECKING
from unicodedata import east_asian_width

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

    >>> found = list(wedges({"NER": {"news": {"a": 1, "b": 2}}, "RE": {"news": {"a": 1}}}))
    >>> [(wedge.name, wedge.start, wedge.end) for wedge in found if wedge.ring == 2]
    [('b', 0.0, 180.0), ('a', 180.0, 270.0), ('a', 270.0, 360.0)]
    """
    sums = {
        task: {domain: sum(sources.values()) for domain, sources in domains.items()} for task, domains in tree.items()
    }
    total = sum(sum(domains.values()) for domains in sums.values())
    done = 0
    for colour, (task, domains) in enumerate(tree.items()):
        in_task = sum(sums[task].values())
        yield _wedge(0, done, in_task, total, task, colour)
        for domain in sorted(domains, key=lambda name: -sums[task][name]):
            yield _wedge(1, done, sums[task][domain], total, domain, colour)
            for source, count in sorted(domains[domain].items(), key=lambda item: -item[1]):
                yield _wedge(2, done, count, total, source, colour)
                done += count


def _wedge(ring: int, before: int, count: int, total: int, name: str, colour: int) -> Wedge:
    return Wedge(ring, 360 * before / total, 360 * (before + count) / total, name, count, colour)


def draw_sunburst(figure: "Figure", tree: Tree) -> None:
    """Draw a tree on an empty square figure; sources too small for a line of text are counted below it."""
    from matplotlib.colors import to_rgb
    from matplotlib.patches import Wedge as Patch

    axes = figure.add_axes((0.0, 0.0, 1.0, 1.0))
    axes.set_axis_off()
    axes.set_aspect("equal")
    axes.set_xlim(-1.62, 1.62)
    axes.set_ylim(-1.62, 1.62)
    unnamed = total = 0
    for wedge in wedges(tree):
        inner, outer = _RINGS[wedge.ring]
        share = _LIGHTER[wedge.ring]
        colour = [part + (1 - part) * share for part in to_rgb(_COLOURS[wedge.colour % len(_COLOURS)])]
        # Matplotlib's angles run against the clock from the right.
        angles = (90 - wedge.end, 90 - wedge.start)
        axes.add_patch(Patch((0, 0), outer, *angles, width=outer - inner, facecolor=colour, edgecolor="white", lw=0.8))
        middle, lines = (wedge.start + wedge.end) / 2, int((wedge.end - wedge.start) / _DEGREES[wedge.ring])
        x, y = sin(radians(middle)), cos(radians(middle))
        turn = 90 - middle if middle <= 180 else 270 - middle
        centre = (inner + outer) / 2
        total += wedge.count if wedge.ring == 0 else 0
        if not lines:
            unnamed += wedge.ring == 2
            continue
        text = fit(wedge.name, _LETTERS[wedge.ring], lines if wedge.ring < 2 else 1)
        if wedge.ring == 0:
            wide = lines > 5
            axes.text(
                x * centre, y * centre, f"{text}\n{wedge.count:,}" if wide else text, rotation=0 if wide else turn,
                ha="center", va="center", color="white", fontsize=12 if wide else 9, fontweight="bold",
            )  # fmt: skip
        elif wedge.ring == 1:
            axes.text(x * centre, y * centre, text, rotation=turn, ha="center", va="center", fontsize=7.5)
        else:
            text = f"{text}  {wedge.count:,}" if middle <= 180 else f"{wedge.count:,}  {text}"
            axes.text(
                x * 1.02, y * 1.02, text, rotation=turn, rotation_mode="anchor", va="center",
                ha="left" if middle <= 180 else "right", fontsize=8.5,
            )  # fmt: skip
    axes.text(0, 0, f"{total:,}\ninstructions", ha="center", va="center", fontsize=13, fontweight="bold")
    told = "task → domain → source, by instructions"
    if unnamed:
        told += f"; {unnamed} small sources without a name, see stats.json"
    axes.text(0, -1.58, told, ha="center", va="bottom", fontsize=9, color="#555555")


def fit(name: str, letters: int, lines: int) -> str:
    """A name on at most so many lines of so many letters, Chinese ones counting twice; cut where it is longer.

    >>> fit("disasters and rescue", 16, 2), fit("disasters and rescue", 16, 1), fit("灾害与救援", 6, 1)
    ('disasters and\\nrescue', 'disasters and r…', '灾害…')
    """
    parts = textwrap.wrap(name, letters) if lines > 1 else [name]
    if len(parts) > lines:
        parts = [*parts[: lines - 1], " ".join(parts[lines - 1 :])]
    return "\n".join(_cut(part, letters) for part in parts)


def _cut(name: str, letters: int) -> str:
    widths = list(accumulate(1 + (east_asian_width(letter) in "WF") for letter in name))
    if not widths or widths[-1] <= letters:
        return name
    return name[: sum(width < letters for width in widths)] + "…"
