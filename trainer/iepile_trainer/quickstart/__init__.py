"""A small model from scratch in a few minutes: the whole path on sentences of our own.

`grammar` (sentences with their annotation), `corpus` (written as a corpus tree), `learn` and `muon` (from which weights
and how it is trained), `run` (the path), `show` (what one sees).
"""

from .learn import TINY, Recipe
from .run import Outcome, found_in, quickstart, quiet
from .show import Screen, show_outcome

__all__ = ["TINY", "Outcome", "Recipe", "Screen", "found_in", "quickstart", "quiet", "show_outcome"]
