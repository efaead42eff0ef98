"""The templates of the pages, and the JSON files that fill them."""

import json
import re
import shlex
from collections.abc import Iterable, Iterator
from contextlib import suppress
from functools import cache
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
    except RecursionError:
        raise ValueError(f"{path}: brackets too deep inside each other (write it anew)") from None
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
    return Fit(_read("citation.bib").strip())


def render(template: str, values: dict[str, Any]) -> str:
    """The text of a template of this package."""
    return _environment().get_template(template).render(values).strip() + "\n"


_CONTROL = re.compile(r"[\x00-\x1f\x7f-\x9f\u2028\u2029\u202a-\u202e\u2066-\u2069]+")


class Fit(str):
    """A text that is fit already for the place where a template puts it."""


def inline(value: Any) -> Any:
    r"""A value as Markdown that stays in its line, its cell and its words: no markup, link or HTML begins in it.

    Every value that a template shows goes through it, but for what filters made `Fit`.

    >>> print(inline("a | <b>\n[c](d) `e`"))
    a \| &lt;b&gt; \[c\](d) \`e\`
    """
    if isinstance(value, Fit | int | float | None):
        return value
    text = _CONTROL.sub(" ", str(value))
    return re.sub(r"([\\`\[\]|])", r"\\\1", text).replace("<", "&lt;").replace(">", "&gt;")


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
    return Fit("`" * max(3, longest + 1))


def _code(value: Any) -> str:
    """A value between backticks, which it does not end."""
    return Fit(_CONTROL.sub(" ", str(value)).replace("`", "'"))


def _json(value: Any) -> str:
    """JSON in a block of code, on one line."""
    return Fit(json.dumps(value, ensure_ascii=False).replace("\u2028", "\\u2028").replace("\u2029", "\\u2029"))


def _quoted(value: str) -> str:
    """A word for a shell, on one line, so that it does not end the block of code."""
    return Fit(shlex.quote(_CONTROL.sub(" ", value)))


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
        finalize=inline,
    )
    environment.filters |= {"fence": _fence, "fraction": fraction, "percent": percent, "whole": whole, "ours": Fit}
    environment.filters |= {"code": _code, "json": _json, "quoted": _quoted}
    environment.tests["raw"] = lambda config: config.startswith("raw_")
    return environment
