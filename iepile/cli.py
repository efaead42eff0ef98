"""`iepile`: the commands, in the order of the work; each is imported when it is called."""

import os
import sys
from contextlib import suppress
from importlib import import_module
from io import TextIOWrapper
from typing import Any, NoReturn

import typer
from typer.core import TyperCommand, TyperGroup

from . import __version__

# Panel of --help → command → the first line of its own help. The line stands here as well, so that --help need not
# import all commands; a test keeps the two equal. The command `NAME` is `commands.NAME.NAME`, or the group
# `commands.NAME.app`.
PANELS = {
    "Start here": {
        "quickstart": "Annotated text becomes instructions, a small model learns from them, its answers are scored.",
        "real": "Train pretrained weights within a budget of CPU time, and show what was learnt.",
        "app": "A page in the browser: extract from a text, score answers, browse a corpus, import annotations.",
    },
    "Data": {
        "import": "Annotations of other tools → a source with split files and schema.",
        "export": "Records or predictions → a file of another tool.",
        "validate": "Does the data fit its format, and does it mean what it says?",
        "clean": "A corpus without duplicates, contradictions, leaks and empty records, in the same layout.",
        "stats": "Count what is in a corpus: records, instructions, labels, mentions, lengths, empty answers.",
        "prepare": "Annotated text → instructions, as a folder that `load_dataset` reads.",
        "convert": "One file of records → train.json or test.json: options and rows of the original's convert_func.py.",
        "verify": "Prove that a prepared folder still holds what its manifest says; exit code 1 where it does not.",
        "negatives": "Hard negatives: labels that are easily taken for each other.",
    },
    "Models": {
        "train": "Train a model on instructions; on several devices: accelerate launch -m iepile_trainer.sft.",
        "predict": "Answer instructions, or extract from texts, with a trained model, as JSON lines.",
        "serve": "Answer over HTTP: POST a text and a schema, get typed results with their places.",
        "calibrate": "Fit how readily a run names something where it could say nothing.",
        "merge": "Write an adapter and its base as one model: safetensors, tokenizer, chat template, run.json.",
        "models": "Pretrained weights of the package registry; trained on and asked by their name, without network.",
        "recipes": "Recipes for `iepile train --config`, accelerate configurations, a Slurm script.",
        "formats": "Prompt formats for `iepile train --prompt_format`.",
    },
    "Scores": {
        "score": "Score a file of answers: precision, recall, F1, overall, per source and per label.",
        "compare": "Compare two systems: difference of F1 (second minus first), its interval, and a p-value.",
        "benchmark": "Score models on the test split of every source, beside baselines and published figures.",
        "card": "The page of a run (`iepile card RUN [ANSWERS…]`), dataset, metric or app: written, or checked.",
    },
    "Hub": {
        "download": "Fetch a repository whole, one revision of it; its licence is shown first. Repeated, it goes on.",
        "push": "Push a dataset, the metric, a model or the app to the Hub, each as one commit.",
    },
}
COMMANDS = {name: line for lines in PANELS.values() for name, line in lines.items()}


class _Lazy(TyperGroup):
    """A group that knows its commands by name and imports the one that is called."""

    def __init__(self, **settings: Any) -> None:
        super().__init__(**settings)
        self.commands = {name: TyperCommand(name, help=line) for name, line in COMMANDS.items()}
        self._waiting = set(COMMANDS)

    def format_commands(self, ctx: Any, formatter: Any) -> None:
        """A section for each panel. Rich would draw boxes, and takes longer to import than all of this to print."""
        for panel, lines in PANELS.items():
            with formatter.section(panel):
                formatter.write_dl([*lines.items()])

    def resolve_command(self, ctx: Any, args: list[str]) -> Any:
        """See `typer.core.TyperGroup`."""
        if args[0] in self._waiting:
            self._waiting.remove(args[0])
            self.commands[args[0]] = _loaded(args[0])
        return super().resolve_command(ctx, args)


def _loaded(name: str) -> Any:
    """The command of a name, made by Typer."""
    from iepile_trainer.command_line import Commands

    stem = "import_" if name == "import" else name  # a word of Python's own
    found, holder = import_module(f".commands.{stem}", __package__), Commands()
    if isinstance(group := getattr(found, "app", None), typer.Typer):
        holder.add_typer(group, name=name)
    else:
        settings = getattr(found, "PASS_ALL", None)
        holder.command(name, context_settings=settings)(getattr(found, stem))
    holder.callback()(lambda: None)  # with one command, Typer would have no group
    return typer.main.get_group(holder).commands[name]


app = typer.Typer(
    cls=_Lazy,
    help="Schema-based information extraction: annotated text → instructions → model → answers → score.",
    no_args_is_help=True,
    pretty_exceptions_enable=False,
    rich_markup_mode=None,
    context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 110},
)


@app.callback(invoke_without_command=True)
def _version(version: bool = typer.Option(False, "--version", help="Show the version.")) -> None:
    if version:
        typer.echo(__version__)
        raise typer.Exit


def main() -> None:
    """Entry point of the `iepile` command: SIGTERM ends it as Ctrl-C does, and what is wrong is one line.

    Commands say themselves what a user can mend; here is what may go wrong in any of them.
    """
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, TextIOWrapper):  # a terminal that cannot show a sign shows its number
            stream.reconfigure(errors="backslashreplace")
    if sys.argv[1:] == ["--version"]:  # Typer takes a tenth of a second to read an option
        print(__version__)
        return
    if COMMANDS.keys() & set(sys.argv[1:2]):
        from iepile_trainer.command_line import terminate_as_interrupt

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
