"""Scores of a run's answers with their intervals, beside the run, and the card that is written from them."""

import json
from collections.abc import Iterable
from functools import partial
from pathlib import Path
from typing import Any

from iepile_dataset.atomic import json_text, write_file

from .errors import TrainerError
from .run_folder import is_finished, read_object, read_run

__all__ = ["add_scores", "answer_split", "read_scores", "renew", "split_of", "write_lines", "write_scores"]

SCORES = "scores.json"
ANSWERS = "predictions.jsonl"

_RESAMPLES = 2_000


def add_scores(run_dir: Path | str, files: Iterable[Path | str]) -> dict[str, Any]:
    """Score files of answers and keep the figures in the run's `scores.json`.

    Args:
        run_dir: A finished run folder.
        files: What `iepile predict` wrote; the split stands in the rows' ids, the file's name where they have none.

    Returns:
        `{split: {task: scores}}`, the splits scored before among them; beside the F1 of a task and of each of
        its sources stands its `interval`, [low, high].

    Raises:
        TrainerError: The folder is no run, or a file cannot be scored.
    """
    from iepile_metric.files import rows_of

    folder = Path(run_dir)
    if not is_finished(folder):
        raise TrainerError(f"{folder} is no finished run (train one first)")
    scores = read_scores(folder)
    for file in files:
        try:
            rows, _ = rows_of(file)
            by_split: dict[str, list[dict[str, Any]]] = {}
            for row in rows:
                by_split.setdefault(split_of(row, Path(file).stem), []).append(row)
            for split, its_rows in by_split.items():
                scores[split] = {**scores.get(split, {}), **scored(its_rows)}
        except ValueError as problem:
            raise TrainerError(str(problem)) from None
    write_scores(folder, scores)
    return scores


def scored(rows: Iterable[dict[str, Any]], resamples: int = _RESAMPLES) -> dict[str, Any]:
    """Scores by task, with 95 % intervals of F1: the records are drawn anew, so many times.

    >>> gold = '[{"entity": "Ulm", "entity_type": "city"}]'
    >>> scores = scored([{"task": "NER", "output": '{"city": ["Ulm"]}', "label": gold}] * 3)
    >>> scores["ner"]["f1"], scores["ner"]["interval"]
    (1.0, [1.0, 1.0])

    Raises:
        ValueError: There is nothing to score.
    """
    from iepile_metric import Accumulator, intervals
    from iepile_metric.bootstrap import Counted

    counted = Counted()
    result = Accumulator(watch=counted).extend(rows).result()
    tasks: dict[str, Any] = result.get("tasks") or {result["task"]: result}
    for task, spread in intervals(counted, resamples).items():
        scores = tasks.get(task, {})
        scores["interval"] = spread["f1"]
        for source, low_high in spread["sources"].items():
            scores["sources"][source]["interval"] = low_high
        scores["definitions"]["interval"] = (
            f"{spread['level']:.0%} of F1: percentile bootstrap over records, {resamples:,} resamples"
        )
    return tasks


def answer_split(run_dir: Path | str, rows: Any, batch_size: int = 32, max_new_tokens: int = 256) -> dict[str, Any]:
    """Answer rows with the model of a run, each process its share, and write answers, scores, picture and card.

    Args:
        run_dir: A finished run folder.
        rows: A `datasets.Dataset` of rows, the same in every process.
        batch_size: Prompts answered together.
        max_new_tokens: Longest answer.

    Returns:
        `scores.json`, see `add_scores`.

    Raises:
        TrainerError: The rows cannot be scored.
    """
    from accelerate import PartialState
    from accelerate.utils import gather_object
    from tqdm import tqdm  # type: ignore[import-untyped]

    from .models.load import load
    from .training.evaluate import answers_by_place

    folder, state = Path(run_dir), PartialState()
    model, tokenizer = load(str(folder))
    share = range(state.process_index, len(rows), state.num_processes)
    bar = partial(tqdm, desc="Answering", total=len(share), unit="row", disable=None if state.is_main_process else True)
    parts = gather_object([answers_by_place(model, tokenizer, rows, share, batch_size, max_new_tokens, bar)])
    if state.is_main_process:
        answers = {place: answer for part in parts for place, answer in part.items()}
        write_lines(folder / ANSWERS, ({**row, **answers[place]} for place, row in enumerate(rows)))
        add_scores(folder, [folder / ANSWERS])
        renew(folder)
    state.wait_for_everyone()
    return read_scores(folder)


def renew(run_dir: Path | str) -> None:
    """Draw the picture and write the card of a run again, from what its folder now holds."""
    from iepile_cards import write_model_card

    from .training.plot import draw_curve

    folder, record = Path(run_dir), read_run(run_dir)
    if record["history"]:
        draw_curve(folder, record["history"], read_scores(folder), record.get("best"))
    write_model_card(folder)


def read_scores(folder: Path) -> dict[str, Any]:
    """The scores of a run, see `add_scores`; empty where it has none."""
    path = folder / SCORES
    return read_object(path, "", "score the run again") if path.is_file() else {}


def write_scores(folder: Path, scores: dict[str, Any]) -> None:
    """Write the scores of a run."""
    write_file(folder / SCORES, json_text(scores))


def write_lines(path: Path, rows: Iterable[Any]) -> None:
    """Write JSON lines."""
    write_file(path, "".join(json.dumps(row, ensure_ascii=False) + "\n" for row in rows))


def split_of(row: dict[str, Any], otherwise: str) -> str:
    """The split that a row's id names.

    >>> split_of({"id": "en/NER/city_news/test:3"}, "answers"), split_of({}, "answers")
    ('test', 'answers')
    """
    place, _, line = str(row.get("id") or "").rpartition(":")
    return place.rpartition("/")[2] if place.count("/") == 3 and line.isdigit() else otherwise
