"""Pretrained weights on annotated text, within a budget of CPU time: what `iepile real` does.

Base → its answers → training → answers, plain and constrained → scores with intervals → card. The first answers and
the first steps are measured; rows, steps and records follow from what is left.
"""

import tempfile
import time
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

from transformers import TrainerCallback

from ..errors import TrainerError
from ..evaluate_run import write_lines
from ..prediction.calibrate import calibrate
from ..training.record import not_learnt
from .run import Rows

__all__ = ["SPLITS", "real"]

SPLITS = {"before": "before", "test": "after", "test_extractive": "after, constrained to the text"}
"""What is scored → in words."""

_MARGIN = 0.9  # of what is left: later steps and answers may take longer than the measured ones
_ANSWERING = 0.25  # of that, for the answers
_EPOCHS = 8  # at most: a few dozen records need that many
_BATCH = 4  # rows in a step
_MEASURED = 16  # records that the base answers
_SMALL = 400_000_000  # parameters: up to here all are trained, which learns more in the same time than an adapter
_CALIBRATED = 100  # rows of the validation split
_HELD_OUT = 0.1  # of the training rows, where there is no validation split
_MAX_EMPTY = {"re": 0.1}  # share of empty answers that is trained on; half of the rows of relations are empty
_LONGEST = 512  # tokens of a row; a longer text is cut into windows


@dataclass(frozen=True)
class Fit:
    """What fits a budget.

    Attributes:
        steps: Optimizer steps.
        rows: Different rows in them.
        records: Test records, each answered twice.
    """

    steps: int
    rows: int
    records: int


