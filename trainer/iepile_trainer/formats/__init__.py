"""Prompt formats: the chat template that turns one instruction into a prompt.

A chat model brings its own template; a base model gets `plain`. Whichever it is, it is saved with the
tokenizer as `chat_template.jinja`, so that prediction and every other tool see the prompt of the training.

Templates write the tokenizer's first token (BOS) themselves and are tokenised without special tokens: a prompt
has exactly one, whether or not the tokenizer would add it on its own, and none where the tokenizer has none.
The end token stands inside the `{% generation %}` block: it is learnt.
"""

from typing import Any

from ..errors import TrainerError
from .probe import try_template
from .shipped import Format, find, shipped

__all__ = ["OWN", "Format", "end_token_id", "find", "shipped", "stop_token_ids", "use_format"]

OWN = "tokenizer"  # the name of a template that the tokenizer brought along

_MARK = "iepile-answer"


def use_format(tokenizer: Any, name: str | None = None) -> str:
    """Give `tokenizer` the prompt format `name` and say which one it has now.

    Args:
        tokenizer: A transformers tokenizer; its `chat_template` and a missing pad token are set in place.
        name: A shipped format or an alias; `tokenizer` for the template that the tokenizer has; None for the
            same, and `plain` where it has none.

    Returns:
        The format's name, `"tokenizer"` for a template of the tokenizer's own.

    Raises:
        TrainerError: Unknown format, a tokenizer without an end token, or without the template asked for; a template of
            its own that cannot be used, see `probe`.
    """
    if tokenizer.eos_token_id is None:
        raise TrainerError(
            "the tokenizer has no end token, no model could learn to stop (set eos_token in tokenizer_config.json)"
        )
    if tokenizer.pad_token_id is None:
        tokenizer.pad_token = tokenizer.eos_token
    if name in (None, OWN) and tokenizer.chat_template is not None:
        if used := _used(tokenizer):
            return used.name
        try_template(tokenizer)
        return OWN
    if name == OWN:
        raise TrainerError("the tokenizer has no chat template of its own (name a format: `iepile formats` lists them)")
    format = find(name or "plain")
    tokenizer.chat_template = format.template
    return format.name


def end_token_id(tokenizer: Any) -> int:
    """The token that ends an answer: the one its template writes after it, else the tokenizer's end token.

    The two differ for some chat models, whose template closes a turn with a token of its own. A tokenizer that
    does not have that token ends answers with its own.
    """
    turns = [{"role": "user", "content": "?"}, {"role": "assistant", "content": _MARK}]
    after = tokenizer.apply_chat_template(turns, tokenize=False).rpartition(_MARK)[2]
    special = {id for id, token in tokenizer.added_tokens_decoder.items() if token.special}
    ids = tokenizer(after, add_special_tokens=False)["input_ids"]
    return next((id for id in ids if id in special), tokenizer.eos_token_id)


def stop_token_ids(tokenizer: Any) -> list[int]:
    """All tokens at which prediction stops: the end of an answer, the tokenizer's end token, the format's others.

    A model that was not trained further, or not for long, may still close its turns as its makers taught it.
    """
    used, known = _used(tokenizer), tokenizer.get_added_vocab()
    others = {known[token] for token in (used.stop if used else ()) if token in known}
    return sorted({end_token_id(tokenizer), tokenizer.eos_token_id} | others)


def _used(tokenizer: Any) -> Format | None:
    """The shipped format that a tokenizer has, also when it comes back from a run folder."""
    return next((format for format in shipped() if format.template == tokenizer.chat_template), None)
