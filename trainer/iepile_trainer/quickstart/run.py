"""The quickstart from end to end: sentences → rows → model → answers → scores → card."""

import io
import logging
import time
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager, redirect_stdout
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

from iepile_dataset.atomic import Proof, final_place, new_folder

from ..data.arguments import DataArguments
from ..errors import TrainerError
from ..evaluate_run import read_scores, write_lines, write_scores
from ..run_folder import is_finished, read_run, write_run
from .corpus import UNSEEN_SUFFIX, write_corpus
from .learn import Recipe, learn, start_copying

TASKS = ("NER", "RE")
NAMES = {"before": "before training", "test": "unseen sentences", "unseen_names": "unseen names"}
RUN = Proof("run.json", "created", "holds a run")

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
    tp, fp, fn = map(sum, zip(*((counts["tp"], counts["fp"], counts["fn"]) for counts in scores)))
    return float(2 * tp / (2 * tp + fp + fn))


def found_in(folder: Path) -> Outcome | None:
    """The outcome of an earlier quickstart, None where none ended."""
    scores = read_scores(folder)
    return Outcome(folder, scores, read_run(folder)) if scores and is_finished(folder) else None


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
    with new_folder(final_place(out), RUN, overwrite=True) as work:
        _make(work, out, seed, recipe, tell)
    return Outcome(out, read_scores(out), read_run(out))


def _make(work: Path, out: Path, seed: int, recipe: Recipe, tell: Tell) -> None:
    from datasets import concatenate_datasets

    from iepile_cards import write_model_card

    from ..data.load import load_rows, manifest
    from ..formats import use_format
    from ..models.scratch import new_model, new_tokenizer
    from ..predict import predict
    from ..tokenization.encode import encode
    from ..training.plot import draw_curve
    from ..training.progress import ProgressLines

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
    tokenizer = new_tokenizer(
        train_rows.shuffle(seed=seed).select(range(min(_ENOUGH, len(train_rows)))), recipe.vocabulary, letters=20
    )
    prompt_format = use_format(tokenizer)
    encoded, lengths = encode(train_rows, tokenizer, max_length=512)
    # With Muon for the matrices, weights start smaller than AdamW alone needs them.
    shape: dict[str, Any] = {"intermediate_size": 2 * recipe.hidden, "initializer_range": 0.04, "attention_bias": True}
    model = new_model(tokenizer, recipe.hidden, recipe.layers, 1024, seed, **shape)
    start_copying(model)
    answer = partial(predict, model, tokenizer, batch_size=256, max_new_tokens=recipe.longest)

    scores, answers = {}, {}
    for split, after in (("before", "test"), ("test", "test"), ("unseen_names", "unseen_names")):
        if split == "test":
            tell("stage", "training")
            steps = ProgressLines(partial(tell, "step"))
            record = learn(model, tokenizer, encoded, work, seed, recipe, [steps])
        tell("stage", f"answering {NAMES[split]}")
        answers[split] = list(answer(splits[after]))
        scores[split] = _scores(answers[split])
        tell(split, answers[split])
    write_lines(work / "predictions.jsonl", answers["test"])
    write_lines(work / "predictions_unseen_names.jsonl", answers["unseen_names"])
    write_scores(work, scores)
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


@contextmanager
def quiet() -> Iterator[None]:
    """Silence prints, warnings and bars while rows are made and trained on; errors are raised as ever."""
    import datasets
    from transformers.utils import logging as verbosity

    ours = logging.getLogger("iepile")
    level, our_level = verbosity.get_verbosity(), ours.level
    libraries = [library for library in (verbosity, datasets.utils.logging) if library.is_progress_bar_enabled()]
    verbosity.set_verbosity_error()
    ours.setLevel(logging.ERROR)
    for library in libraries:
        library.disable_progress_bar()
    try:
        with redirect_stdout(io.StringIO()):
            yield
    finally:
        verbosity.set_verbosity(level)
        ours.setLevel(our_level)
        for library in libraries:
            library.enable_progress_bar()
