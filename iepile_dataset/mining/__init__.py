"""Hard negatives from a corpus: labels that are easily taken for each other."""

from .mine import Mined, Pair, mine, write_dictionary

__all__ = ["Mined", "Pair", "mine", "write_dictionary"]
