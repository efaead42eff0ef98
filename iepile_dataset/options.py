"""What a user can say about the instructions to be made; the same names everywhere."""

from dataclasses import dataclass

from .problems import DataError, shown
from .tasks import LANGUAGES


@dataclass(frozen=True)
class Options:
    """How annotated text becomes instructions.

    Attributes:
        language: `en`, `zh`, or None for both.
        source: One source or several; None for all.
        split_num: The most labels in one instruction; None takes the task's own (6 for NER, 4 otherwise),
            -1 asks all at once.
        negatives: Which labels that do not occur in a training text are asked beside those that do: `all`,
            `none`, or the share of them, between 0 and 1, rounded up. Validation and test always ask every label.
        seed: Seeds the choice and the order of labels in the train split.
        epoch: Draws them anew from the same seed.
        strict: The first bad record is an error instead of being set aside.

    >>> Options(negatives="0.5").share
    0.5
    """

    language: str | None = None
    source: str | tuple[str, ...] | None = None
    split_num: int | None = None
    negatives: str | float = "all"
    seed: int = 42
    epoch: int = 0
    strict: bool = False

    def __post_init__(self) -> None:
        if self.language not in (None, *LANGUAGES):
            raise DataError(f"language={shown(self.language)} is unknown (en, zh, or leave it out for both)")
        if self.split_num is not None and (not _whole(self.split_num) or self.split_num < -1 or self.split_num == 0):
            raise DataError(f"split_num={shown(self.split_num)} (a number of labels from 1, or -1 for no splitting)")
        for name in ("seed", "epoch"):
            if not _whole(getattr(self, name)):
                raise DataError(f"{name}={shown(getattr(self, name))} is not a whole number")
        self.share  # noqa: B018 - refuses a wrong value now rather than in the middle of the work

    @property
    def share(self) -> float:
        """The share of absent labels that is asked: `all` is 1, `none` is 0."""
        named = {"all": 1.0, "none": 0.0}
        try:
            value = named[self.negatives] if self.negatives in named else float(self.negatives)
        except (TypeError, ValueError):
            value = -1.0
        if not 0 <= value <= 1:
            raise DataError(
                f"negatives={shown(self.negatives)} (all, none, or a share of the absent labels between 0 and 1)"
            )
        return value

    @property
    def sources(self) -> tuple[str, ...]:
        """The wanted sources; empty for all."""
        if self.source is None:
            return ()
        return (self.source,) if isinstance(self.source, str) else tuple(self.source)


def _whole(value: object) -> bool:
    return isinstance(value, int) and not isinstance(value, bool)
