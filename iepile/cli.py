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

# Command → (its function, or its group of commands; its panel in --help; the first line of its own help). The line
# stands here as well, so that --help need not import all commands; a test keeps the two equal.
COMMANDS = {
    "quickstart": (
        ".commands.quickstart:quickstart",
        "Start here",
        "Annotated text becomes instructions, a small model learns from them, its answers are scored.",
    ),
    "real": (
        ".commands.real:real",
        "Start here",
        "Train pretrained weights within a budget of CPU time, and show what was learnt.",
    ),
    "app": (
        ".commands.app:app",
        "Start here",
        "A page in the browser: extract from a text, score a file of answers, browse a corpus, import annotations.",
    ),
    "import": (
        ".commands.import_:import_source",
        "Data",
        "Annotations of other tools → a source with split files and schema.",
    ),
    "export": (
        ".commands.export:export",
        "Data",
        "Records or predictions → a file of another tool.",
    ),
    "validate": (
        ".commands.validate:validate",
        "Data",
        "Does the data fit its format, and does it mean what it says?",
    ),
    "clean": (
        ".commands.clean:clean",
        "Data",
        "A corpus without duplicates, contradictions, leaks and empty records, in the same layout.",
    ),
    "stats": (
        ".commands.stats:stats",
        "Data",
        "Count what is in a corpus: records, instructions, labels, mentions, lengths, empty answers.",
    ),
    "prepare": (
        ".commands.prepare:prepare",
        "Data",
        "Annotated text → instructions, as a folder that `load_dataset` reads.",
    ),
    "convert": (
        ".commands.convert:convert",
        "Data",
        "One file of records → train.json or test.json, with the options and rows of the original's convert_func.py.",
    ),
    "verify": (
        ".commands.verify:verify",
        "Data",
        "Prove that a prepared folder still holds what its manifest says; exit code 1 where it does not.",
    ),
    "train": (
        ".commands.train:train",
        "Models",
        "Train a model on instructions; on several devices: accelerate launch -m iepile_trainer.sft.",
    ),
    "predict": (
        "iepile_trainer.predict:command",
        "Models",
        "Answer instructions, or extract from texts, with a trained model, as JSON lines.",
    ),
    "serve": (
        "iepile_trainer.serve:command",
        "Models",
        "Answer over HTTP: POST a text and a schema, get typed results with their places.",
    ),
    "calibrate": (
        ".commands.calibrate:calibrate",
        "Models",
        "Fit how readily a run names something where it could say nothing.",
    ),
    "merge": (
        ".commands.merge:merge",
        "Models",
        "Write an adapter and its base as one model: safetensors, tokenizer, chat template, run.json.",
    ),
    "score": (
        ".commands.score:score",
        "Scores",
        "Score a file of answers: precision, recall, F1, overall, per source and per label.",
    ),
    "compare": (
        ".commands.compare:compare",
        "Scores",
        "Compare two systems: difference of F1 (second minus first), its interval, and a p-value.",
    ),
    "benchmark": (
        ".commands.benchmark:benchmark",
        "Scores",
        "Score models on the test split of every source, beside baselines and published figures.",
    ),
    "download": (
        ".commands.download:download",
        "Hub",
        "Fetch a repository whole, one revision of it; its licence is shown first. "
        "Repeat it to go on where it broke off.",
    ),
    "negatives": (
        ".commands.negatives:app",
        "Data",
        "Hard negatives: labels that are easily taken for each other.",
    ),
    "models": (
        ".commands.models:app",
        "Models",
        "Pretrained weights that the package registry holds; trained on and asked by their name, without network.",
    ),
    "recipes": (
        ".commands.recipes:app",
        "Models",
        "Recipes for `iepile train --config`, accelerate configurations, a Slurm script.",
    ),
    "formats": (
        ".commands.formats:app",
        "Models",
        "Prompt formats for `iepile train --prompt_format`.",
    ),
    "card": (
        ".commands.card:app",
        "Scores",
        "Write the page of a run (`iepile card RUN [ANSWERS…]`), a dataset, the metric or the app, or check one.",
    ),
    "push": (
        ".commands.push:app",
        "Hub",
        "Push a dataset, the metric, a model or the app to the Hub, each as one commit.",
    ),
}


class _Lazy(TyperGroup):
    """A group that knows its commands by name and imports the one that is called."""

    def __init__(self, **settings: Any) -> None:
        super().__init__(**settings)
        self.commands = {name: TyperCommand(name, help=line) for name, (_, _, line) in COMMANDS.items()}
        self._waiting = set(COMMANDS)

    def format_commands(self, ctx: Any, formatter: Any) -> None:
        """A section for each panel. Rich would draw boxes, and takes longer to import than all of this to print."""
        for heading in dict.fromkeys(panel for _, panel, _ in COMMANDS.values()):
            with formatter.section(heading):
                formatter.write_dl([(name, line) for name, (_, panel, line) in COMMANDS.items() if panel == heading])

    def resolve_command(self, ctx: Any, args: list[str]) -> Any:
        """See `typer.core.TyperGroup`."""
        if args[0] in self._waiting:
            self._waiting.remove(args[0])
            self.commands[args[0]] = _loaded(args[0])
        return super().resolve_command(ctx, args)


def _loaded(name: str) -> Any:
    """The command of a name, made by Typer."""
    from iepile_trainer.command_line import Commands

    place, _, _ = COMMANDS[name]
    module, _, attribute = place.partition(":")
    found = import_module(module, __package__)
    function = getattr(found, attribute)
    if isinstance(function, typer.Typer):
        holder = Commands()
        holder.add_typer(function, name=name)
    else:
        holder = Commands()
        holder.command(name, context_settings=getattr(found, "PASS_ALL", None))(function)
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
