"""What a user can say about the instructions to be made: each option once, with its help, for every way to say it.

`load_dataset("iepile", …)` has them in its configuration, `iepile prepare` and `iepile train` as options of the command
line, the Python functions as `Options`. A new one is a field here and its use.
"""

import os
from collections.abc import Callable
from dataclasses import dataclass, field, fields
from typing import Any

from .errors import DataError, shown
from .licences import USES
from .tasks import LANGUAGES, TASKS

__all__ = ["NORMALISE", "CleanOptions", "ConvertOptions", "MiningOptions", "Options", "Selection"]


Valid = tuple[str, Callable[[Any], bool]]
"""What a value must be, in words and as a function."""

TEXT: Valid = "a path or name", lambda value: isinstance(value, str)
NAMES: Valid = (
    "the name of one source, or a list of names",
    lambda value: all(isinstance(name, str) for name in (value if isinstance(value, tuple) else (value,))),
)
WHOLE: Valid = "a whole number", lambda value: type(value) is int
SHARE: Valid = "a share from 0 to 1", lambda value: type(value) in (int, float) and 0 <= value <= 1
FLAG: Valid = "True or False", lambda value: type(value) is bool
LABELS: Valid = (
    "a number of labels from 1, or -1 for no splitting",
    lambda value: type(value) is int and (value > 0 or value == -1),
)
SENTENCES: Valid = "a number of sentences from 0", lambda value: type(value) is int and value >= 0
TOKENS: Valid = "a number of tokens from 1", lambda value: type(value) is int and value > 0
RULE: Valid = "a list of rules", lambda value: isinstance(value, tuple)
THRESHOLD: Valid = "a share of common shingles, above 0 and at most 1", lambda value: SHARE[1](value) and value > 0
TOP: Valid = "a number of labels from 1", TOKENS[1]
NEGATIVES: Valid = (
    "all, none, hard, or a share of the absent labels from 0 to 1",
    lambda value: value in ("all", "none", "hard") or SHARE[1](_number(value)),
)


NORMALISE = "normalise"
RULES = (NORMALISE, "empty", "leak", "contradiction", "duplicate", "near")
ENCODERS = ("ngrams", "sentence-transformers", "model2vec")


def option(default: Any, valid: Valid | tuple[str, ...], help: str, kind: Any = None) -> Any:
    """A field with its help.

    Args:
        default: Where it is None, None means that nothing is said.
        valid: The words that it may be, or what else its values are.
        help: What it does.
        kind: What the command line gives, where the annotation allows more.
    """
    metadata: dict[str, Any] = {"help": help}
    if callable(valid[1]):
        metadata["valid"] = valid
    else:
        metadata |= {"choices": valid, "valid": (f"one of {', '.join(valid)}", valid.__contains__)}
    return field(default=default, metadata=metadata | ({"type": kind} if kind else {}))


@dataclass(frozen=True)
class Checked:
    """A dataclass of options, whose values are looked at when it is made; paths may be `Path`, tuples lists.

    Raises:
        DataError: A field has no such value.
    """

    def __post_init__(self) -> None:
        for known in fields(self):
            value = getattr(self, known.name)
            if isinstance(value, list | os.PathLike):
                value = (tuple(value) or known.default) if isinstance(value, list) else os.fspath(value)
                object.__setattr__(self, known.name, value)
            wanted, valid = known.metadata["valid"]
            if (value is not None or known.default is not None) and not valid(value):
                raise DataError(f"{known.name}={shown(value)} is not {wanted}")


@dataclass(frozen=True)
class Selection(Checked):
    """Which sources of a corpus are meant.

    >>> Selection(source="towns").sources
    ('towns',)
    """

    language: str | None = option(None, LANGUAGES, "Only this language. Default: both.")
    source: str | tuple[str, ...] | None = option(None, NAMES, "Only this source; again for several.", list[str] | None)
    licence: str | None = option(
        None, USES, "Only sources whose licence words plainly allow this use; any: some known licence."
    )

    @property
    def sources(self) -> tuple[str, ...]:
        """The wanted sources; empty for all."""
        return (self.source,) if isinstance(self.source, str) else self.source or ()


@dataclass(frozen=True)
class Options(Selection):
    """How annotated text becomes instructions; what each field means stands in its help.

    Validation and test always ask every label, in the schema's order.

    Raises:
        DataError: A field has no such value.

    >>> Options(negatives="0.5").share
    0.5
    """

    split_num: int | None = option(
        None, LABELS, "Most labels in one instruction. Default: 6 for NER, 1 for KG, 4 otherwise; -1: all at once."
    )
    remainder: str = option(
        "even", ("even", "merge"),
        "Labels left over: spread over the batches, or the original's rule, whose last batch may exceed split_num.",
    )  # fmt: skip
    negatives: str | float = option(
        "all", NEGATIVES,
        "Labels asked of a training text that do not occur in it: all, none, a share of them from 0 to 1, rounded up, "
        "or hard: those that hard_negatives names for the labels that occur, and at most split_num others.",
        kind=str,
    )  # fmt: skip
    hard_negatives: str | None = option(
        None, TEXT, "Address of the dictionary for hard, flat or nested (iepile negatives mine makes one)."
    )
    max_empty: float | None = option(None, SHARE, "Largest share of training rows with an empty answer, 0 to 1.")
    seed: int = option(42, WHOLE, "Seeds the choice and order of labels in the train split.")
    epoch: int = option(0, WHOLE, "Draws them anew from the same seed.")
    descriptions: bool = option(
        False, FLAG, "Put the schema's label descriptions into the instruction, outside IEPile's own format."
    )
    max_prompt_tokens: int | None = option(
        None, TOKENS, "Most tokens of one instruction; batches, role lists and texts are cut to fit."
    )
    tokenizer: str | None = option(None, TEXT, "Folder, tokenizer.json or Hub name of the tokenizer that counts them.")
    window_overlap: int = option(
        0, SENTENCES, "Sentences that a window repeats of the one before, so that relations across its edge are found."
    )
    strict: bool = option(False, FLAG, "Stop at the first bad record instead of setting it aside.")

    def __post_init__(self) -> None:
        super().__post_init__()
        if self.hard_negatives and self.negatives != "hard":
            raise DataError(f"hard_negatives is given but negatives={shown(self.negatives)} (negatives=hard uses it)")
        if self.max_prompt_tokens and not self.tokenizer:
            raise DataError("max_prompt_tokens needs tokenizer= to count them (a name on the Hub or a path)")

    @property
    def share(self) -> float | None:
        """The share of absent labels that is asked: `all` is 1, `none` is 0, and None stands for `hard`."""
        return {"all": 1.0, "none": 0.0, "hard": None}.get(str(self.negatives), _number(self.negatives))


