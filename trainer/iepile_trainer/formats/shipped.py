"""The formats that lie beside this file: a template each, and `formats.toml` for what templates cannot say."""

import tomllib
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache
from importlib.resources import files
from typing import Any

from iepile_dataset.errors import did_you_mean

from ..errors import TrainerError

_MARK = "iepile-mark"


@dataclass(frozen=True)
class Format:
    """A prompt format.

    Attributes:
        name: Its name, also that of its file.
        template: The Jinja chat template.
        families: The base models, as the corpus names them, that it is for.
        aliases: Other names for it.
        stop: Tokens beside its end token at which prediction stops, too.
        unverified: There is no original to compare it with.
    """

    name: str
    template: str
    families: Sequence[str] = ()
    aliases: Sequence[str] = ()
    stop: Sequence[str] = ()
    unverified: bool = False

    def render(
        self, messages: Sequence[dict[str, str]], bos: str = "<<BOS>>", eos: str = "<<EOS>>", prompt: bool = False
    ) -> str:
        """A conversation as one string, as a tokenizer with this template renders it.

        Args:
            messages: Turns, each with its `role` (system, user, assistant) and `content`. A system turn replaces
                the format's own system text, an empty one leaves it out.
            bos: What stands for the tokenizer's first token.
            eos: What stands for its end token.
            prompt: Go on to where the assistant's answer begins.

        >>> find("belle").render([{"role": "user", "content": "Who?"}], prompt=True)
        '<<BOS>>Human: Who?\\n\\nBelle: '
        """
        from transformers.utils.chat_template_utils import render_jinja_template

        (text,), _ = render_jinja_template(
            [list(messages)], chat_template=self.template, add_generation_prompt=prompt, bos_token=bos, eos_token=eos
        )
        return str(text)

    @property
    def has_system(self) -> bool:
        """Whether there is a system text where the conversation brings none."""
        question = {"role": "user", "content": _MARK}
        return self.render([question]) != self.render([{"role": "system", "content": ""}, question])

    @property
    def end(self) -> str | None:
        """The token that ends an answer, None for the tokenizer's own end token."""
        turns = [{"role": "user", "content": ""}, {"role": "assistant", "content": _MARK}]
        return self.render(turns, eos="").rpartition(_MARK)[2] or None


@cache
def shipped() -> tuple[Format, ...]:
    """All formats, by name.

    >>> [format.name for format in shipped() if "llama" in format.families]
    ['llama2', 'llama2_zh', 'llama3', 'llama3_zh']
    """
    folder = files(__package__)
    known: dict[str, Any] = tomllib.loads((folder / "formats.toml").read_text(encoding="utf-8"))
    templates = {name: file for file in folder.iterdir() if (name := file.name.removesuffix(".jinja")) != file.name}
    return tuple(
        Format(name, templates[name].read_text(encoding="utf-8"), **known.get(name, {})) for name in sorted(templates)
    )


def find(name: str) -> Format:
    """The format of a name or alias.

    >>> find("llama").name
    'llama2'
    >>> find("lama2")
    Traceback (most recent call last):
    iepile_trainer.TrainerError: prompt format 'lama2' is unknown (do you mean "llama2"?)
    """
    by_name = {known: format for format in shipped() for known in (format.name, *format.aliases)}
    if name in by_name:
        return by_name[name]
    raise TrainerError(f"prompt format {name!r} is unknown{did_you_mean(name.lower(), by_name)}")
