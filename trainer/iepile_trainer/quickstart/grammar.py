"""Sentences with their annotation, drawn from a small grammar (`grammar/en.yaml`, `grammar/zh.yaml`)."""

import re
from collections.abc import Collection, Iterator
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from random import Random
from typing import Any
from zlib import crc32

import yaml

LANGUAGES = ("en", "zh")
_SLOT = re.compile(r"\{([^{}.]+)(?:\.\d+)?\}")
_FOLDER = Path(__file__).with_name("grammar")


@dataclass(frozen=True)
class Sentence:
    """A text with the entities and relations that the grammar put into it.

    Args:
        text: The sentence.
        entities: Pairs (mention, type) in the order of the text.
        relations: Triples (head mention, relation, tail mention).
    """

    text: str
    entities: tuple[tuple[str, str], ...]
    relations: tuple[tuple[str, str, str], ...]


@cache
def load_grammar(language: str) -> dict[str, Any]:
    """Read the grammar of `en` or `zh`; the comments in the file explain its form.

    >>> load_grammar("en")["relations"]
    ['works for', 'lives in', 'based in', 'makes']
    """
    grammar: dict[str, Any] = yaml.safe_load((_FOLDER / f"{language}.yaml").read_text("utf-8"))
    return grammar


def sentences(language: str, seed: int | str, unseen: bool = False) -> Iterator[Sentence]:
    """Draw sentences without end, each text once.

    Args:
        language: `en` or `zh`.
        seed: The same seed gives the same sentences, on any machine.
        unseen: Use the names that ordinary sentences never show.

    >>> next(sentences("en", 7)) == next(sentences("en", 7))
    True
    """
    grammar = load_grammar(language)
    draw = Random(f"{seed}/{language}/{unseen}")
    seen: set[str] = set()
    while True:
        sentence = _draw(grammar, unseen, draw)
        if sentence.text not in seen:
            seen.add(sentence.text)
            yield sentence


def _draw(grammar: dict[str, Any], unseen: bool, draw: Random) -> Sentence:
    clause = draw.choice(grammar["clauses"])
    filled: dict[str, str] = {}
    entities: list[tuple[str, str]] = []

    def fill(slot: re.Match[str]) -> str:
        kind = slot[1]
        if kind not in grammar["names"]:
            return str(draw.choice(grammar["fillers"][kind]))
        name = _name(grammar, kind, unseen, filled.values(), draw)
        filled[slot[0][1:-1]] = name
        entities.append((name, kind))
        return name

    text = _SLOT.sub(fill, draw.choice(grammar["leads"]) + clause["say"] + draw.choice(grammar["tails"]))
    relations = [(filled[head], relation, filled[tail]) for head, relation, tail in clause.get("relations", ())]
    return Sentence(text[0].upper() + text[1:] + grammar["stop"], tuple(entities), tuple(relations))


def _name(grammar: dict[str, Any], kind: str, unseen: bool, used: Collection[str], draw: Random) -> str:
    """Compose a name that the sentence does not hold yet, so that every mention is unambiguous."""
    new = kind in grammar["unseen"]
    parts = grammar["unseen" if unseen and new else "names"][kind]
    while True:
        name = str(parts.get("join", "")).join(draw.choice(choices) for choices in parts["parts"])
        if name not in used and (new or _is_reserved(name) == unseen):
            return name


def _is_reserved(name: str) -> bool:
    # A digest that is the same on every machine picks an eighth of all combinations.
    return crc32(name.encode()) % 8 == 0
