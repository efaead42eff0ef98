"""Constrained answers: a grammar for each row, that of its labels and, for `extractive`, of its text."""

from .close import closed, fits
from .grammar import PLAIN, Spelling, lark, spelling_of
from .guide import Grammars, Vocabulary
from .shapes import SHAPES, Keys, entries_of, shape_of

__all__ = [
    "PLAIN", "SHAPES", "Grammars", "Keys", "Spelling", "Vocabulary", "closed", "entries_of", "fits", "lark",
    "shape_of", "spelling_of",
]  # fmt: skip
