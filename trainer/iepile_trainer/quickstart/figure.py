"""The picture of a quickstart: the loss as it falls, F1 before and after."""

from pathlib import Path
from typing import Any

NAMES = {"before": "before training", "test": "unseen sentences", "unseen_names": "unseen names"}


def draw_curve(folder: Path, history: list[dict[str, Any]], scores: dict[str, Any]) -> Path:
    """Draw `curve.png` into a run folder.

    Args:
        folder: The run folder.
        history: Entries of the run record with `step` and `loss`.
        scores: {split: {task: scores}} with `f1` between 0 and 1.

    Returns:
        The path of the picture.
    """
    from matplotlib.figure import Figure

    figure = Figure(figsize=(9, 3.6), dpi=120, layout="constrained")
    left, right = figure.subplots(1, 2)
    points = [(entry["step"], entry["loss"]) for entry in history if "loss" in entry]
    left.plot([step for step, _ in points], [loss for _, loss in points], color="#3b6ea8")
    left.set(title="Training loss", xlabel="step", ylabel="nats per answer token", yscale="log")
    tasks = sorted({task for by_task in scores.values() for task in by_task})
    width = 0.8 / max(len(scores), 1)
    for at, (split, by_task) in enumerate(scores.items()):
        places = [place + (at - (len(scores) - 1) / 2) * width for place in range(len(tasks))]
        heights = [by_task[task]["f1"] if task in by_task else 0.0 for task in tasks]
        bars = right.bar(places, heights, width, label=NAMES.get(split, split))
        right.bar_label(bars, [f"{height:.2f}" for height in heights], fontsize=8)
    right.set(title="F1", ylim=(0, 1.15), xticks=range(len(tasks)), xticklabels=[task.upper() for task in tasks])
    right.legend(loc="upper center", bbox_to_anchor=(0.5, -0.1), ncols=3, fontsize=8, frameon=False)
    for axes in (left, right):
        axes.spines[["top", "right"]].set_visible(False)
    path = folder / "curve.png"
    figure.savefig(path, metadata={"Software": None})
    return path
