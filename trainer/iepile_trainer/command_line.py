"""Commands whose options are the fields of dataclasses: each declared once, with its help, where it is used.

A field is an option if its metadata has `help`. Further metadata: `choices` (the values it may have), `aliases` (other
names, such as `--tasks`), `type` (what the command line gives where the annotation allows more, such as
`list[str] | None`) and `panel` (the heading of its group in `--help`). Nothing heavy is imported here: a `--help` or a
misspelt option is answered before torch is.
"""

import dataclasses
import inspect
import os
import signal
import sys
import threading
from collections.abc import Callable, Sequence
from enum import Enum
from math import inf
from typing import Annotated, Any, get_args, get_origin, get_type_hints

import typer
from typer.core import TyperCommand

from iepile_dataset.errors import visible

from .errors import TrainerError

__all__ = ["Commands", "check_options", "option", "terminate_as_interrupt"]


def option(default: Any, help: str, **rules: Any) -> Any:
    """A field of a dataclass of options; the rules are `choices`, `aliases`, a `range`, or the `panel` in `--help`."""
    return dataclasses.field(default=default, metadata={"help": help, **rules})


def check_options(options: Any) -> None:
    """Hold a dataclass of options against the `choices` and the `range` in the metadata of its fields.

    Raises:
        TrainerError: The first value that is not among them.
    """
    for option in dataclasses.fields(options):
        value, rules = getattr(options, option.name), option.metadata
        if value is None:
            continue
        for one in value if isinstance(value, list) and _is_list(option.type) else [value]:
            if one not in rules.get("choices", [one]):
                raise TrainerError(f"{option.name}={one!r} is unknown (one of {', '.join(map(str, rules['choices']))})")
        if "range" not in rules:
            continue
        least, most = rules["range"]
        if isinstance(value, bool) or not isinstance(value, int | float):
            raise TrainerError(f"{option.name}={value!r} is no number")
        if not least <= value <= most:
            bounds = f"{least:g} or more" if most == inf else f"{least:g} to {most:g}"
            raise TrainerError(f"--{option.name} {value:g} is out of range ({bounds})")


class Command(TyperCommand):
    """A command that takes both `--a-b` and `--a_b`, and several values after one option, as in `--task ner re`.

    A flag may have its value behind it, `--confidence false`, as the scripts of transformers and TRL have it.
    Where it has arguments that do not stand before, only values that the option's choices name are taken so.
    """

    def parse_args(self, ctx: Any, args: list[str]) -> list[str]:
        """Write each option with dashes, and again before each further value; then as ever."""
        return super().parse_args(ctx, self._written_out(args))

    def _written_out(self, args: Sequence[str]) -> list[str]:
        kinds = getattr(self.callback, "__annotations__", {})
        arguments = [parameter.nargs for parameter in self.params if parameter.param_type_name == "argument"]
        wanted = sum(arguments) if all(number > 0 for number in arguments) else inf
        # Options that may be repeated → their choices, which alone may follow where a word may be an argument.
        several = {
            name: _choices_in(kinds.get(parameter.name))
            for parameter in self.params
            if getattr(parameter, "multiple", False)
            for name in parameter.opts
        }
        flags = {
            name: {"true": flag.opts[:1], "false": flag.secondary_opts[:1]} if name in flag.opts else {}
            for flag in self.params
            if getattr(flag, "is_flag", False)
            for name in (*flag.opts, *flag.secondary_opts)
        }
        written: list[str] = []
        option, values = "", 0  # the option whose values are read, and how many it has
        for position, word in enumerate(args):
            if word == "--":
                return [*written, *args[position:]]
            if word.startswith("--"):
                name, *value = word.split("=", 1)
                option, values = name.replace("_", "-"), len(value)
                chosen = flags.get(option, {}).get("".join(value))
                written += ["=".join([option, *value])] if chosen is None else chosen
                option = "" if value else option
                continue
            if not values and word in flags.get(option, {}):
                written[-1:] = flags[option][word]
                option = ""
                continue
            if not option or option in flags or (values and option not in several):
                wanted -= 1
            elif values and (word.lower() in several[option] or not (several[option] or wanted > 0)):
                written.append(option)
            elif values:
                option = ""
                wanted -= 1
            values += 1
            written.append(word)
        return written


class Commands(typer.Typer):
    """A Typer whose commands are of the class `Command` and take the fields of dataclasses as options."""

    def command(self, name: str | None = None, **settings: Any) -> Any:
        """Add a function, see `with_options`; it stays as it is for who calls it from Python."""
        add = super().command(name, **{"cls": Command, **settings})

        def added(function: Callable[..., Any]) -> Callable[..., Any]:
            add(with_options(function))
            return function

        return added


