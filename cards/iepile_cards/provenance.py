"""Values that know which file and place they come from, and templates that keep that knowledge.

A card is rendered once with marks around every value. Without the marks it is the page; with them it can be
compared with a page, value by value, and each difference can name its source.
"""

import json
import re
from collections.abc import Iterable
from functools import cache
from importlib import resources
from pathlib import Path
from typing import Any

import jinja2

from .dataset_files import is_raw

# Characters for private use: they stand in no text that is meant to be read.
_OPEN, _MIDDLE, _CLOSE = "\ue000", "\ue001", "\ue002"
_MARKED = re.compile(f"{_OPEN}([^{_MIDDLE}]*){_MIDDLE}([^{_CLOSE}]*){_CLOSE}")
_MARKS = re.compile(f"[{_OPEN}{_MIDDLE}{_CLOSE}]")


class Text(str):
    """Text with the place it comes from."""

    source = ""


class Whole(int):
    """A whole number with the place it comes from."""

    source = ""


class Decimal(float):
    """Another number with the place it comes from."""

    source = ""


def told(value: Any, source: str) -> Any:
    """The same value, each part of which knows its place.

    Args:
        value: JSON data. True, False and None stay as they are.
        source: File and place, such as `scores.json test.ner`.

    >>> scores = told({"test": {"f1": 0.5}}, "scores.json")
    >>> scores["test"]["f1"] + 1, scores["test"]["f1"].source
    (1.5, 'scores.json test.f1')
    """
    if isinstance(value, dict):
        return {key: told(part, _deeper(source, str(key))) for key, part in value.items()}
    if isinstance(value, list | tuple):
        return [told(part, f"{source}[{place}]") for place, part in enumerate(value)]
    if value is None or isinstance(value, bool):
        return value
    for kind, marked in ((str, Text), (int, Whole), (float, Decimal)):
        if isinstance(value, kind):
            result: Any = marked(_MARKS.sub("", value) if isinstance(value, str) else value)
            result.source = source
            return result
    raise TypeError(f"{source}: {type(value).__name__} is not JSON")


def read_json(path: Path) -> Any:
    """The object in a JSON file, None where there is no file.

    Raises:
        ValueError: It is not JSON, or no object.
    """
    try:
        found = json.loads(path.read_text("utf-8"))
    except FileNotFoundError:
        return None
    except ValueError as error:
        raise ValueError(f"{path}: not JSON: {error} (write it anew)") from None
    if not isinstance(found, dict):
        raise ValueError(f"{path}: not a JSON object (write it anew)")
    return found


def render(template: str, **values: Any) -> str:
    """The text of a template of this package, its values in marks; see `pieces` and `plain`."""
    return _environment().get_template(template).render(**values).strip() + "\n"


def plain(marked: str) -> str:
    """Rendered text as it is read.

    >>> plain("F1 \\ue000scores.json f1\\ue0010.5\\ue002")
    'F1 0.5'
    """
    return _MARKED.sub(r"\2", marked)


def pieces(marked: str) -> list[tuple[str, str | None]]:
    """Cut rendered text into (text, source of that value); None for the template's own words.

    >>> pieces("F1 \\ue000scores.json f1\\ue0010.5\\ue002!")
    [('F1 ', None), ('0.5', 'scores.json f1'), ('!', None)]
    """
    found: list[tuple[str, str | None]] = []
    end = 0
    for match in _MARKED.finditer(marked):
        found += [(marked[end : match.start()], None), (match[2], match[1])]
        end = match.end()
    return [(text, source) for text, source in [*found, (marked[end:], None)] if text or source]


def _deeper(source: str, key: str) -> str:
    return f"{source}.{key}" if " " in source else f"{source} {key}"


def _source(*values: Any) -> str:
    return next((value.source for value in values if isinstance(value, Text | Whole | Decimal)), "")


def _of(text: str, *values: Any) -> Any:
    """Text made of values, with the source of the first that has one."""
    source = _source(*values)
    return told(text, source) if source else text


def _marked(value: Any) -> Any:
    if not isinstance(value, Text | Whole | Decimal):
        return value
    # A value of several lines is marked line by line: pages are compared by lines.
    return "\n".join(f"{_OPEN}{value.source}{_MIDDLE}{line}{_CLOSE}" for line in str(value).split("\n"))


def _joined(values: Iterable[Any], between: str = ", ") -> Any:
    values = list(values)
    return _of(between.join(map(str, values)), *values)


def _cell(value: Any) -> Any:
    """A value that fits into one cell of a table."""
    return _of(re.sub(r"\s*[\r\n]+\s*", " ", str(value)).replace("|", "\\|"), value)


def _fence(texts: Iterable[str]) -> str:
    """A fence for code that none of the texts ends."""
    longest = max((len(ticks) for text in texts for ticks in re.findall("`+", text)), default=0)
    return "`" * max(3, longest + 1)


@cache
def _environment() -> jinja2.Environment:
    environment = jinja2.Environment(
        loader=jinja2.FunctionLoader(lambda name: resources.files(__package__).joinpath(name).read_text("utf-8")),
        finalize=_marked,
        trim_blocks=True,
        lstrip_blocks=True,
        keep_trailing_newline=True,
        autoescape=False,  # Markdown
    )
    environment.filters |= {
        "cell": _cell,
        "fence": _fence,
        "fraction": lambda value: _of(f"{value:.4f}", value) if isinstance(value, int | float) else "?",
        "join": _joined,
        "of": lambda value, source: told(str(value), source),
        "percent": lambda value: _of(f"{value:.1%}", value),
        "whole": lambda value: _of(f"{value:,}", value) if isinstance(value, int | float) else "?",
    }
    environment.tests["raw"] = is_raw
    return environment
