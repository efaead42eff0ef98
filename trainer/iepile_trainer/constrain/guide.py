"""Grammars at work: what each row of a batch may write next. llguidance does the work."""

import json
from collections.abc import Iterable, Sequence
from copy import copy
from typing import Any

from ..errors import TrainerError, import_extra


class Vocabulary:
    """A tokenizer as llguidance needs it; made once.

    Args:
        tokenizer: A fast transformers tokenizer.
        ends: Tokens that may end an answer.

    Raises:
        TrainerError: llguidance is not installed, or cannot read this tokenizer.
    """

    def __init__(self, tokenizer: Any, ends: list[int]) -> None:
        llguidance = import_extra("llguidance", "constrain", "constrained answers: ")
        try:
            self.tokens = llguidance.LLTokenizer(_described(tokenizer), eos_token=ends)
        except (AttributeError, ValueError) as problem:  # a tokenizer in Python has no backend
            raise TrainerError(f"answers of this tokenizer cannot be constrained: {problem}") from None
        self.executor = llguidance.LLExecutor()


def _described(tokenizer: Any) -> str:
    """A fast tokenizer as JSON, in words that llguidance knows: it lacks the decoder that T5's tokenizers have."""
    fast = copy(tokenizer.backend_tokenizer)
    fast.no_padding()
    fast.no_truncation()
    description = json.loads(fast.to_str())
    if (description.get("decoder") or {}).get("type") == "Metaspace":
        space = {"type": "Replace", "pattern": {"String": "\u2581"}, "content": " "}
        description["decoder"] = {"type": "Sequence", "decoders": [space, {"type": "ByteFallback"}, {"type": "Fuse"}]}
    return json.dumps(description, ensure_ascii=False)


class Grammars:
    """The grammars of one batch.

    Args:
        vocabulary: Of the model.
        grammars: Of each row, see `lark`.
    """

    def __init__(self, vocabulary: Vocabulary, grammars: Iterable[str]) -> None:
        from llguidance import LLMatcher

        self._vocabulary = vocabulary
        self._matchers = [LLMatcher(vocabulary.tokens, grammar, log_level=0) for grammar in grammars]

    def allowed(self, rows: Sequence[int]) -> Any:
        """The tokens that may come next, a bool array of (rows, vocabulary)."""
        import numpy as np
        from llguidance.numpy import allocate_token_bitmask, fill_next_token_bitmask_par

        size = self._vocabulary.tokens.vocab_size
        bits = allocate_token_bitmask(len(rows), size)
        matchers = [(self._matchers[row], place) for place, row in enumerate(rows)]
        fill_next_token_bitmask_par(self._vocabulary.executor, matchers, bits)
        return np.unpackbits(bits.view(np.uint8), axis=1, bitorder="little", count=size).view(bool)

    def take(self, row: int, token: int) -> bool:
        """Note the token that came; True where nothing can follow but the end."""
        matcher = self._matchers[row]
        matcher.consume_token(token)
        return bool(matcher.is_stopped() and not matcher.is_error())

    def error(self, row: int) -> str | None:
        """Why the row cannot go on: a text too long for its grammar, a vocabulary that cannot write JSON."""
        matcher = self._matchers[row]
        if not matcher.is_error():
            return None
        return f"the answer cannot be constrained: {matcher.get_error().strip().splitlines()[0]}"