def with_options(function: Callable[..., Any]) -> Callable[..., Any]:
    """A function for Typer in which each parameter that is a dataclass is replaced by the fields of that class.

    Args:
        function: Annotated with types, not with their names as text.

    Returns:
        The same function; a value that a dataclass refuses is one line on standard error, exit code 1.

    >>> @dataclasses.dataclass(frozen=True)
    ... class Options:
    ...     split_num: int = dataclasses.field(default=4, metadata={"help": "Most labels in one instruction."})
    >>> def ask(options: Options) -> None:
    ...     print(options)
    >>> run(ask, ["--split_num", "6"])
    Options(split_num=6)
    """
    parameters: list[inspect.Parameter] = []
    groups: dict[str, type] = {}
    for parameter in inspect.signature(function).parameters.values():
        kind = parameter.annotation
        if dataclasses.is_dataclass(kind) and isinstance(kind, type):
            groups[parameter.name] = kind
            parameters += _parameters(kind)
        else:
            parameters.append(parameter.replace(kind=inspect.Parameter.KEYWORD_ONLY))

    def command(**values: Any) -> Any:
        try:
            for name, kind in groups.items():
                own = [field for field in dataclasses.fields(kind) if field.name in values]
                values[name] = kind(**{field.name: _chosen(values.pop(field.name), field) for field in own})
        except ValueError as problem:
            print(f"error: {visible(str(problem))}", file=sys.stderr)
            raise typer.Exit(1) from None
        return function(**values)

    command.__name__, command.__doc__, command.__module__ = function.__name__, function.__doc__, function.__module__
    command.__signature__ = inspect.Signature(parameters)  # type: ignore[attr-defined]
    command.__annotations__ = {parameter.name: parameter.annotation for parameter in parameters}
    return command


def run(function: Callable[..., Any], argv: Sequence[str] | None = None, prog: str | None = None) -> None:
    """Run a function as a command of its own, with the options of its dataclasses.

    Args:
        function: As for `with_options`.
        argv: The arguments, those of this process by default.
        prog: The command's name in messages.

    Raises:
        SystemExit: Unless all went well: 2 for an unknown option or value, the function's own code otherwise.
    """
    terminate_as_interrupt()
    app = Commands(add_completion=False, pretty_exceptions_enable=False)
    app.command()(function)
    try:
        app(args=None if argv is None else list(argv), prog_name=prog)
    except SystemExit as end:
        if end.code:
            raise


def terminate_as_interrupt() -> None:
    """Let SIGTERM end this process as Ctrl-C does: what was begun is cleaned up. A parent's own choice stays."""
    if signal.getsignal(signal.SIGTERM) is signal.SIG_DFL and threading.current_thread() is threading.main_thread():
        signal.signal(signal.SIGTERM, signal.default_int_handler)
        # Who works for this process must end at once: a pool waits for all that it terminates.
        os.register_at_fork(after_in_child=_terminate_at_once)


def _terminate_at_once() -> None:
    if signal.getsignal(signal.SIGTERM) is signal.default_int_handler:
        signal.signal(signal.SIGTERM, signal.SIG_DFL)


def _parameters(kind: type) -> list[inspect.Parameter]:
    hints = get_type_hints(kind)
    parameters = []
    for field in dataclasses.fields(kind):
        if "help" not in field.metadata:
            continue
        make = field.default_factory
        default: Any = field.default if make is dataclasses.MISSING else make()
        annotation = field.metadata.get("type", hints[field.name])
        if choices := field.metadata.get("choices"):
            annotation = _with_choices(annotation, choices)
        dashed = field.name.replace("_", "-")
        option = typer.Option(
            f"--{dashed}/--no-{dashed}" if default is True else f"--{dashed}",
            *field.metadata.get("aliases", ()),
            help=field.metadata["help"].replace("%%", "%"),
            show_default=bool(default) and default is not True,
            case_sensitive=False,
            rich_help_panel=field.metadata.get("panel"),
        )
        parameter = inspect.Parameter(
            field.name, inspect.Parameter.KEYWORD_ONLY, annotation=Annotated[annotation, option]
        )
        parameters.append(parameter if default is dataclasses.MISSING else parameter.replace(default=default))
    return parameters


def _choices_in(annotation: Any) -> tuple[str, ...]:
    """The names of the enumeration that stands anywhere in an annotation; () where there is none."""
    inner = (name for part in get_args(annotation) for name in _choices_in(part))
    return tuple(getattr(annotation, "__members__", inner))


def _with_choices(annotation: Any, choices: Sequence[Any]) -> Any:
    """`str` in an annotation becomes an enumeration of the choices, which Typer checks: also in `list[str] | None`."""
    make_enumeration: Any = Enum  # whose members a checker of types would want to know
    one: Any = make_enumeration("Choice", {str(choice): str(choice) for choice in choices})
    kind: Any = list[one] if _is_list(annotation) else one
    return kind | None if type(None) in get_args(annotation) else kind


def _is_list(annotation: Any) -> bool:
    """Whether an annotation is `list[…]`, or that or None."""
    return any(get_origin(part) is list for part in (annotation, *get_args(annotation)))


def _chosen(value: Any, field: dataclasses.Field[Any]) -> Any:
    """A value from the command line as the dataclass has it: choices instead of members of an enumeration."""
    if isinstance(value, list | tuple):
        return [_chosen(one, field) for one in value]
    if isinstance(value, Enum):
        return next(choice for choice in field.metadata["choices"] if str(choice) == value.value)
    return value
