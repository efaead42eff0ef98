"""The quickstart from end to end: sentences → rows → model → answers → scores → card."""

import json
import shutil
import time
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

from ..data.arguments import DataArguments
from ..errors import TrainerError
from ..run_folder import is_finished, read_run, write_run
from .corpus import UNSEEN_SUFFIX, write_corpus
from .recipe import Recipe

TASKS = ("NER", "RE")
NAMES = {"before": "before training", "test": "unseen sentences", "unseen_names": "unseen names"}
_ANSWERING = {
    "before": "answering before training",
    "test": "answering unseen sentences",
    "unseen_names": "answering sentences with unseen names",
}

Rows = list[dict[str, Any]]
Tell = Callable[[str, Any], None]


@dataclass(frozen=True)
class Outcome:
    """What a quickstart found out.

    Attributes:
        folder: The run folder.
        scores: `scores.json`: {"before" | "test" | "unseen_names": {task: scores}}.
        record: `run.json`.
    """

    folder: Path
    scores: dict[str, Any]
    record: dict[str, Any]

    @property
    def f1(self) -> dict[str, float]:
        """F1 over all tasks together, per split, between 0 and 1."""
        return {split: overall_f1(by_task.values()) for split, by_task in self.scores.items()}


def overall_f1(scores: Iterable[dict[str, Any]]) -> float:
    """Micro F1 of several tasks, from their counts.

    >>> overall_f1([{"tp": 3, "fp": 1, "fn": 0}, {"tp": 0, "fp": 0, "fn": 1}])
    0.75
    """
    tp, fp, fn = (sum(each) for each in zip(*((one["tp"], one["fp"], one["fn"]) for one in scores)))
    return float(2 * tp / (2 * tp + fp + fn))


def found_in(folder: Path) -> Outcome | None:
    """The outcome of an earlier quickstart, None where none ended."""
    if not (is_finished(folder) and (folder / "scores.json").is_file()):
        return None
    return Outcome(folder, json.loads((folder / "scores.json").read_text("utf-8")), read_run(folder))


def quickstart(
    out: Path | str = "runs/quickstart",
    overwrite: bool = False,
    seed: int = 42,
    recipe: Recipe = Recipe(),  # noqa: B008 - frozen
    tell: Tell = lambda what, value: None,
) -> Outcome:
    """Make a corpus, train a model on it from scratch, and score it; no network is needed.

    Everything is written beside `out` first and moved there at the end: whatever interrupts it, no folder is
    left that looks finished, and what was there before stays until then.

    Args:
        out: The run folder to write.
        overwrite: Replace the run that is there; otherwise that one is returned.
        seed: Draws sentences, initial weights and the order of rows.
        recipe: How much of everything.
        tell: Called as things happen: ("rows", rows), ("before" | "test" | "unseen_names", answered rows),
            ("step", (step, steps, loss)), ("stage", text).

    Returns:
        The scores and the record, which also lie in `out` beside weights, tokenizer, answers, picture and card.

    Raises:
        TrainerError: `out` holds something else than a run.
    """
    out = Path(out)
    if not overwrite and (there := found_in(out)):
        return there
    if out.exists() and not is_finished(out) and (not out.is_dir() or any(out.iterdir())):
        raise TrainerError(f"{out} is there, but is no finished run (give another --out, or remove it)")
    work = out.with_name(out.name + ".unfinished")
    shutil.rmtree(work, ignore_errors=True)
    try:
        _make(work, out, seed, recipe, tell)
        if out.exists():
            shutil.rmtree(out)
        work.rename(out)
    finally:
        shutil.rmtree(work, ignore_errors=True)
    done = found_in(out)
    assert done is not None
    return done


