"""How texts are asked about and which results stay: the options that extraction adds to those of the engine."""

from dataclasses import dataclass, fields
from math import inf

from iepile_dataset.options import Options

from ..command_line import option
from ..engines.options import EngineOptions

__all__ = ["ExtractionOptions"]

_ROW_OPTIONS = {known.name: known.metadata["help"] for known in fields(Options)}
_CONFLICTS = ("keep", "best")
_PLACES = ("all", "first", "model")
_UNGROUNDED = ("drop", "keep")


@dataclass(frozen=True)
class ExtractionOptions(EngineOptions):
    """Which model extracts, and how; the help of each field says what it means."""

    split_num: int | None = option(
        None, "Most labels asked in one instruction; by default the task's own, -1 for all at once."
    )
    descriptions: bool = option(False, "Tell the model the schema's label descriptions, if it was trained so.")
    max_prompt_tokens: int | None = option(
        None,
        "Cut texts into windows so that no instruction is longer; where texts are extracted from, by default as long "
        "as those of the model's training.",
        range=(1, inf),
    )
    window_overlap: int = option(0, _ROW_OPTIONS["window_overlap"], range=(0, inf))
    min_confidence: float = option(0.0, "Leave out extractions that are less sure, 0 to 1.", range=(0, 1))
    conflicts: str = option("keep", "Different labels at one place: keep all, or the best.", choices=_CONFLICTS)
    places: str = option(
        "all",
        "Where an entity stands: each place of its mention, the first, or as often as the model says.",
        choices=_PLACES,
    )
    ungrounded: str = option(
        "drop",
        "Mentions that do not stand in the text: drop and count them, or keep them without a place.",
        choices=_UNGROUNDED,
    )
    confidence: bool = option(True, "Say how sure the model is of each unit.")
