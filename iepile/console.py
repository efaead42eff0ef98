"""What the commands share: one console, one way to fail, one progress bar, tables, and arguments."""

import sys
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from copy import copy
from dataclasses import replace
from typing import TYPE_CHECKING, Annotated, Any, NoReturn

import typer
from rich.console import Console
from rich.table import Column, Table
from rich.text import Text

from iepile_dataset.errors import visible

if TYPE_CHECKING:
    from iepile_dataset.errors import Problem
    from iepile_dataset.exchange.document import Losses

Corpus = Annotated[
    str | None,
    typer.Argument(
        help="A corpus tree (IE-en/NER/<source>/train.json …), one of its folders, or one source, local or hf://…; "
        "the embedded sample where left out."
    ),
]
Tasks = Annotated[
    list[str] | None, typer.Option("--task", help="ner, re, ee, eet, eea, spo or kg; again for several. Default: all.")
]

Json = Annotated[bool, typer.Option("--json", help="Print one JSON object for machines.")]

_FOLDED = (24, 12)  # the first column of words, and others, get narrower than this only where they hold less


class _Console(Console):
    """Cuts a table that is wider than the terminal into several, each with the first column."""

    def print(self, *objects: Any, **settings: Any) -> None:
        """See `rich.console.Console.print`."""
        super().print(*(part for value in objects for part in self._parts(value)), **settings)

    def render(self, renderable: Any, options: Any = None) -> Iterator[Any]:
        """See `rich.console.Console.render`; what data holds is shown, and the terminal does not obey it."""
        for part in super().render(renderable, options):
            yield part if part.control else part._replace(text=visible(part.text))

    def _parts(self, whole: Any) -> Iterator[Any]:
        def width(column: Column) -> int:
            most = max(self.measure(cell).maximum for cell in (column.header, *column.cells))
            return most if column.no_wrap else min(most, _FOLDED[column is not whole.columns[0]])

        unbounded = self.options.update(max_width=9_999)
        if not isinstance(whole, Table) or self.measure(whole, options=unbounded).maximum <= self.width:
            yield whole
            return
        first, *others = whole.columns
        start = taken = width(first) + 3
        pieces: list[list[Column]] = [[]]
        for column in others:
            needed = width(column) + 3
            if pieces[-1] and taken + needed > self.width:
                pieces.append([])
                taken = start
            pieces[-1].append(column)
            taken += needed
        fixed = replace(first, width=start - 3)
        for number, piece in enumerate(pieces):
            part = copy(whole)
            part.columns = [replace(column, _index=place) for place, column in enumerate((fixed, *piece))]
            part.title = None if number else whole.title
            yield part


# Where nobody resizes a window, tables keep their columns.
console = _Console(width=None if sys.stdout.isatty() else 120)
errors = _Console(stderr=True)


def say(*lines: str, to: Console = console, style: str | None = None) -> None:
    """Print lines as they are: what stands in data is no markup, and long lines are the terminal's to break."""
    for line in lines:
        to.print(line, style=style, markup=False, highlight=False, soft_wrap=True)


def warn(line: str) -> None:
    """Print a line to stderr that is no error."""
    say(line, to=errors, style="yellow")


def print_json(value: Any) -> None:
    """One object for machines."""
    import orjson

    sys.stdout.write(orjson.dumps(value, option=orjson.OPT_INDENT_2).decode() + "\n")


def table(title: str, words: Sequence[str], numbers: Iterable[str] = (), **settings: Any) -> Table:
    """A table with columns of words, which fold, and of numbers, which do not."""
    columns = Table(title=Text(title), title_justify="left", **settings)
    for name in words:
        columns.add_column(name, overflow="fold")
    for name in numbers:
        columns.add_column(name, justify="right", no_wrap=True)
    return columns


def count_table(
    title: str, columns: Mapping[str, str], counts: Mapping[tuple[str, str], int], sources: Collection[str]
) -> Table:
    """Counts by source.

    Args:
        title: Above it.
        columns: What is counted → the heading of its column.
        counts: (source, what) → how many.
        sources: The rows, below which their sums stand.
    """
    rows = table(title, ["source"], columns.values())
    for source in sources:
        rows.add_row(Text(source), *(f"{counts.get((source, what), 0):,}" for what in columns))
    rows.add_section()
    rows.add_row("all", *(f"{sum(counts.get((source, what), 0) for source in sources):,}" for what in columns))
    return rows