def _make(work: Path, out: Path, seed: int, recipe: Recipe, tell: Tell) -> None:
    from iepile_cards import write_model_card

    from ..data.load import load_rows
    from ..models.scratch import new_model
    from ..models.scratch_tokenizer import learn_tokenizer
    from ..predict import predict
    from ..training.plot import draw_curve

    start = time.perf_counter()
    tell("stage", "writing sentences")
    write_corpus(work / "corpus", recipe.train, recipe.test, seed)
    data = DataArguments(task=list(TASKS), data_dir=str(work / "corpus"))
    data.seed = seed
    train_rows, test_rows = load_rows(data, "train"), load_rows(data, "test").to_list()
    splits = {
        "test": [row for row in test_rows if not row["source"].endswith(UNSEEN_SUFFIX)],
        "unseen_names": [row for row in test_rows if row["source"].endswith(UNSEEN_SUFFIX)],
    }
    tell("rows", train_rows)
    tokenizer = learn_tokenizer(train_rows, recipe.vocabulary)
    # With Muon for the matrices, weights start smaller than AdamW alone needs them.
    model = new_model(tokenizer, recipe.hidden, recipe.layers, 1024, seed, feed_forward=2, initial_range=0.04)
    answer = partial(predict, model, tokenizer, batch_size=256, max_new_tokens=recipe.longest)

    scores, answers = {}, {}
    for split, after in (("before", "test"), ("test", "test"), ("unseen_names", "unseen_names")):
        if split == "test":
            tell("stage", "training")
            record = _train(model, tokenizer, train_rows, data, work, seed, recipe, tell)
        tell("stage", _ANSWERING[split])
        answers[split] = list(answer(splits[after]))
        scores[split] = _scores(answers[split])
        tell(split, answers[split])
    _write_rows(work / "predictions.jsonl", answers["test"])
    _write_rows(work / "predictions_unseen_names.jsonl", answers["unseen_names"])
    (work / "scores.json").write_text(json.dumps(scores, ensure_ascii=False, indent=2) + "\n", "utf-8")
    record["name"] = out.resolve().name
    for entry in record["data"]:  # where it will be in a moment
        entry["options"]["data_dir"] = str(out / "corpus")
    (work / "started.json").unlink(missing_ok=True)
    record["quickstart_seconds"] = round(time.perf_counter() - start, 1)
    write_run(work, record)
    draw_curve(work, record["history"], scores, names=NAMES)
    write_model_card(work)


def _train(
    model: Any, tokenizer: Any, rows: Any, data: DataArguments, work: Path, seed: int, recipe: Recipe, tell: Tell
) -> dict[str, Any]:
    from trl import SFTConfig

    from ..sft import train
    from ..training.progress import ProgressLines
    from .compact import answers_only
    from .muon import muon_for_matrices

    config = SFTConfig(
        output_dir=str(work),
        max_steps=recipe.steps,
        per_device_train_batch_size=recipe.batch,
        learning_rate=recipe.learning_rate,
        adam_beta2=0.98,
        lr_scheduler_type="linear",
        warmup_steps=0.05,
        max_length=512,
        logging_steps=25,
        save_strategy="no",
        report_to="none",
        disable_tqdm=True,
        activation_checkpointing=False,
        bf16=False,
        seed=seed,
        use_cpu=True,
    )
    steps = ProgressLines(lambda moment: tell("step", (moment.step, moment.steps, moment.loss)))
    callbacks = [muon_for_matrices(recipe.matrix_learning_rate), steps]
    with answers_only():
        record = train(model, tokenizer, rows, config, data, callbacks=callbacks)
    record["options"] |= {
        "optim": f"muon for matrices, {record['options']['optim']} for the rest",
        "matrix_learning_rate": recipe.matrix_learning_rate,
        "adam_beta2": config.adam_beta2,
    }
    return record


def _scores(rows: Rows) -> dict[str, Any]:
    from iepile_metric import score

    return {task.lower(): score(row for row in rows if row["task"] == task) for task in TASKS}


def _write_rows(path: Path, rows: Rows) -> None:
    path.write_text("".join(json.dumps(row, ensure_ascii=False) + "\n" for row in rows), "utf-8")
