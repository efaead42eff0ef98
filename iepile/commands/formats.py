"""`iepile formats`: the prompt formats, and what a prompt looks like in them."""

import sys
from typing import Annotated

import typer

from iepile_trainer.command_line import Commands

app = Commands(help="Prompt formats for `iepile train --prompt_format`.")


@app.callback(invoke_without_command=True)
def formats(context: typer.Context) -> None:
    """List the prompt formats; `iepile formats show NAME --query TEXT` prints a prompt.

    A chat model needs none of them: its own template is the default. A base model gets `plain`.
    """
    if context.invoked_subcommand is None:
        _list()


@app.command()
def show(
    name: Annotated[str, typer.Argument(help="A format or one of its other names, see `iepile formats`.")],
    query: Annotated[str, typer.Option(help="What the user asks.")],
    answer: Annotated[
        str | None, typer.Option(help="What the model answers, with its end.", show_default=False)
    ] = None,
    system: Annotated[
        str | None, typer.Option(help="Another system text; an empty one leaves it out.", show_default=False)
    ] = None,
) -> None:
    """Print the raw prompt, nothing added and nothing left out.

    <<BOS>> and <<EOS>> stand for the first and the end token of the tokenizer.

        iepile formats show qwen --query "Who wrote it?"
    """
    from iepile_trainer.errors import TrainerError
    from iepile_trainer.formats import find

    from ..console import errors

    try:
        format = find(name)
    except TrainerError as error:
        errors.print(f"error: {error}", style="red", markup=False, highlight=False, soft_wrap=True)
        raise typer.Exit(1) from None
    said = (("system", system), ("user", query), ("assistant", answer))
    messages = [{"role": role, "content": content} for role, content in said if content is not None]
    typer.echo(format.render(messages, prompt=answer is None), nl=sys.stdout.isatty())


def _list() -> None:
    from rich.table import Table
    from rich.text import Text

    from iepile_trainer.formats import shipped

    from ..console import console

    table = Table("format", "also", "models", "system text", "end of answer", "", box=None, pad_edge=False)
    for format in shipped():
        cells = (
            format.name, ", ".join(format.aliases), ", ".join(format.families), "yes" if format.has_system else "no",
            format.end or "<<EOS>>", "unverified" if format.unverified else "",
        )  # fmt: skip
        table.add_row(*map(Text, cells))
    console.print(table)
    console.print(
        "<<EOS>>: the end token of the tokenizer; unverified: no original to compare with; default of a chat model: "
        "its own template, of a base model: plain",
        style="dim",
        markup=False,
        highlight=False,
    )
