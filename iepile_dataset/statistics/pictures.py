"""Statistics as files: numbers, two pictures, and a page that holds all of it."""

import base64
import io
from collections.abc import Callable
from importlib import resources
from pathlib import Path
from typing import TYPE_CHECKING, Any

import jinja2

from ..atomic import json_text, write_file
from .fonts import families
from .histograms import draw_histograms, panels
from .stats import Statistics
from .sunburst import draw_sunburst, tree

if TYPE_CHECKING:
    from matplotlib.figure import Figure

__all__ = ["write_statistics"]

FILES = ("stats.json", "sunburst.png", "lengths.png", "stats.html")

_DPI = 150


def write_statistics(counted: Statistics, folder: Path, fonts: list[str] | None = None, with_page: bool = True) -> None:
    """Write `stats.json`, `sunburst.png`, `lengths.png` and `stats.html`, a page that needs no other file.

    Args:
        counted: What `stats.statistics` counted.
        folder: Where to; other files there are left alone.
        fonts: Families to draw with; None takes `fonts.families()`.
        with_page: Whether to write the page, which speaks of a corpus.

    Raises:
        DataError: matplotlib is not installed.
    """
    report = counted.report()
    fonts = fonts or families()
    histograms = panels(counted)
    pictures = {}
    if report["total"]["instructions"]:
        shown = tree(counted, fonts)
        pictures["sunburst"] = _png((10, 10), fonts, lambda figure: draw_sunburst(figure, shown))
    if histograms:
        size = (10, 2.6 * len(histograms) + 0.4)
        pictures["lengths"] = _png(size, fonts, lambda figure: draw_histograms(figure, histograms))
    write_file(folder / "stats.json", json_text(report))
    for name, content in pictures.items():
        write_file(folder / f"{name}.png", content)
    if with_page:
        write_file(folder / "stats.html", _page(report, pictures))


def _png(size: tuple[float, float], fonts: list[str], draw: Callable[["Figure"], None]) -> bytes:
    from matplotlib import rc_context
    from matplotlib.figure import Figure

    out = io.BytesIO()
    # A figure of its own, not pyplot's: nothing stays open, and no window system is asked for.
    with rc_context({"font.family": fonts, "axes.unicode_minus": False}):
        figure = Figure(size)
        draw(figure)
        figure.savefig(out, format="png", dpi=_DPI, metadata={"Software": None})
    return out.getvalue()


def _page(report: dict[str, Any], pictures: dict[str, bytes]) -> str:
    environment = jinja2.Environment(autoescape=True, trim_blocks=True, lstrip_blocks=True)
    template = resources.files(__package__).joinpath("stats.html.jinja").read_text("utf-8")
    inline = {name: base64.b64encode(content).decode() for name, content in pictures.items()}
    return environment.from_string(template).render(report=report, pictures=inline)
