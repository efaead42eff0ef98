"""A page before it is written: metadata, text with marked values, and where the metadata come from."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from .provenance import plain

README = "README.md"


@dataclass(frozen=True)
class Page:
    """What a card consists of.

    Attributes:
        kind: `model`, `dataset`, `metric` or `app`.
        data: A `huggingface_hub.CardData`, the YAML at the head.
        body: The text below it, as `provenance.render` gives it.
        origins: Key of the YAML → file and place that its value comes from.
        results: For each of `data.eval_results`, the file and place of its value.
        faults: What disagrees among the sources themselves: (place, what stands there, source, what it says).
    """

    kind: str
    data: Any
    body: str
    origins: Mapping[str, str] = field(default_factory=dict)
    results: tuple[str, ...] = ()
    faults: tuple[tuple[str, str, str, str], ...] = ()

    def card(self) -> Any:
        """As a `huggingface_hub.ModelCard`, `DatasetCard` or `SpaceCard`."""
        from huggingface_hub import DatasetCard, ModelCard, SpaceCard

        made = {"model": ModelCard, "dataset": DatasetCard}.get(self.kind, SpaceCard)
        return made(f"---\n{self.data.to_yaml()}\n---\n\n{plain(self.body)}")

    def write(self, folder: Path | str) -> Path:
        """Write README.md into a folder; give its path."""
        path = Path(folder) / README
        self.card().save(path)
        return path