def fit(seconds: float, step: float, record: float, rows: int, records: int) -> Fit:
    """Fit training and answering into some CPU seconds.

    Args:
        seconds: What is left.
        step: What one step takes.
        record: What one test record takes, answered twice.
        rows: How many rows there are to train on.
        records: How many test records there are.

    Raises:
        TrainerError: Not even five steps and five records fit.

    >>> fit(900, step=15, record=3.0, rows=2000, records=1287)
    Fit(steps=40, rows=160, records=67)
    >>> fit(900, step=0.1, record=0.03, rows=40, records=20)
    Fit(steps=80, rows=40, records=20)
    """
    usable = seconds * _MARGIN
    answered = min(records, int(usable * _ANSWERING / record))
    most = max(_EPOCHS * rows // _BATCH, 1)
    steps = min(int((usable - answered * record) / step), most)
    if answered < min(records, 5) or steps < min(most, 5):
        needed = max(5 * step / (1 - _ANSWERING), 5 * record / _ANSWERING) / _MARGIN - seconds
        raise TrainerError(
            f"the budget is too small by {needed / 60:.1f} CPU minutes: a step takes {step:.1f} s, a test record "
            f"{record:.1f} s (--minutes)"
        )
    return Fit(steps, min(steps * _BATCH, rows), answered)


class StepClock(TrainerCallback):
    """Notes the CPU seconds of this process at the end of each step, all threads together."""

    def __init__(self) -> None:
        self.ends: list[float] = []

    def on_step_end(self, *_: Any, **__: Any) -> None:
        """Called by the trainer."""
        self.ends.append(time.process_time())


def real(
    model: str,
    out: Path | str,
    task: str = "ner",
    data_dir: str | None = None,
    minutes: float = 20.0,
    seed: int = 42,
    overwrite: bool = False,
    tell: Callable[[str], None] = print,
) -> dict[str, Any]:
    """Train on a source, all weights of a small model or an adapter, and score it before and after, within a budget.

    Args:
        model: A pretrained model: a name of `iepile models`, a folder, a GGUF file or a Hub id.
        out: The run folder to write.
        task: Of the rows.
        data_dir: Annotated text with a train and a test split; None for the English part of the embedded sample.
        minutes: CPU minutes from here on, all threads together.
        seed: Draws rows, records and the start of an adapter.
        overwrite: Replace the run that is there.
        tell: Called with a line before each stage.

    Returns:
        `scores.json`: {"before" | "test" | "test_extractive": {task: scores with their `interval`}}.

    Raises:
        TrainerError: No such model, no test split, a run is in `out`, or the budget is too small.
    """
    from ..data.arguments import DataArguments
    from ..data.load import load_rows
    from ..engines.transformers_engine import predict
    from ..formats import use_format
    from ..models.load import load
    from ..run_folder import check_free

    begun, out = time.process_time(), Path(out)
    check_free(out, overwrite)
    data = DataArguments(task=[task], data_dir=data_dir, language=None if data_dir else "en")
    data.seed = seed
    train_rows, held_out = train_and_held_out(data)
    test_rows = load_rows(data, "test").shuffle(seed=seed).to_list()
    names = list(dict.fromkeys(row["id"] for row in test_rows))
    base, tokenizer = load(model)
    use_format(tokenizer)
    longest = _longest(tokenizer, train_rows["output"][:2000])
    tell(f"{len(train_rows):,} rows to train on, {len(names):,} test records; measuring {model} on {_MEASURED} of them")

    def answer(model: Any, records: Sequence[str], constrain: str = "none", open_bias: float = 0.0) -> Rows:
        wanted = set(records)
        asked = [row for row in test_rows if row["id"] in wanted]
        return list(predict(model, tokenizer, asked, max_new_tokens=longest, constrain=constrain, open_bias=open_bias))

    before, record = _measured(partial(answer, base), names[:_MEASURED])
    options = _options(model, base.num_parameters() <= _SMALL, data, data_dir)
    del base
    step = _step_seconds(options)
    spent = time.process_time() - begun
    fits = fit(minutes * 60 - spent, step, record, len(train_rows), len(names))
    tell(
        f"budget {minutes:g} CPU minutes, {spent / 60:.1f} spent; a step takes {step:.1f} s, a test record "
        f"{record:.1f} s: {fits.steps} steps of {_BATCH} rows ({fits.rows:,} of {len(train_rows):,}), then "
        f"{fits.records:,} of {len(names):,} test records plain and constrained"
    )
    records = names[: fits.records]
    tell("training")
    _train([*options, "--max_rows", fits.rows, "--max_steps", fits.steps, "--output_dir", out], overwrite)
    where = "the validation split" if data.val_set_size is None else "held-out training rows"
    bias = _calibrated(out, held_out, where, tell)
    tell("answering")
    trained, _ = load(str(out))
    after = answer(trained, records, open_bias=bias)
    scores = _scored(out, before, after, answer(trained, records, "extractive", bias))
    for line in not_learnt(scores["test_extractive"]):
        tell(line)
    return scores


def train_and_held_out(data: Any) -> tuple[Any, Rows]:
    """Rows to train on, and some to calibrate on; `data` is told to hold these out where no split has them.

    Of relations few rows with an empty answer are trained on: how often nothing is there is left to the calibration.
    """
    from ..data.load import NoSplit, load_both, load_rows

    try:
        load_rows(data, data.eval_split, 1)
    except NoSplit:
        data.val_set_size = _HELD_OUT
    else:  # rows that are held out of the others would lack empty answers, and the calibration needs them
        data.max_empty = _MAX_EMPTY.get(data.task[0])
    data.max_eval_rows = _CALIBRATED
    loaded = load_both(data, evaluate=True)
    return loaded.rows, loaded.eval_rows.to_list()[:_CALIBRATED]


def _calibrated(out: Path, held_out: Rows, where: str, tell: Callable[[str], None]) -> float:
    """The bias that the held-out rows ask for."""
    fitted = calibrate(out, held_out)
    tell(f"calibrated on {fitted['lists']:,} lists of {where}: open_bias {fitted['open_bias']:g} nats")
    return float(fitted["open_bias"])


def _measured(answer: Callable[..., Rows], names: list[str]) -> tuple[Rows, float]:
    """The base's answers to some records, and the CPU seconds that a record will take twice."""
    before, start = answer(names), time.process_time()
    # The base may babble where it is free; under the constraint it writes about as much as when it is trained.
    answer(names, "extractive")
    return before, 2 * (time.process_time() - start) / len(names)


def _scored(out: Path, before: Rows, after: Rows, extractive: Rows) -> dict[str, Any]:
    """Write all answers, their scores, the picture and the card."""
    from ..evaluate_run import add_scores, renew, scored, write_scores

    write_lines(out / "predictions.jsonl", after)
    write_lines(out / "predictions_extractive.jsonl", extractive)
    write_lines(out / "predictions_before.jsonl", before)
    scores = {"before": scored(before), **add_scores(out, [out / "predictions.jsonl"])}
    scores["test_extractive"] = scored(extractive)
    write_scores(out, scores)
    renew(out)
    return scores


def _longest(tokenizer: Any, outputs: Iterable[str]) -> int:
    """Tokens that an answer may have: what 99 of 100 answers that are trained on need, and ten."""
    from ..tokenization.encode import answer_ids

    lengths = sorted(map(len, answer_ids(tokenizer, list(outputs))))
    return lengths[len(lengths) * 99 // 100] + 10


def _options(model: str, is_small: bool, data: Any, data_dir: str | None) -> list[Any]:
    where = ["--data_dir", data_dir] if data_dir else ["--language", data.language]
    rows = ["--task", *data.task, *where, "--max_length", _LONGEST, "--seed", data.seed]
    rows += ["--val_set_size", data.val_set_size] if data.val_set_size else []
    rows += ["--max_empty", data.max_empty] if data.max_empty is not None else []
    how: list[Any] = ["--config", "little"]
    if not is_small:  # dropout takes over a quarter of a step on a CPU
        how = ["--config", "lora", "--learning_rate", 2e-3, "--lora_dropout", 0, "--lr_scheduler_type", "linear"]
    how += ["--per_device_train_batch_size", _BATCH, "--gradient_accumulation_steps", 1]
    said = ["--logging_steps", 5, "--disable_tqdm", "true", "--save_strategy", "no"]
    return [*how, "--model_name_or_path", model, *rows, *said]


def _step_seconds(options: Sequence[Any]) -> float:
    """CPU seconds of a step: the second of two, which prepares nothing any more."""
    clock = StepClock()
    with tempfile.TemporaryDirectory(prefix="iepile-real-") as folder:
        _train([*options, "--max_rows", 2 * _BATCH, "--max_steps", 2, "--output_dir", f"{folder}/run"], True, clock)
    return clock.ends[1] - clock.ends[0]


def _train(words: Iterable[Any], overwrite: bool, *callbacks: Any) -> None:
    from ..sft import run_training
    from ..training.parser import parse

    data, run, training, model, watch = parse([*map(str, words), *(["--overwrite"] if overwrite else [])])
    run_training(data, run, training, model, watch, list(callbacks))
