"""A shape as a grammar: the Lark dialect of llguidance, which vLLM takes as well."""

import json
import re
from functools import cache
from importlib.resources import files
from json.encoder import encode_basestring as quote
from typing import Any, NamedTuple

from .shapes import Each, Keys, Leaf, Named, Shape

# A word of an alphabet with spaces between words (Latin, Greek, Cyrillic), a number, or one character of another kind:
# Chinese does not say where a word ends. Letter by letter, weak models quote pieces of words.
_PIECES = re.compile("[^\\W\\d_\u0590-\U0010ffff]+|[0-9]+|.", re.DOTALL)


class Spelling(NamedTuple):
    """What a tokenizer adds to an answer, and takes away when it decodes: a space, or nothing.

    Attributes:
        lead: Before the whole answer; tokenizers of the SentencePiece kind do so.
        inside: Behind a quotation mark, before a word; those of the quickstart do so.
    """

    lead: str = ""
    inside: str = ""


PLAIN = Spelling()


def spelling_of(tokenizer: Any) -> Spelling:
    """How a tokenizer writes answers, found out from one."""
    ids = tokenizer('{"a": ["b"]}', add_special_tokens=False)["input_ids"]
    written = "".join(tokenizer.convert_ids_to_tokens(ids)).replace("\u2581", " ").replace("\u0120", " ")
    return Spelling(" " if written.startswith(" ") else "", " " if '" b' in written else "")


def lark(shape: Keys, text: str | None, spelling: Spelling = PLAIN) -> str:
    r"""The grammar of answers of one shape.

    Args:
        shape: Of the whole answer.
        text: What its strings must quote, in whole words; None for any string.
        spelling: How the model's tokenizer writes an answer.

    Returns:
        A Lark grammar with llguidance's `%regex` of substrings.

    >>> from .shapes import MENTIONS
    >>> for line in lark(Keys((("city", MENTIONS),)), "Ulm").splitlines():
    ...     if line.startswith(("answer", "STRETCH")):
    ...         print(line)
    answer: "{\"" "city\": " mentions "}"
    STRETCH: %regex {"substring_chunks": ["Ulm"]}
    """
    rules = _Rules(spelling.inside)
    rules.add("answer", shape)
    # quote() escapes what JSON escapes; an escape is one piece, so that no stretch begins or ends inside it.
    pieces = None
    if text is not None:
        pieces = json.dumps({"substring_chunks": [quote(piece)[1:-1] for piece in _PIECES.findall(text)]})
    return _template().render(rules=rules.lines, pieces=pieces, spelling=spelling)


class _Rules:
    """Rules of a grammar; equal shapes have one rule."""

    def __init__(self, inside: str) -> None:
        self._inside = f' "{inside}"?' if inside else ""
        self.lines: list[str] = []
        self._named: dict[Shape, str] = {}

    def add(self, name: str, shape: Shape) -> None:
        self.lines.append(f"{name}: {self._body(shape)}")

    def name(self, shape: Shape) -> str:
        if isinstance(shape, Leaf):
            return shape.rule
        if shape not in self._named:
            self._named[shape] = f"part{len(self._named)}"
            self.add(self._named[shape], shape)
        return self._named[shape]

    def _body(self, shape: Shape) -> str:
        match shape:
            case Each(item):
                one = self.name(item)
                return f'"[]" | "[" {one} (", " {one})* "]"'
            case Named(value):
                one = f'mention ": " {self.name(value)}'
                return f'"{{}}" | "{{" {one} (", " {one})* "}}"'
            case Keys(keys, optional, empty) if not optional:
                opening = ["{", *[", "] * len(keys)]
                parts = [f"{self._key(before, key)} {self.name(inner)}" for before, (key, inner) in zip(opening, keys)]
                whole = " ".join([*parts, '"}"']) if parts else '"{}"'
                return f'{whole} | "{{}}"' if empty and parts else whole
            case Keys(keys):
                return self._some(keys)
            case _:
                return shape.rule

    def _key(self, before: str, key: str) -> str:
        """A key with what stands around it; a string of the grammar has JSON's own form."""
        return f"{json.dumps(before + chr(34))}{self._inside} {json.dumps(quote(key)[1:] + ': ')}"

    def _some(self, keys: Any) -> str:
        """Any of the keys, in their order: each may be the first, and be followed by a later one."""
        after = f"after{len(self.lines)}_"
        self.lines.append(f'{after}{len(keys)}: "}}"')
        firsts = []
        for number, (key, inner) in reversed(list(enumerate(keys))):
            one = f"{self._key('', key)} {self.name(inner)} {after}{number + 1}"
            firsts.append(one)
            self.lines.append(f'{after}{number}: ", " {one} | {after}{number + 1}')
        return " | ".join([f'"{{" ({" | ".join(firsts)})', '"{}"']) if firsts else '"{}"'


@cache
def _template() -> Any:
    from jinja2 import Environment

    environment = Environment(trim_blocks=True, lstrip_blocks=True, autoescape=False)
    return environment.from_string(files(__package__).joinpath("answer.lark.jinja").read_text("utf-8"))
