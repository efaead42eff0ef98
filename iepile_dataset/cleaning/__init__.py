"""A corpus without what should not be trained or scored on."""

from ..options import CleanOptions
from .clean import Cleaned, clean

__all__ = ["CleanOptions", "Cleaned", "clean"]
