"""The templates of the pages, and the JSON files that fill them."""

import json
import re
import shlex
from collections.abc import Iterable, Iterator
from contextlib import suppress
from functools import cache, partial
from importlib import resources
from itertools import islice
from pathlib import Path
from typing import Any

import jinja2

__all__ = ["read_json"]


def read_json(path: Path) -> Any:
    """The object in a JSON file, None where there is no file.

    Raises:
        ValueError: It is not JSON, or no object.
    """
    try:
        content = json.loads(path.read_text("utf-8"))
    except FileNotFoundError:
        return None
    except ValueError as error:
        raise ValueError(f"{path}: not JSON: {error} (write it anew)") from None
    if not isinstance(content, dict):
        raise ValueError(f"{path}: not a JSON object (write it anew)")
    return content


def read_lines(path: Path, most: int) -> Iterator[tuple[int, dict[str, Any]]]:
    """Number and object of the first lines of a file; what is no JSON object is passed over."""
    with path.open(encoding="utf-8") as lines:
        for number, line in enumerate(islice(lines, most), 1):
            with suppress(ValueError):
                if isinstance(row := json.loads(line), dict):
                    yield number, row


def citation() -> str:
    """BibTeX of the corpus's paper."""
    return _read("citation.bib").strip()


def render(template: str, values: dict[str, Any]) -> str:
    """The text of a template of this package."""
    return _environment().get_template(template).render(values).strip() + "\n"


def cell(value: Any) -> str:
    r"""A value that fits into one cell of a table.

    >>> cell("a | b\nc")
    'a \\| b c'
    """
    return re.sub(r"\s*[\r\n]+\s*", " ", str(value)).replace("|", "\\|")


def fraction(value: Any) -> str:
    """Four decimals."""
    return f"{value:.4f}" if isinstance(value, int | float) else "?"


def percent(value: float) -> str:
    """One decimal."""
    return f"{value:.1%}"


def whole(value: Any) -> str:
    """A number with commas between thousands."""
    return f"{value:,}" if isinstance(value, int | float) else "?"


def _fence(texts: Iterable[str]) -> str:
    """A fence for code that none of the texts ends."""
    longest = max((len(ticks) for text in texts for ticks in re.findall("`+", text)), default=0)
    return "`" * max(3, longest + 1)


def _read(name: str) -> str:
    return resources.files(__package__).joinpath(name).read_text("utf-8")


@cache
def _environment() -> jinja2.Environment:
    environment = jinja2.Environment(
        loader=jinja2.FunctionLoader(_read),
        trim_blocks=True,
        lstrip_blocks=True,
        keep_trailing_newline=True,
        autoescape=False,  # Markdown
    )
    environment.filters |= {"cell": cell, "fence": _fence, "fraction": fraction, "percent": percent, "whole": whole}
    environment.filters |= {"json": partial(json.dumps, ensure_ascii=False), "quoted": shlex.quote}
    environment.tests["raw"] = lambda config: config.startswith("raw_")
    return environment
