"""`iepile card`: the model card of a run, its numbers from its answers."""

from pathlib import Path
from typing import Annotated

import typer


def card(
    run: Annotated[Path, typer.Argument(help="A run folder.", show_default=False)],
    answers: Annotated[
        list[Path] | None, typer.Argument(help="Files that `iepile predict` wrote with this run.", show_default=False)
    ] = None,
) -> None:
    """Write the model card of a run; answers are scored first and their figures kept in its scores.json.

    iepile card runs/mine answers.jsonl
    """
    from iepile_cards import write_model_card
    from iepile_trainer import TrainerError
    from iepile_trainer.publish import add_scores

    from ..console import console, errors, failing

    with failing():
        try:
            for split, by_task in add_scores(run, answers or ()).items():
                for task, scores in by_task.items():
                    console.print(f"{split} {task}: F1 {scores['f1']:.4f} over {scores['records']:,} records")
        except TrainerError as problem:
            errors.print(f"error: {problem}", style="red", markup=False, highlight=False, soft_wrap=True)
            raise typer.Exit(1) from None
        console.print(f"card: {write_model_card(run)}")
