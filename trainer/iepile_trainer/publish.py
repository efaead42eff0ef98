"""Scores of a run's answers, beside the run, and the card that is written from them."""

import json
from collections.abc import Iterable
from pathlib import Path
from typing import Any

from . import TrainerError
from .runs import is_finished

SCORES = "scores.json"


def add_scores(run_dir: Path | str, files: Iterable[Path | str]) -> dict[str, Any]:
    """Score files of answers and keep the figures in the run's `scores.json`.

    Args:
        run_dir: A finished run folder.
        files: What `iepile predict` wrote; the split stands in the rows' ids, the file's name where they have none.

    Returns:
        `{split: {task: scores}}`, the splits scored before among them.

    Raises:
        TrainerError: The folder is no run, or a file cannot be scored.
    """
    from iepile_metric import score
    from iepile_metric.files import rows_of

    folder = Path(run_dir)
    if not is_finished(folder):
        raise TrainerError(f"{folder} is no finished run (train one first)")
    path = folder / SCORES
    scores: dict[str, Any] = json.loads(path.read_text("utf-8")) if path.is_file() else {}
    for file in files:
        try:
            rows, _ = rows_of(file)
            by_split: dict[str, list[dict[str, Any]]] = {}
            for row in rows:
                by_split.setdefault(split_of(row, Path(file).stem), []).append(row)
            for split, mine in by_split.items():
                found = score(mine)
                scores[split] = {**scores.get(split, {}), **(found.get("tasks") or {found["task"]: found})}
        except ValueError as problem:
            raise TrainerError(str(problem)) from None
    path.write_text(json.dumps(scores, ensure_ascii=False, indent=2) + "\n", "utf-8")
    return scores


def split_of(row: dict[str, Any], otherwise: str) -> str:
    """The split that a row's id names.

    >>> split_of({"id": "en/NER/city_news/test:3"}, "answers"), split_of({}, "answers")
    ('test', 'answers')
    """
    place, _, line = str(row.get("id") or "").rpartition(":")
    return place.rpartition("/")[2] if place.count("/") == 3 and line.isdigit() else otherwise
