"""Prompt formats: the chat template that turns one instruction into a prompt.

A chat model brings its own template; a base model gets `plain`. Whichever it is, it is saved with the
tokenizer as `chat_template.jinja`, so that prediction and every other tool see the prompt of the training.
"""

from importlib.resources import files
from typing import Any

from .. import TrainerError

_MARK = "iepile-answer"


def names() -> list[str]:
    """The formats shipped here.

    >>> "plain" in names()
    True
    """
    return sorted(file.name.removesuffix(".jinja") for file in files(__package__).iterdir() if _is_template(file))


def use_format(tokenizer: Any, name: str | None = None) -> str:
    """Give `tokenizer` the prompt format `name` and say which one it has now.

    Args:
        tokenizer: A transformers tokenizer; its `chat_template` and a missing pad token are set in place.
        name: A shipped format, or None for the tokenizer's own template, `plain` where it has none.

    Returns:
        The format's name, `"tokenizer"` for a template of the tokenizer's own.

    Raises:
        TrainerError: Unknown format, or a tokenizer without an end token.
    """
    if tokenizer.eos_token_id is None:
        raise TrainerError(
            "the tokenizer has no end token, no model could learn to stop (set eos_token in tokenizer_config.json)"
        )
    if tokenizer.pad_token_id is None:
        tokenizer.pad_token = tokenizer.eos_token
    if name is None:
        name = _shipped_name(tokenizer.chat_template)
        if name is not None:
            return name
        name = "plain"
    if name not in names():
        raise TrainerError(f"prompt format {name!r} is unknown (one of {', '.join(names())}, or leave it out)")
    tokenizer.chat_template = _read(name)
    return name


def end_token_id(tokenizer: Any) -> int:
    """The token that ends an answer: the one its template writes after it, else the tokenizer's end token.

    The two differ for some chat models, whose template closes a turn with a token of its own.
    """
    turns = [{"role": "user", "content": "?"}, {"role": "assistant", "content": _MARK}]
    after = tokenizer.apply_chat_template(turns, tokenize=False).rpartition(_MARK)[2]
    special = {id for id, token in tokenizer.added_tokens_decoder.items() if token.special}
    ids = tokenizer(after, add_special_tokens=False)["input_ids"]
    return next((id for id in ids if id in special), tokenizer.eos_token_id)


def _shipped_name(template: str | None) -> str | None:
    """Name a template: a shipped one read back from a run folder keeps its name."""
    if template is None:
        return None
    return next((name for name in names() if _read(name) == template), "tokenizer")


def _read(name: str) -> str:
    return (files(__package__) / f"{name}.jinja").read_text(encoding="utf-8")


def _is_template(file: Any) -> bool:
    return bool(file.name.endswith(".jinja"))
