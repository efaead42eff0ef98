"""A corpus without what should not be trained or scored on."""

from .clean import Cleaned, clean
from .rules import CleanOptions

__all__ = ["CleanOptions", "Cleaned", "clean"]
