"""`iepile calibrate`: when a run says nothing, fitted on annotated text."""

from pathlib import Path
from typing import Annotated

import typer

from ..console import failing, say


def calibrate(
    run: Annotated[Path, typer.Argument(help="A finished run folder.")],
    corpus: Annotated[str, typer.Argument(help="Annotated text: a corpus tree or one source.")],
    task: Annotated[str, typer.Option(help="ner, re, ee, eet, eea or spo.")] = "ner",
    split: Annotated[str, typer.Option(help="A split that it was not trained on.")] = "validation",
    rows: Annotated[int, typer.Option(help="At most so many rows, drawn by --seed.", min=1)] = 200,
    favour: Annotated[str, typer.Option(help="What is made large: f1, recall or precision.")] = "f1",
    seed: Annotated[int, typer.Option(help="Draws the rows.")] = 42,
) -> None:
    """Fit how readily a run names something where it could say nothing.

    A model that has learnt little leaves nearly every list empty. This reads gold answers once (no text is generated),
    finds the bias with the best F1 of the decision to open a list, and keeps it in the run's record and card; `iepile
    predict`, `serve` and the Extractor apply it, and --open_bias 0 goes without.

        iepile calibrate runs/real my_corpus --favour recall
    """
    from iepile_trainer.prediction.calibrate import FAVOURS, corpus_rows
    from iepile_trainer.prediction.calibrate import calibrate as fitted
    from iepile_trainer.run_folder import read_run

    if favour not in FAVOURS:
        raise typer.BadParameter(f"{favour} is none of {', '.join(FAVOURS)}", param_hint="--favour")
    with failing():
        before = read_run(run).get("open_bias")
        result = fitted(run, corpus_rows(corpus, task, split, rows, seed), favour)
    was = "" if before is None else f" (before {before:g})"
    say(
        f"open_bias {result['open_bias']:g} nats{was}, from {result['lists']:,} lists, {result['filled']:,} of them "
        f"with something in the gold; kept in {run / 'run.json'}"
    )
