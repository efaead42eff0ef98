"""`iepile formats`: the prompt formats, and what a prompt looks like in them."""

import sys
from typing import Annotated

import typer
from rich.text import Text

from iepile_trainer.command_line import Commands

from ..console import console, failing, say, table

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
    answer: Annotated[str | None, typer.Option(help="What the model answers, with its end.")] = None,
    system: Annotated[str | None, typer.Option(help="Another system text; an empty one leaves it out.")] = None,
) -> None:
    """Print the raw prompt, nothing added and nothing left out.

    <<BOS>> and <<EOS>> stand for the first and the end token of the tokenizer.

        iepile formats show qwen --query "Who wrote it?"
    """
    from iepile_trainer.formats import find

    with failing():
        format = find(name)
    said = (("system", system), ("user", query), ("assistant", answer))
    messages = [{"role": role, "content": content} for role, content in said if content is not None]
    typer.echo(format.render(messages, prompt=answer is None), nl=sys.stdout.isatty())


def _list() -> None:
    from iepile_trainer.formats import shipped

    rows = table("", ("format", "also", "models", "system text", "end of answer", ""), box=None, pad_edge=False)
    for format in shipped():
        cells = (
            format.name, ", ".join(format.aliases), ", ".join(format.families), "yes" if format.has_system else "no",
            format.end or "<<EOS>>", "unverified" if format.unverified else "",
        )  # fmt: skip
        rows.add_row(*map(Text, cells))
    console.print(rows)
    say(
        "<<EOS>>: the end token of the tokenizer; unverified: no original to compare with; default of a chat model: "
        "its own template, of a base model: plain",
        style="dim",
    )
