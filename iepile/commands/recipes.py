"""`iepile recipes`: what `iepile train --config` can be told by name, and the files to launch it with."""

import sys
from typing import Annotated

import typer

from iepile_trainer.command_line import Commands

from ..console import fail

_HELP = """Recipes for `iepile train --config`, accelerate configurations, a Slurm script.

Each is a file to be printed, changed and given by its path:

    iepile recipes show lora > mine.yaml && iepile train --config mine.yaml
"""

app = Commands(help=_HELP)


@app.callback(invoke_without_command=True)
def recipes(context: typer.Context) -> None:
    """List the recipes; `iepile recipes show NAME` prints one."""
    if context.invoked_subcommand is None:
        from iepile_trainer.recipes import shipped

        width = max(map(len, shipped()))
        for name, text in shipped().items():
            typer.echo(f"{name:{width}}  {_first_words(text)}")


@app.command()
def show(name: Annotated[str, typer.Argument(help="A name that `iepile recipes` lists.")]) -> None:
    """Print a recipe, nothing added and nothing left out."""
    from iepile_trainer.recipes import shipped

    if name not in shipped():
        fail(f"no recipe {name!r} (shipped: {', '.join(shipped())})")
    typer.echo(shipped()[name], nl=sys.stdout.isatty())


def _first_words(text: str) -> str:
    """The first line of the comment at the top."""
    return next(line for line in text.splitlines() if line.startswith("# ")).removeprefix("# ").rstrip(".:")
