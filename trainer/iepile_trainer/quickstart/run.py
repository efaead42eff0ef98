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

_ENOUGH = 5000  # rows to learn a tokenizer from

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
            ("step", a `Moment`), ("stage", text).

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
    from datasets import concatenate_datasets

    from iepile_cards import write_model_card

    from ..data.load import load_rows, manifest
    from ..formats import use_format
    from ..models.scratch import new_model
    from ..models.scratch_tokenizer import learn_tokenizer
    from ..predict import predict
    from ..tokenization.encode import encode
    from ..training.plot import draw_curve
    from ..training.progress import ProgressLines
    from .copying import start_copying
    from .learn import learn

    start = time.perf_counter()
    tell("stage", "writing sentences")
    write_corpus(work / "corpus", recipe.train, recipe.test, seed)
    # A part of the questions asks for two labels, not for all: somebody may want to know no more.
    all_labels, two_labels = _data(work, seed), _data(work, seed, split_num=2, max_rows=recipe.train)
    parts = [load_rows(data, "train", data.max_rows) for data in (all_labels, two_labels)]
    train_rows, test_rows = concatenate_datasets(parts), load_rows(all_labels, "test").to_list()
    splits = {
        "test": [row for row in test_rows if not row["source"].endswith(UNSEEN_SUFFIX)],
        "unseen_names": [row for row in test_rows if row["source"].endswith(UNSEEN_SUFFIX)],
    }
    tell("rows", train_rows)
    tokenizer = learn_tokenizer(train_rows.shuffle(seed=seed).take(_ENOUGH), recipe.vocabulary, letters=20)
    prompt_format = use_format(tokenizer)
    encoded, lengths = encode(train_rows, tokenizer, max_length=512)
    # With Muon for the matrices, weights start smaller than AdamW alone needs them.
    shape: dict[str, Any] = {"feed_forward": 2, "initial_range": 0.04, "attention_bias": True}
    model = new_model(tokenizer, recipe.hidden, recipe.layers, 1024, seed, **shape)
    start_copying(model)
    answer = partial(predict, model, tokenizer, batch_size=256, max_new_tokens=recipe.longest)

    scores, answers = {}, {}
    for split, after in (("before", "test"), ("test", "test"), ("unseen_names", "unseen_names")):
        if split == "test":
            tell("stage", "training")
            steps = ProgressLines(partial(tell, "step"))
            record = learn(model, tokenizer, encoded, work, seed, recipe, [steps])
        tell("stage", _ANSWERING[split])
        answers[split] = list(answer(splits[after]))
        scores[split] = _scores(answers[split])
        tell(split, answers[split])
    write_rows(work / "predictions.jsonl", answers["test"])
    write_rows(work / "predictions_unseen_names.jsonl", answers["unseen_names"])
    (work / "scores.json").write_text(json.dumps(scores, ensure_ascii=False, indent=2) + "\n", "utf-8")
    record |= {"name": out.resolve().name, "method": "full", "prompt_format": prompt_format, "seed": seed}
    first, second = encoded.select(range(len(parts[0]))), encoded.select(range(len(parts[0]), len(encoded)))
    record["data"] = manifest(first, all_labels, "train") + manifest(second, two_labels, "train")
    record["lengths"] = lengths.as_dict()
    for entry in record["data"]:  # where it will be in a moment
        entry["options"]["data_dir"] = str(out / "corpus")
    record["quickstart_seconds"] = round(time.perf_counter() - start, 1)
    write_run(work, record)
    draw_curve(work, record["history"], scores, names=NAMES)
    write_model_card(work)


def _data(work: Path, seed: int, **options: Any) -> DataArguments:
    # Most sentences hold no relation: it does not take as many to learn that.
    data = DataArguments(task=list(TASKS), data_dir=str(work / "corpus"), max_empty=0.15, **options)
    data.seed = seed
    return data


def _scores(rows: Rows) -> dict[str, Any]:
    from iepile_metric import score

    return {task.lower(): score(row for row in rows if row["task"] == task) for task in TASKS}


def write_rows(path: Path, rows: Rows) -> None:
    """Write rows as JSON lines."""
    path.write_text("".join(json.dumps(row, ensure_ascii=False) + "\n" for row in rows), "utf-8")
