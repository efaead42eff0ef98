"""The picture of a training: loss and F1 as they move, and the scores where there are any."""

from collections.abc import Mapping
from pathlib import Path
from types import MappingProxyType
from typing import Any

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

    f1 = _series(history, "_f1") or _series(history, "eval_f1", "F1")
    panels: list[Any] = [_losses, *([_scores_over_steps] if f1 else []), *([_bars] if scores else [])]
    named = {names.get(split, split): by_task for split, by_task in scores.items()}
    figure = Figure(figsize=(4.6 * len(panels) - 0.2, 3.6), dpi=120, layout="constrained", facecolor="white")
    for axes, panel in zip(figure.subplots(1, len(panels), squeeze=False)[0], panels):
        panel(axes, history if panel is not _bars else named)
        axes.spines[["top", "right"]].set_visible(False)
        axes.set_facecolor("white")
        if best and panel is not _bars:
            axes.axvline(best["step"], color="#999999", linewidth=1, linestyle=":", zorder=0)
    path = Path(folder) / "curve.png"
    figure.savefig(path, metadata={"Software": None})
    return path


def _series(history: list[dict[str, Any]], suffix: str, name: str = "") -> dict[str, list[tuple[int, float]]]:
    """Points by task, of the keys `eval_<task><suffix>`; of the key `suffix` itself under a name that is given."""
    found: dict[str, list[tuple[int, float]]] = {}
    for entry in history:
        for key, value in entry.items():
            task = key.removeprefix("eval_").removesuffix(suffix)
            mine = key == suffix if name else key == f"eval_{task}{suffix}" and task
            if mine and isinstance(value, (int, float)):
                found.setdefault(name or task, []).append((entry["step"], value))
    return found


def _losses(axes: Any, history: list[dict[str, Any]]) -> None:
    lines = _series(history, "loss", "training")
    evaluated = _series(history, "_loss") or _series(history, "eval_loss", "validation")
    for at, (name, points) in enumerate({**lines, **evaluated}.items()):
        quiet = name == "training" and evaluated
        marker = None if name == "training" else "."
        axes.plot(
            *zip(*points), color="#b9c3cf" if quiet else _COLOURS[at % len(_COLOURS)], marker=marker, label=_name(name)
        )
    values = [value for points in {**lines, **evaluated}.values() for _, value in points]
    scale = "log" if values and 0 < 10 * min(values) < max(values) else "linear"
    axes.set(title="Loss", xlabel="step", ylabel="nats per answer token", yscale=scale)
    if evaluated:
        axes.legend(fontsize=8, frameon=False)


def _scores_over_steps(axes: Any, history: list[dict[str, Any]]) -> None:
    lines = _series(history, "_f1") or _series(history, "eval_f1", "F1")
    for at, (name, points) in enumerate(lines.items(), 1):
        axes.plot(*zip(*points), color=_COLOURS[at % len(_COLOURS)], marker=".", label=_name(name))
    axes.set(title="F1 of the validation sample", xlabel="step", ylim=(-0.02, 1.03))
    axes.grid(axis="y", color="#eeeeee")
    axes.legend(fontsize=8, frameon=False)


def _bars(axes: Any, scores: dict[str, Any]) -> None:
    tasks = sorted({task for by_task in scores.values() for task in by_task})
    width = 0.8 / max(len(scores), 1)
    for at, (split, by_task) in enumerate(scores.items()):
        places = [place + (at - (len(scores) - 1) / 2) * width for place in range(len(tasks))]
        heights = [by_task[task]["f1"] if task in by_task else 0.0 for task in tasks]
        bars = axes.bar(places, heights, width, label=split, color=_COLOURS[at % len(_COLOURS)])
        for place, task in zip(places, tasks):
            if "interval" in by_task.get(task, {}):
                axes.vlines(place, *by_task[task]["interval"], color="#444444", linewidth=1)
        axes.bar_label(bars, [f"{height:.2f}" for height in heights], fontsize=8, padding=3)
    axes.set(title="F1", ylim=(0, 1.15), xticks=range(len(tasks)), xticklabels=[task.upper() for task in tasks])
    axes.legend(loc="upper center", bbox_to_anchor=(0.5, -0.1), ncols=3, fontsize=8, frameon=False)


def _name(task: str) -> str:
    return task if task in ("training", "validation", "F1") else task.upper()
