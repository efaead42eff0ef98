"""A page before it is written: metadata, a template and what fills it, and where all that comes from."""

import os
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
from secrets import token_hex
from typing import Any

from .template import render

README = "README.md"


@dataclass(frozen=True)
class Page:
    """What a card consists of.

    Attributes:
        kind: `model`, `dataset`, `metric` or `app`; the template's name, too.
        data: A `huggingface_hub.CardData`, the YAML at the head.
        values: What fills the template and is no source's: functions, names, whether there is a picture.
        sourced: What fills it from a source: name → value, and what stands before the place of a part of it in that
            source, such as `run.json `.
        origins: Key of the YAML → file and place that its value comes from.
        faults: What disagrees among the sources themselves: (place, what stands there, source, what it says).
    """

    kind: str
    data: Any
    values: Mapping[str, Any]
    sourced: Mapping[str, Sequence[Any]]
    origins: Mapping[str, str] = field(default_factory=dict)
    faults: tuple[tuple[str, str, str, str], ...] = ()

    @cached_property
    def body(self) -> str:
        """The text below the head."""
        return self.render(self.sourced)

    def render(self, sourced: Mapping[str, Sequence[Any]]) -> str:
        """The text below the head, filled with other values of its sources."""
        return render(f"{self.kind}.md.jinja", {**self.values, **{name: value for name, (value, _) in sourced.items()}})

    def card(self) -> Any:
        """As a `huggingface_hub.ModelCard`, `DatasetCard` or `SpaceCard`."""
        from huggingface_hub import DatasetCard, ModelCard, SpaceCard

        card = {"model": ModelCard, "dataset": DatasetCard}.get(self.kind, SpaceCard)
        return card(f"---\n{self.data.to_yaml()}\n---\n\n{self.body}")

    def write(self, folder: Path | str) -> Path:
        """Write README.md into a folder; give its path."""
        return write_text(Path(folder) / README, str(self.card()))


def write_text(path: Path, text: str) -> Path:
    """Write a file in one step: who reads it sees the old text or the new; give its path.

    Raises:
        ValueError: It cannot be written; what was there is there still.
    """
    path.parent.mkdir(parents=True, exist_ok=True)
    beside = path.with_name(f".{path.name[:80]}-{token_hex(8)}")
    try:
        with beside.open("w", encoding="utf-8") as file:
            file.write(text)
            file.flush()
            os.fsync(file.fileno())
        beside.replace(path.resolve())
    except OSError as error:
        raise ValueError(f"{path}: cannot be written: {error.strerror} (make room, or choose another place)") from None
    finally:
        beside.unlink(missing_ok=True)
    return path


def on_hub(name: str | None) -> bool:
    """Whether a name can be a Hub id: two parts, and no folder of that name at hand."""
    if not name or name.startswith((".", "/", "~")) or Path(name).exists():
        return False
    return bool(re.fullmatch(r"[\w.-]+/[\w.-]+", name))


def public_name(path: str) -> str:
    """A Hub name as it is, a folder of this machine by its last name alone.

    >>> public_name("someone/base-1b"), public_name("/home/me/models/base")
    ('someone/base-1b', 'base')
    """
    return path if on_hub(path) else Path(path).name
