"""`iepile`: the commands, in the order of the work."""

import typer

from . import __version__
from .commands import prepare, verify

app = typer.Typer(
    help="Schema-based information extraction: annotated text → instructions → model → answers → score.",
    no_args_is_help=True,
    pretty_exceptions_show_locals=False,
    context_settings={"help_option_names": ["-h", "--help"]},
)


@app.callback(invoke_without_command=True)
def _version(version: bool = typer.Option(False, "--version", help="Show the version.")) -> None:
    if version:
        typer.echo(__version__)
        raise typer.Exit


app.command()(prepare.prepare)
app.command()(verify.verify)


def main() -> None:
    """Entry point of the `iepile` command."""
    app()


if __name__ == "__main__":
    main()
