"""`iepile`: the commands, in the order of the work."""

import os
import sys
from contextlib import suppress
from typing import NoReturn

import typer

from iepile_trainer import predict, serve
from iepile_trainer.command_line import Commands, terminate_as_interrupt

from . import __version__
from .commands import app as page
from .commands import (
    benchmark,
    calibrate,
    card,
    clean,
    compare,
    convert,
    download,
    export,
    formats,
    import_,
    merge,
    models,
    negatives,
    prepare,
    push,
    quickstart,
    real,
    recipes,
    score,
    stats,
    train,
    validate,
    verify,
)

app = Commands(
    help="Schema-based information extraction: annotated text → instructions → model → answers → score.",
    no_args_is_help=True,
    pretty_exceptions_enable=False,
    context_settings={"help_option_names": ["-h", "--help"]},
)


@app.callback(invoke_without_command=True)
def _version(version: bool = typer.Option(False, "--version", help="Show the version.")) -> None:
    if version:
        typer.echo(__version__)
        raise typer.Exit


app.command(rich_help_panel="Start here")(quickstart.quickstart)
app.command(rich_help_panel="Start here")(real.real)
app.command(rich_help_panel="Start here")(page.app)
app.command("import", rich_help_panel="Data")(import_.import_source)
app.command("export", rich_help_panel="Data")(export.export)
app.command(rich_help_panel="Data")(validate.validate)
app.command(rich_help_panel="Data")(clean.clean)
app.command(rich_help_panel="Data")(stats.stats)
app.add_typer(negatives.app, name="negatives", rich_help_panel="Data")
app.command(rich_help_panel="Data")(prepare.prepare)
app.command(rich_help_panel="Data")(convert.convert)
app.command(rich_help_panel="Data")(verify.verify)
app.add_typer(models.app, name="models", rich_help_panel="Models")
app.command(rich_help_panel="Models", context_settings=train.PASS_ALL)(train.train)
app.command("predict", rich_help_panel="Models")(predict.command)
app.command("serve", rich_help_panel="Models")(serve.command)
app.command(rich_help_panel="Models")(calibrate.calibrate)
app.command(rich_help_panel="Models")(merge.merge)
app.add_typer(recipes.app, name="recipes", rich_help_panel="Models")
app.add_typer(formats.app, name="formats", rich_help_panel="Models")
app.command(rich_help_panel="Scores")(score.score)
app.command(rich_help_panel="Scores")(compare.compare)
app.command(rich_help_panel="Scores")(benchmark.benchmark)
app.add_typer(card.app, name="card", rich_help_panel="Scores")
app.add_typer(push.app, name="push", rich_help_panel="Hub")
app.command(rich_help_panel="Hub")(download.download)


def main() -> None:
    """Entry point of the `iepile` command: SIGTERM ends it as Ctrl-C does, and what is wrong is one line.

    Commands say themselves what a user can mend; here is what may go wrong in any of them.
    """
    terminate_as_interrupt()
    try:
        try:
            app()
        finally:
            sys.stdout.flush()
    except BrokenPipeError:
        _end()  # who reads the output has gone
    except RecursionError:
        _end("an input holds values too deep inside each other (mend it)")
    except OSError as error:
        _end(f"{error.filename or 'standard output'}: {error.strerror or error} (make room, or choose another place)")


def _end(reason: str = "") -> NoReturn:
    """Exit code 1 at once: what is left in the buffers cannot be written."""
    if reason:
        with suppress(OSError):
            print(f"error: {reason}", file=sys.stderr, flush=True)
    os._exit(1)


if __name__ == "__main__":
    main()
