"""The decision to say nothing, fitted on annotated rows: what `iepile calibrate` does.

One pass over gold answers tells, for each list in them, how sure the model is that it holds something. The bias that
gives the best F1 of that decision is kept in the run's record, and every engine applies it.
"""

from collections.abc import Sequence
from pathlib import Path
from typing import Any

from ..data.arguments import DataArguments
from ..engines.open_bias import ListTokens, best_bias
from ..errors import TrainerError

__all__ = ["FAVOURS", "calibrate", "corpus_rows", "margins"]

FAVOURS = {"f1": 1.0, "recall": 2.0, "precision": 0.5}
"""What a user asks for → the beta of the F-beta that is made as large as it can be."""


def corpus_rows(data_dir: str | None, task: str, split: str, count: int, seed: int) -> list[dict[str, Any]]:
    """Some rows of a split of annotated text, drawn by `seed`.

    Args:
        data_dir: A corpus tree or one source; None for the embedded sample.
        task: Of the rows.
        split: Their split.
        count: At most so many.
        seed: Draws them.

    Raises:
        TrainerError: There is no such split.
    """
    from ..data.load import load_rows

    rows = load_rows(DataArguments(task=[task], data_dir=data_dir), split).shuffle(seed=seed)
    return list(rows.select(range(min(count, len(rows)))))


def margins(
    model: Any, tokenizer: Any, rows: Sequence[dict[str, Any]], batch_size: int = 8
) -> tuple[list[float], list[bool]]:
    """How sure a model is, at each list of gold answers, that it holds something.

    Args:
        model: A transformers or peft model.
        tokenizer: Its tokenizer.
        rows: With `instruction` and the gold answer as `output`.
        batch_size: Rows of a forward pass.

    Returns:
        Log-odds of something against nothing in nats, one for each list, and whether the gold says something there.
    """
    from ..formats import use_format
    from ..tokenization.encode import answer_ids
    from ..training.evaluate import answer_logits

    use_format(tokenizer)
    lists = ListTokens.of(tokenizer)
    found: list[float] = []
    opened: list[bool] = []
    rows = sorted(rows, key=lambda row: len(row["instruction"]), reverse=True)
    for start in range(0, len(rows), batch_size):
        batch = rows[start : start + batch_size]
        answers = answer_ids(tokenizer, [row["output"] for row in batch])
        logits, targets = answer_logits(model, tokenizer, [row["instruction"] for row in batch], answers)
        for its_logits, its_targets in zip(logits, targets):
            tokens = its_targets.tolist()
            for place, before, token in zip(its_logits, [None, *tokens], tokens):
                if (choice := lists.decision(before, token)) is not None:
                    something, nothing, is_open = choice
                    found.append(float(place[something].logsumexp(0) - place[nothing].logsumexp(0)))
                    opened.append(is_open)
    return found, opened


def calibrate(run: Path | str, rows: Sequence[dict[str, Any]], favour: str = "f1") -> dict[str, Any]:
    """Fit the bias of a run and keep it in its record and card.

    Args:
        run: A finished run folder.
        rows: Annotated rows that it was not trained on, see `margins`.
        favour: One of `FAVOURS`.

    Returns:
        `open_bias` in nats, and over how many `lists`, of which so many are `filled`.

    Raises:
        TrainerError: No such run, or the rows hold no list.
    """
    from iepile_cards import write_model_card

    from ..models.load import load
    from ..run_folder import read_run, write_run

    if favour not in FAVOURS:
        raise TrainerError(f"favour={favour!r} is unknown (one of {', '.join(FAVOURS)})")
    record = read_run(run)
    model, tokenizer = load(str(run))
    found, opened = margins(model, tokenizer, rows)
    if not found:
        raise TrainerError(f"none of the {len(rows):,} rows has a list in its answer: nothing to calibrate on")
    bias = round(best_bias(found, opened, FAVOURS[favour]), 3)
    write_run(run, {**record, "open_bias": bias})
    write_model_card(run)
    return {"open_bias": bias, "lists": len(found), "filled": sum(opened)}