def problem_table(title: str, problems: Iterable["Problem"]) -> Table:
    """Problems, one a row."""
    rows = table(title, ("file:line", "reason", "remedy"))
    for problem in problems:
        rows.add_row(Text(problem.place), Text(problem.reason), Text(problem.remedy))
    return rows


def print_left_out(problems: Sequence["Problem"], total: int) -> None:
    """The first of what could not be used, and how much there is in all; nothing where there is none."""
    if problems:
        console.print(problem_table("Left out", problems))
    if total > len(problems) > 0:
        console.print(f"… and {total - len(problems):,} more")


def print_losses(title: str, losses: "Losses") -> None:
    """What could not be kept, the most frequent first; nothing where there is nothing."""
    if losses:
        rows = table(title, ["what", "first at", "there"], ["times"])
        for kind, tally in sorted(losses.items(), key=lambda pair: -pair[1].count):
            rows.add_row(Text(kind), Text(tally.first.place), Text(tally.first.reason), f"{tally.count:,}")
        console.print(rows)


@contextmanager
def failing(extra: str = "", corpus: str | None = None) -> Iterator[None]:
    """An error that a user can mend is one line on stderr and exit code 1, not a traceback.

    All rooms raise a ValueError or an OSError for such a one, whose message ends in the remedy.

    Args:
        extra: What to install where a module is missing, as `train,app`.
        corpus: What should be a corpus; where it is annotated in another format, the command that imports it is named.
    """
    try:
        yield
    except BrokenPipeError:
        raise  # who reads the output has gone
    except ModuleNotFoundError as missing:
        if not extra:
            raise
        fail(f"no module {missing.name!r} (pip install 'iepile[{extra}]')")
    except (ValueError, OSError) as error:
        if hint := import_hint(corpus):
            say(hint, to=errors)
        fail(_words(error))


@contextmanager
def reading(folder: object) -> Iterator[None]:
    """A ValueError where JSON files of a folder, whose names are ours, hold values that we never write there."""
    try:
        yield
    except (AttributeError, IndexError, KeyError, OverflowError, TypeError) as problem:
        reason = f"{type(problem).__name__}: {str(problem).partition(chr(10))[0]}"
        raise ValueError(
            f"{folder}: its JSON files are not as iepile writes them: {reason} (make it anew)"
        ) from problem


def _words(error: Exception) -> str:
    """What an error says; of one of the system the file, and in words what was wrong."""
    if type(error).__module__ == "builtins" and isinstance(error, OSError) and error.strerror:
        return f"{error.filename or 'standard output'}: {error.strerror}"
    return str(error)


def import_hint(path: str | None) -> str:
    """The command that imports a file or folder of another format, "" where it is none or nothing."""
    from iepile_dataset.exchange.reading import import_hint

    return import_hint(path) if path else ""


def fail(reason: str) -> NoReturn:
    """End with one line on stderr and exit code 1."""
    say(f"error: {reason}", to=errors, style="red")
    raise typer.Exit(1) from None


@contextmanager
def progress_bar(text: str, unit: str = "bytes") -> Iterator[Callable[[int, int], None] | None]:
    """A bar that a function is told of as (done, total); None where nobody watches."""
    if not sys.stderr.isatty():
        yield None
        return
    from rich.progress import BarColumn, DownloadColumn, Progress, TextColumn, TimeRemainingColumn

    columns = (TextColumn("{task.description}"), BarColumn(), DownloadColumn(), TimeRemainingColumn())
    with Progress(*columns, console=errors, transient=True) as bar:
        task = bar.add_task(text, total=None)
        yield lambda done, total: bar.update(task, completed=done, total=total)


def quiet_hub() -> None:
    """Let the Hub's library draw its bars only where somebody watches."""
    from huggingface_hub.utils import disable_progress_bars

    if not sys.stderr.isatty():
        disable_progress_bars()
