"""How the commands speak: one console, one way to fail, one progress bar."""

import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager

import typer
from rich.console import Console
from rich.progress import BarColumn, DownloadColumn, Progress, TextColumn, TimeRemainingColumn

# Where nobody resizes a window, tables keep their columns.
console = Console(width=None if sys.stdout.isatty() else 120)
errors = Console(stderr=True)


def say(line: str, to: Console = console, style: str | None = None) -> None:
    """Print a line as it is: what stands in data is no markup, and long lines are the terminal's to break."""
    to.print(line, style=style, markup=False, highlight=False, soft_wrap=True)


def warn(line: str) -> None:
    """Print a line to stderr that is no error."""
    say(line, errors, "yellow")


@contextmanager
def failing(*kinds: type[Exception]) -> Iterator[None]:
    """An error that a user can mend is one line on stderr and exit code 1, not a traceback.

    Args:
        kinds: What counts as one beside DataError and OSError.
    """
    from iepile_dataset.errors import DataError

    mendable: tuple[type[Exception], ...] = (DataError, OSError, *kinds)
    try:
        yield
    except BrokenPipeError:
        raise  # who reads the output has gone
    except mendable as error:
        say(f"error: {error}", errors, "red")
        raise typer.Exit(1) from None


@contextmanager
def progress_bar(text: str, unit: str = "bytes") -> Iterator[Callable[[int, int], None] | None]:
    """A bar that a function is mendable of as (done, total); None where nobody watches."""
    if not sys.stderr.isatty():
        yield None
        return
    columns = (TextColumn("{task.description}"), BarColumn(), DownloadColumn(), TimeRemainingColumn())
    with Progress(*columns, console=errors, transient=True) as bar:
        task = bar.add_task(text, total=None)
        yield lambda done, total: bar.update(task, completed=done, total=total)


def quiet_hub() -> None:
    """Let the Hub's library draw its bars only where somebody watches."""
    from huggingface_hub.utils import disable_progress_bars

    if not sys.stderr.isatty():
        disable_progress_bars()