@dataclass(frozen=True)
class ConvertOptions(Checked):
    """How one file is converted, under the names of the original toolkit's converter; each field's help says more.

    Raises:
        DataError: A field has no such value, or hard negatives are asked for without their dictionary.

    >>> ConvertOptions(neg_schema=0.5).rows.share
    0.5
    """

    task: str = option("ner", tuple(TASKS), "The task, in any case.")
    language: str | None = option(None, LANGUAGES, "Of the prompts. Default: that of the letters.")
    split: str = option("train", ("train", "test"), "train: rows with output; test: rows with id and label.")
    split_num: int = option(
        4, LABELS, "Most labels in one instruction; -1: all at once; 6 is advised for NER, 1 for KG."
    )
    neg_schema: float = option(1.0, SHARE, "Share of the labels that do not occur in a training text and are asked.")
    random_sort: bool = option(False, FLAG, "Labels in random order, the same in each run. Default: by their letters.")
    cluster_mode: bool = option(
        False, FLAG, "Ask only hard negatives, and at most split_num others: those that hard_negative_path names."
    )
    hard_negative_path: str | None = option(None, TEXT, "The dictionary of hard negatives, for cluster_mode.")
    seed: int = option(42, WHOLE, "Seeds whatever is drawn.")
    strict: bool = option(False, FLAG, "Stop at the first bad record instead of setting it aside.")

    def __post_init__(self) -> None:
        super().__post_init__()
        if self.cluster_mode and not self.hard_negative_path:
            raise DataError("cluster_mode needs hard_negative_path, a dictionary (iepile negatives mine makes one)")

    @property
    def rows(self) -> Options:
        """The same, as options of the rows; a remainder joins the last batch, as there."""
        hard = self.cluster_mode and self.split == "train"
        return Options(
            split_num=self.split_num, remainder="merge", seed=self.seed, strict=self.strict,
            negatives="hard" if hard else self.neg_schema if self.split == "train" else "all",
            hard_negatives=self.hard_negative_path if hard else None,
        )  # fmt: skip


@dataclass(frozen=True)
class MiningOptions(Selection):
    """How labels that are easily taken for each other are found; what each field means stands in its help.

    Raises:
        DataError: A field has no such value.
    """

    by: str = option(
        "ngrams", ENCODERS, "How labels are compared: by their letters, or by an encoder where it is installed."
    )
    model: str | None = option(None, TEXT, "The encoder, of the Hub or a folder; a small one by default.")
    top: int = option(5, TOP, "A label's list holds so many closest ones, and those that it is among the closest of.")
    threshold: float = option(0.15, SHARE, "The least score, between 0 and 1.")
    predictions: str | None = option(
        None, TEXT, "A model's answers (JSON lines of iepile predict): add its own confusions."
    )
    overrides: str | None = option(
        None,
        TEXT,
        "A dictionary written by hand, {label: list} or {task: {source: {label: list}}}: its lists of labels replace "
        "what is found.",
    )


@dataclass(frozen=True)
class CleanOptions(Checked):
    """How a corpus is cleaned; what each field means stands in its help.

    Raises:
        DataError: A rule or a value is unknown, or no rule is left.

    >>> CleanOptions(only=("duplicate",)).rules
    ('duplicate',)
    """

    only: tuple[str, ...] = option((), RULE, "Only this rule; again for several. See above for their names.", list[str])
    skip: tuple[str, ...] = option((), RULE, "All but this rule; again for several.", list[str])
    threshold: float = option(
        0.8, THRESHOLD, "Near-duplicates share at least this part of their three-word or three-letter runs, up to 1."
    )
    leak_from: str = option(
        "train", ("train", "test"), "Which side loses a text that train shares with validation or test (test: both)."
    )

    def __post_init__(self) -> None:
        super().__post_init__()
        for name in (*self.only, *self.skip):
            if name not in RULES:
                raise DataError(f"rule {shown(name)} is unknown (one of {', '.join(RULES)})")
        if not self.rules:
            raise DataError("no rule is left (fewer --skip)")

    @property
    def rules(self) -> tuple[str, ...]:
        """The rules that are on, in the order in which they are applied."""
        return tuple(name for name in RULES if name in (self.only or (name,)) and name not in self.skip)


def _number(value: Any) -> float | None:
    try:
        return float(value)
    except (TypeError, ValueError):
        return None
