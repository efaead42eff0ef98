"""Pages of the site that are not written in docs/: those of the repository's root, and the options of the commands."""

import contextlib
import inspect
import io
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import typer
from mkdocs.config.defaults import MkDocsConfig
from mkdocs.structure.files import File, Files

ROOT = Path(__file__).parents[1]


def on_files(files: Files, config: MkDocsConfig) -> Files:
    """Add CONTRIBUTING.md, CHANGELOG.md and the reference of the command line."""
    for name, source in (("contributing.md", "CONTRIBUTING.md"), ("changes.md", "CHANGELOG.md")):
        text = (ROOT / source).read_text("utf-8").replace("](docs/", "](")
        files.append(File.generated(config, name, content=text))
    files.append(File.generated(config, "reference/commands.md", content=_commands()))
    return files


def on_page_markdown(markdown: str, **_: Any) -> str:
    """Lead links to the root's page to its place in the site."""
    return markdown.replace("](../CONTRIBUTING.md", "](contributing.md")


def _commands() -> str:
    """All commands, each with its help and its options."""
    from iepile.cli import app

    parts = ["# Commands", "Options may be written `--a-b` or `--a_b`."]
    for name, command in _leaves("iepile", typer.main.get_command(app)):
        # A form feed ends the part of a docstring that is help; an indented example is code in Markdown, too.
        parts += [f"## {name}", inspect.cleandoc(command.help or "").partition("\f")[0]]
        if command.context_settings.get("ignore_unknown_options"):
            parts += [f"```text\n{_help(app, name)}```"]
        elif rows := [_row(option) for option in command.params if option.name != "help"]:
            parts += ["| option | meaning |\n|---|---|\n" + "\n".join(rows)]
    return "\n\n".join(parts) + "\n"


def _leaves(name: str, command: Any) -> Iterator[tuple[str, Any]]:
    children = getattr(command, "commands", {})
    for word in children:
        yield from _leaves(f"{name} {word}", command.resolve_command(None, [word])[1])
    if not children:
        yield name, command


def _row(option: Any) -> str:
    names = option.name.upper() if option.param_type_name == "argument" else ", ".join(option.opts)
    text = " ".join((option.help or "").split()).replace("|", "\\|").replace("<", "&lt;")
    default = option.default
    if default not in (None, False, True, "", (), []) and not callable(default):
        text += f" Default: {getattr(default, 'value', default)}."
    return f"| `{names}` | {text} |"


def _help(app: Any, name: str) -> str:
    """What a command that reads its options itself says to `--help`."""
    said = io.StringIO()
    with contextlib.redirect_stdout(said), contextlib.suppress(SystemExit):
        app(args=[*name.split()[1:], "--help"], prog_name="iepile")
    return said.getvalue()
