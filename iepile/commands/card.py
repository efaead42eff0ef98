"""`iepile card`: the pages of models, datasets, the metric and the app, and whether they are true."""

from pathlib import Path
from typing import Annotated, Any

import typer
from typer.core import TyperGroup

from iepile_dataset.errors import visible
from iepile_trainer.command_line import Commands

from ..console import console, failing, progress_bar, reading, say, warn


class _ModelFirst(TyperGroup):
    """`iepile card RUN` is `iepile card model RUN`."""

    def parse_args(self, ctx: Any, args: list[str]) -> list[str]:
        if args and not args[0].startswith("-") and args[0] not in self.commands:
            args = ["model", *args]
        return super().parse_args(ctx, args)


app = Commands(
    cls=_ModelFirst,
    no_args_is_help=True,
    help="The page of a run (`iepile card RUN [ANSWERS…]`), dataset, metric or app: written, or checked.",
)

Repo = Annotated[
    str | None, typer.Option(help="Its name on the Hub, user/name, for the lines that say how to load it.")
]


@app.command()
def model(
    run: Annotated[Path, typer.Argument(help="A run folder.")],
    answers: Annotated[
        list[Path] | None, typer.Argument(help="Files that `iepile predict` wrote with this run.")
    ] = None,
    repo: Repo = None,
) -> None:
    """Write the model card of a run; answers are scored first and their figures kept in its scores.json.

    iepile card runs/mine answers.jsonl
    """
    from iepile_cards import write_model_card
    from iepile_cards.eval_results import RESULTS
    from iepile_trainer.evaluate_run import add_scores, renew

    with failing(), reading(run):
        for split, by_task in add_scores(run, answers or ()).items():
            for task, scores in by_task.items():
                console.print(f"{split} {task}: F1 {scores['f1']:.4f} over {scores.get('records', '?')} records")
        renew(run)  # the picture, too
        say(f"card: {write_model_card(run, repo)}")
        if (run / RESULTS).is_file():
            say(f"results for the Hub: {run / RESULTS}")


@app.command()
def dataset(
    folder: Annotated[Path, typer.Argument(help="A folder that `iepile prepare` made.")],
    repo: Repo = None,
) -> None:
    """Write the dataset card of a prepared folder, with statistics and pictures, and seal its manifest anew.

    iepile card dataset rows
    """
    from ..cards import write_dataset_page

    with failing(), reading(folder), progress_bar("counting", unit="rows") as advance:
        path, missing = write_dataset_page(folder, repo, advance)
        if missing:
            warn(missing)
        say(f"card: {path}")


@app.command()
def metric(
    out: Annotated[Path | None, typer.Option(help="Folder for README.md; printed where left out.")] = None,
    repo: Repo = None,
) -> None:
    """Write the card of the metric iepile_f1, from its own tables of tasks and definitions."""
    from iepile_cards import metric_page

    from ..cards import metric_facts

    with failing():
        page = metric_page(metric_facts(), repo)
        if out:
            say(f"card: {page.write(out)}")
        else:
            typer.echo(visible(str(page.card())))


@app.command("app")
def space(
    folder: Annotated[Path, typer.Argument(help="The folder of the app, with app.py.")],
    repo: Repo = None,
) -> None:
    """Write the card of the app."""
    from iepile_cards import app_page

    from ..cards import app_facts

    with failing():
        if not (folder / "app.py").is_file():
            raise ValueError(f"{folder}: no app.py in it (give the folder of the app)")
        say(f"card: {app_page(app_facts(folder), repo).write(folder)}")


@app.command()
def check(
    folder: Annotated[Path, typer.Argument(help="A run, a prepared folder, or the metric's or app's, with README.md.")],
) -> None:
    """Compare each value of a card with its source: manifest, run.json, scores.json, the rows and answers themselves.

    Exit code 1 if anything differs; each difference is one line with file, place, what the card says and what the
    source says.
    """
    from iepile_cards import check_card, kind_of

    from ..cards import app_facts, compare_scores, metric_facts

    with failing(), reading(folder):
        kind = kind_of(folder)
        facts = {"metric": metric_facts, "app": lambda: app_facts(folder)}.get(kind, dict)()
        differences = check_card(folder, facts)
        if kind == "model":
            differences += compare_scores(folder)
    for difference in differences:
        say(str(difference))
    if differences:
        many = "difference" if len(differences) == 1 else "differences"
        say(f"{folder}: {len(differences)} {many} (iepile card {kind} writes the card anew)")
        raise typer.Exit(1)
    say(f"{folder}: the {kind} card says what its sources say")
