"""`iepile quickstart`: the whole path on sentences of our own, in a few minutes and without network."""

import os
import sys
from pathlib import Path
from typing import Annotated

import typer

PROMISED = 0.95


def quickstart(
    out: Annotated[Path, typer.Option(help="The run folder to write.")] = Path("runs/quickstart"),
    overwrite: Annotated[bool, typer.Option("--overwrite", help="Start over where a run is there already.")] = False,
    seed: Annotated[int, typer.Option(help="Draws sentences, weights and the order of training.")] = 42,
    tiny: Annotated[
        bool, typer.Option("--tiny", help="A few steps only: does everything work? Scores mean nothing.")
    ] = False,
) -> None:
    """Annotated text becomes instructions, a small model learns from them, its answers are scored.

    Two CPU cores need about four minutes; nothing is downloaded.
    """
    # Read on import by what follows: this is to work, and fail, without network.
    os.environ.update(HF_HUB_OFFLINE="1", HF_HUB_DISABLE_TELEMETRY="1", TOKENIZERS_PARALLELISM="false")
    # Threads that wait in a loop slow each other down many times over when cores are shared.
    os.environ.setdefault("OMP_WAIT_POLICY", "passive")
    from rich.console import Console

    from ..console import fail, failing, say, warn

    # Its own console: training keeps standard output to itself for a while.
    console = Console(file=sys.stdout, width=None if sys.stdout.isatty() else 120)
    with failing("train"):
        from iepile_trainer.quickstart import TINY, Recipe, Screen, found_in, quickstart, quiet, show_outcome

        there = None if overwrite else found_in(out)
        if there:
            say(f"{out} is there already, made {there.record['created']}; start over with --overwrite.", to=console)
            show_outcome(console, there)
            return
        screen = Screen(console)
        try:
            with quiet():
                outcome = quickstart(out, overwrite, seed, TINY if tiny else Recipe(), screen.tell)
        except KeyboardInterrupt:
            warn(f"interrupted; nothing was left in {out}")
            raise typer.Exit(130) from None
        finally:
            screen.close()
    show_outcome(console, outcome)
    if not tiny and outcome.f1["test"] < PROMISED:
        fail(f"F1 {outcome.f1['test']:.3f} is below {PROMISED:.2f}: this is not as it should be")
