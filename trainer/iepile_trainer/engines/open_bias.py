"""The decision to say nothing: which tokens take it, and how much is given against it.

Three of four lists of an ordinary row are empty, so a model that has learnt little leaves all of them empty. What it
lacks is not the order of its guesses but where to draw the line: a constant on the log-odds moves it.
"""

from collections.abc import Sequence
from pathlib import Path
from typing import Any

from ..errors import TrainerError
from ..run_folder import is_finished, read_run
from .options import EngineOptions

_SPACES = "\u2581\u0120 "  # what SentencePiece and byte-level vocabularies write for a space


class ListTokens:
    """The tokens of a vocabulary by what they say where a list stands.

    Args:
        tokens: Every token as its vocabulary spells it, by its id.

    Attributes:
        nothing: Those that open a list and close it.
        something: Those that open a list with something in it.
        opening: Those that open a list and leave open what comes.
        closing: Those that, behind an opening one, say that nothing comes.
        going_on: Those that, behind an opening one, say that something comes.

    >>> lists = ListTokens(('{"', '[]', '": [],', '["', ': [', ']', '"'))
    >>> lists.nothing, lists.something, lists.opening, lists.closing
    ([1, 2], [3], [4], [5])
    """

    def __init__(self, tokens: Sequence[str]) -> None:
        self.nothing = [number for number, token in enumerate(tokens) if "[]" in token]
        self.something = [number for number, token in enumerate(tokens) if '["' in token or "[{" in token]
        self.opening = [number for number, token in enumerate(tokens) if token.rstrip(_SPACES).endswith("[")]
        self.closing = [number for number, token in enumerate(tokens) if token.startswith("]")]
        self.going_on = [number for number, token in enumerate(tokens) if token.startswith(('"', "{"))]
        self._whole = frozenset(self.something + self.nothing)
        self._opening, self._something, self._closing = map(frozenset, (self.opening, self.something, self.closing))

    @classmethod
    def of(cls, tokenizer: Any) -> "ListTokens":
        """Those of a tokenizer."""
        tokens = tokenizer.convert_ids_to_tokens(range(len(tokenizer)))
        return cls([(token or "").lstrip(_SPACES) for token in tokens])

    def decision(self, before: int | None, token: int) -> tuple[list[int], list[int], bool] | None:
        """The decision that a token takes: tokens for something, tokens for nothing, and whether it says something.

        Args:
            before: The token before it.
            token: The token.

        Returns:
            None where it decides nothing, or where the vocabulary leaves no choice.

        >>> ListTokens(('[]', '["', "[", "]", '"')).decision(2, 3)
        ([4], [3], False)
        """
        choice = None
        if token in self._whole:
            choice = self.something, self.nothing, token in self._something
        elif before in self._opening and before not in self._whole:
            choice = self.going_on, self.closing, token not in self._closing
        return choice if choice and choice[0] and choice[1] else None


class OpenBias:
    """Moves scores so that lists open more readily, or less.

    Args:
        tokenizer: Of the model.
        nats: Log-odds given to something against nothing; 0 changes nothing.
    """

    def __init__(self, tokenizer: Any, nats: float) -> None:
        self.nats, self._lists = nats, ListTokens.of(tokenizer)

    def __call__(self, scores: Any, previous: Any) -> Any:
        """The scores with the bias.

        Args:
            scores: (rows, vocabulary); not changed.
            previous: The token before, of each row.
        """
        import torch

        scores = scores.clone()
        scores[:, self._lists.nothing] -= self.nats
        opened = torch.isin(previous, torch.tensor(self._lists.opening, device=previous.device)).nonzero()
        scores[opened, torch.tensor(self._lists.closing, dtype=torch.long, device=scores.device)] -= self.nats
        return scores


def logit_bias(tokenizer: Any, options: EngineOptions) -> dict[int, float] | None:
    """The bias for an engine that only knows a constant for a token: those of a whole empty list; None for none.

    Raises:
        TrainerError: There is a bias, and no such token is known.
    """
    nats = bias_of(options)
    if not nats:
        return None
    nothing = [] if tokenizer is None else ListTokens.of(tokenizer).nothing
    if not nothing:
        remedy = "give --tokenizer" if tokenizer is None else "take --engine transformers"
        raise TrainerError(f"open_bias={nats:g}: no token for an empty list is known here ({remedy}, or --open_bias 0)")
    return dict.fromkeys(nothing, -nats)


def bias_of(options: EngineOptions) -> float:
    """The bias that the options name, or else the one that the run was calibrated to; 0 without either.

    >>> bias_of(EngineOptions("a/hub-id")), bias_of(EngineOptions("a/hub-id", open_bias=1.5))
    (0.0, 1.5)
    """
    if options.open_bias is not None:
        return options.open_bias
    run = Path(options.adapter or options.model)
    return float(read_run(run).get("open_bias") or 0.0) if is_finished(run) else 0.0


def best_bias(margins: Sequence[float], opened: Sequence[bool], favour: float = 1.0) -> float:
    """The bias with the best F-beta of the decision to open a list.

    Args:
        margins: Log-odds of something against nothing, of each list.
        opened: Whether the gold says something there.
        favour: Beta: 1 for F1, more for recall, less for precision.

    Returns:
        Nats, 0 where it is as good as any; never beyond all margins.

    >>> best_bias([-4.0, -3.0, -1.5, -1.0], [False, False, True, True])
    2.25
    >>> best_bias([-1.0, 2.0], [False, True])
    0.0
    """
    gold = sum(opened)
    if not gold:
        return 0.0

    def score(threshold: float) -> float:
        told = [is_open for margin, is_open in zip(margins, opened) if margin > threshold]
        return (1 + favour**2) * sum(told) / (len(told) + favour**2 * gold)

    ordered = sorted(set(margins))
    middles = [(low + high) / 2 for low, high in zip(ordered, ordered[1:])]
    threshold = max([0.0, *middles], key=lambda middle: (score(middle), -abs(middle)))
    return -threshold if threshold else 0.0
