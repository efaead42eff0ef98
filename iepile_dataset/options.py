"""What a user can say about the instructions to be made; the same names everywhere."""

import os
from dataclasses import dataclass

from .errors import DataError, shown
from .licences import USES
from .tasks import LANGUAGES


@dataclass(frozen=True)
class Options:
    """How annotated text becomes instructions.

    Attributes:
        language: `en`, `zh`, or None for both.
        source: One source or several; None for all.
        licence: Only sources whose licence words plainly allow this use: `commercial`, `derivatives` or `any` (some
            known licence); see `licences`.
        split_num: The most labels in one instruction; None takes the task's own (6 for NER, 4 otherwise), -1 asks
            all at once.
        remainder: `even` spreads the labels over the batches; `merge` is the original's rule, whose last batch may
            exceed `split_num`.
        negatives: Which labels that do not occur in a training text are asked beside those that do: `all`, `none`,
            the share of them between 0 and 1, rounded up, or `hard`: those that `hard_negatives` names for the
            labels that occur, and at most `split_num` others. Validation and test always ask every label.
        hard_negatives: Address of the dictionary for `hard`, flat or nested; without one, `hard` means at most
            `split_num` others.
        max_empty: The largest share of training rows whose answer is entirely empty, 0 to 1; None for no limit.
        seed: Seeds the choice and the order of labels in the train split.
        epoch: Draws them anew from the same seed.
        descriptions: Put the schema's label descriptions into the instruction (outside IEPile's own format).
        max_prompt_tokens: The most tokens of one instruction; batches, role lists and texts are cut to fit.
        tokenizer: Name or path of the tokenizer that counts them.
        strict: The first bad record is an error instead of being set aside.

    >>> Options(negatives="0.5").share
    0.5
    """

    language: str | None = None
    source: str | tuple[str, ...] | None = None
    licence: str | None = None
    split_num: int | None = None
    remainder: str = "even"
    negatives: str | float = "all"
    hard_negatives: str | None = None
    max_empty: float | None = None
    seed: int = 42
    epoch: int = 0
    descriptions: bool = False
    max_prompt_tokens: int | None = None
    tokenizer: str | None = None
    strict: bool = False

    def __post_init__(self) -> None:
        for name in ("hard_negatives", "tokenizer"):
            if getattr(self, name) is not None:
                try:
                    object.__setattr__(self, name, os.fspath(getattr(self, name)))
                except TypeError:
                    raise DataError(f"{name}={shown(getattr(self, name))} is not a path or name") from None
        if not (isinstance(self.source, str | None) or _names(self.source)):
            raise DataError(f"source={shown(self.source)} (the name of one source, or a list of names)")
        if self.language not in (None, *LANGUAGES):
            raise DataError(f"language={shown(self.language)} is unknown (en, zh, or leave it out for both)")
        if self.licence not in (None, *USES):
            raise DataError(f"licence={shown(self.licence)} is unknown ({', '.join(USES)})")
        if self.split_num is not None and (not _whole(self.split_num) or self.split_num < -1 or self.split_num == 0):
            raise DataError(f"split_num={shown(self.split_num)} (a number of labels from 1, or -1 for no splitting)")
        if self.remainder not in ("even", "merge"):
            raise DataError(f"remainder={shown(self.remainder)} (even, or merge for the original's rule)")
        for name in ("descriptions", "strict"):
            if not isinstance(getattr(self, name), bool):
                raise DataError(f"{name}={shown(getattr(self, name))} is neither True nor False")
        for name in ("seed", "epoch"):
            if not _whole(getattr(self, name)):
                raise DataError(f"{name}={shown(getattr(self, name))} is not a whole number")
        self.share  # noqa: B018 - refuses a wrong value now rather than in the middle of the work
        if self.hard_negatives and self.negatives != "hard":
            raise DataError(f"hard_negatives is given but negatives={shown(self.negatives)} (negatives=hard uses it)")
        if self.max_empty is not None and not (_number(self.max_empty) and 0 <= self.max_empty <= 1):
            raise DataError(f"max_empty={shown(self.max_empty)} is not a share between 0 and 1")
        if self.max_prompt_tokens is not None:
            if not _whole(self.max_prompt_tokens) or self.max_prompt_tokens < 1:
                raise DataError(f"max_prompt_tokens={shown(self.max_prompt_tokens)} is not a number of tokens from 1")
            if not self.tokenizer:
                raise DataError("max_prompt_tokens needs tokenizer= to count them (a name on the Hub or a path)")

    @property
    def share(self) -> float | None:
        """The share of absent labels that is asked: `all` is 1, `none` is 0, and None stands for `hard`."""
        if self.negatives == "hard":
            return None
        named = {"all": 1.0, "none": 0.0}
        try:
            value = named[self.negatives] if self.negatives in named else float(self.negatives)
        except (TypeError, ValueError):
            value = -1.0
        if not 0 <= value <= 1:
            raise DataError(
                f"negatives={shown(self.negatives)} (all, none, hard, or a share of the absent labels from 0 to 1)"
            )
        return value

    @property
    def sources(self) -> tuple[str, ...]:
        """The wanted sources; empty for all."""
        if self.source is None:
            return ()
        return (self.source,) if isinstance(self.source, str) else tuple(self.source)


def _names(value: object) -> bool:
    return isinstance(value, list | tuple) and all(isinstance(name, str) for name in value)


def _whole(value: object) -> bool:
    return isinstance(value, int) and not isinstance(value, bool)


def _number(value: object) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool)
