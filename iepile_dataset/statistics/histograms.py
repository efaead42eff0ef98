"""Lengths of texts, instructions and answers as histograms, by language."""

from collections import Counter
from typing import TYPE_CHECKING

from .figures import percentile, quantiles
from .stats import Statistics

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

_LANGUAGES = {"en": ("English", "#3b6ea5"), "zh": ("Chinese", "#d08a4e")}
_BINS = 40
_PANELS = {
    "text_characters": "Texts, characters",
    "text_tokens": "Texts, tokens",
    "instruction_characters": "Instructions, characters",
    "answer_characters": "Answers, characters",
}

Lengths = dict[str, Counter[int]]
"""Language → length → how many have it."""


def panels(counted: Statistics) -> dict[str, Lengths]:
    """Title → what its histogram shows; texts count once, however many tasks read them. Empty ones are left out."""
    rows = counted.by(lambda cell: cell.source.language)
    every = {
        title: {
            language: getattr(part, name)
            for language, part in (counted.texts if name.startswith("text") else rows).items()
            if getattr(part, name)
        }
        for name, title in _PANELS.items()
    }
    return {title: lengths for title, lengths in every.items() if lengths}


def draw_histograms(figure: "Figure", panels: dict[str, Lengths]) -> None:
    """Draw one histogram a panel, below each other, on an empty figure."""
    figure.set_layout_engine("constrained", w_pad=0.12, h_pad=0.08)
    for place, (title, lengths) in enumerate(panels.items()):
        _draw(figure.add_subplot(len(panels), 1, place + 1), title, lengths, place == 0)


def bins(lengths: Lengths, count: int = _BINS) -> list[int]:
    """The edges of bins of equal width that hold 99 % of the lengths; the last one takes all that are longer.

    >>> bins({"en": Counter({1: 99, 1000: 1})}, count=4)
    [1, 2]
    >>> bins({"en": Counter(range(100))}, count=4)
    [0, 25, 50, 75, 100]
    """
    together = sum(lengths.values(), Counter[int]())
    least, longest = min(together), percentile(together, 99)
    width = max(1, -(-(longest + 1 - least) // count))
    return list(range(least, longest + width + 1, width))


def _draw(axes: "Axes", title: str, lengths: Lengths, legend: bool) -> None:
    edges, together = bins(lengths), sum(lengths.values(), Counter[int]())
    named = [_LANGUAGES.get(language, (language, "#777777")) for language in lengths]
    axes.hist(
        [[min(length, edges[-1] - 1) for length in part] for part in lengths.values()],
        bins=edges,
        weights=[list(part.values()) for part in lengths.values()],
        stacked=True,
        label=[name for name, _ in named],
        color=[colour for _, colour in named],
        edgecolor="white",
        linewidth=0.4,
    )
    facts = quantiles(together) or {}
    for name, style, label in (("median", "-", "median"), ("p95", "--", "95 %")):
        axes.axvline(facts[name], color="#333333", lw=1, ls=style, label=label)
    words = f"{facts['count']:,} in all; median {facts['median']:,}, 95 % up to {facts['p95']:,}"
    words += f", longest {facts['max']:,}"
    if longer := sum(number for length, number in together.items() if length >= edges[-1]):
        words += f"; {longer:,} longer ones in the last bar"
    axes.set_title(title, loc="left", fontsize=11, fontweight="bold")
    axes.set_title(words, loc="right", fontsize=8.5, color="#555555")
    axes.spines[["top", "right"]].set_visible(False)
    axes.tick_params(labelsize=9)
    axes.margins(x=0.01)
    axes.yaxis.set_major_formatter("{x:,.0f}")
    axes.xaxis.set_major_formatter("{x:,.0f}")
    if legend:
        axes.legend(frameon=False, fontsize=9)
