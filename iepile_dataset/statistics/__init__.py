"""What is in a corpus, counted and drawn."""

from .stats import Statistics, statistics

__all__ = ["Statistics", "statistics"]
