"""The picture of a training: loss and F1 as they move, and the scores where there are any."""

from collections.abc import Mapping
from functools import partial
from itertools import cycle
from pathlib import Path
from types import MappingProxyType
from typing import Any

Series = dict[str, list[tuple[int, float]]]
"""Points, (step, value), by what they are called."""

_COLOURS = ("#3b6ea8", "#c8553d", "#4f9d69", "#8a5a9e", "#b8860b", "#3c8d93", "#7a7a7a")


def draw_curve(
    folder: Path | str,
    history: list[dict[str, Any]],
    scores: dict[str, Any],
    best: dict[str, Any] | None = None,
    names: Mapping[str, str] = MappingProxyType({}),
) -> Path:
    """Draw `curve.png` into a run folder; light, one panel for each thing that there is to see.

    Args:
        folder: The run folder.
        history: Entries of the run record: `step` with `loss`, or with `eval_loss`, `eval_<task>_loss`,
            `eval_<task>_f1` (between 0 and 1).
        scores: {split: {task: scores}} with `f1` between 0 and 1 and perhaps its `interval`, [low, high].
        best: The evaluation whose weights were kept, see `monitoring.best_of`.
        names: What splits are called in the picture.

    Returns:
        The path of the picture.
    """
    from matplotlib.figure import Figure

    named = {names.get(split, split): by_task for split, by_task in scores.items()}
    f1 = _series(history, "_f1", "F1")
    panels = [partial(_losses, history=history)]
    panels += [partial(_scores_over_steps, f1=f1)] if f1 else []
    panels += [partial(_bars, scores=named)] if scores else []
    figure = Figure(figsize=(4.6 * len(panels) - 0.2, 3.6), dpi=120, layout="constrained", facecolor="white")
    for axes, panel in zip(figure.subplots(1, len(panels), squeeze=False)[0], panels):
        panel(axes)
        axes.spines[["top", "right"]].set_visible(False)
        axes.set_facecolor("white")
        if best and panel.func is not _bars:
            axes.axvline(best["step"], color="#999999", linewidth=1, linestyle=":", zorder=0)
    path = Path(folder) / "curve.png"
    figure.savefig(path, metadata={"Software": None})
    return path


def _series(history: list[dict[str, Any]], suffix: str, name: str) -> Series:
    """Points by task, of the keys `eval_<task><suffix>`; where there are none those of `eval<suffix>`, as `name`."""
    series: Series = {}
    for entry in history:
        for key, value in entry.items():
            if key.startswith("eval_") and key.endswith(suffix) and key != f"eval{suffix}":
                series.setdefault(key[len("eval_") : -len(suffix)].upper(), []).append((entry["step"], value))
    return series or _points(history, f"eval{suffix}", name)


def _points(history: list[dict[str, Any]], key: str, name: str) -> Series:
    points = [(entry["step"], entry[key]) for entry in history if key in entry]
    return {name: points} if points else {}


def _losses(axes: Any, history: list[dict[str, Any]]) -> None:
    training, evaluated = _points(history, "loss", "training"), _series(history, "_loss", "validation")
    for points in training.values():
        axes.plot(*zip(*points), color="#b9c3cf" if evaluated else _COLOURS[0], label="training")
    _plot(axes, evaluated)
    values = [value for points in [*training.values(), *evaluated.values()] for _, value in points]
    scale = "log" if values and 0 < 10 * min(values) < max(values) else "linear"
    axes.set(title="Loss", xlabel="step", ylabel="nats per answer token", yscale=scale)
    if evaluated:
        axes.legend(fontsize=8, frameon=False)


def _scores_over_steps(axes: Any, f1: Series) -> None:
    _plot(axes, f1)
    axes.set(title="F1 of the validation sample", xlabel="step", ylim=(-0.02, 1.03))
    axes.grid(axis="y", color="#eeeeee")
    axes.legend(fontsize=8, frameon=False)


def _plot(axes: Any, series: Series) -> None:
    for colour, (name, points) in zip(cycle(_COLOURS[1:]), series.items()):
        axes.plot(*zip(*points), color=colour, marker=".", label=name)


def _bars(axes: Any, scores: dict[str, Any]) -> None:
    tasks = sorted({task for by_task in scores.values() for task in by_task})
    width = 0.8 / max(len(scores), 1)
    for number, (split, by_task) in enumerate(scores.items()):
        places = [place + (number - (len(scores) - 1) / 2) * width for place in range(len(tasks))]
        heights = [by_task[task]["f1"] if task in by_task else 0.0 for task in tasks]
        bars = axes.bar(places, heights, width, label=split, color=_COLOURS[number % len(_COLOURS)])
        for place, task in zip(places, tasks):
            if "interval" in by_task.get(task, {}):
                axes.vlines(place, *by_task[task]["interval"], color="#444444", linewidth=1)
        axes.bar_label(bars, [f"{height:.2f}" for height in heights], fontsize=8, padding=3)
    axes.set(title="F1", ylim=(0, 1.15), xticks=range(len(tasks)), xticklabels=[task.upper() for task in tasks])
    axes.legend(loc="upper center", bbox_to_anchor=(0.5, -0.1), ncols=3, fontsize=8, frameon=False)
