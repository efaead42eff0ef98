"""Hub pages written from what a run or a folder left behind, never typed by hand.

A `Page` has two ways out: `card()` is a card of `huggingface_hub`, `write(folder)` writes its README.md.
"""

from .card import Page
from .check_card import card_text, check_card, kind_of
from .dataset_card import benchmark_text, dataset_page
from .diff_card import Difference
from .model_card import LEAST_RECALL, model_card, write_model_card
from .space_card import app_page, metric_page

__all__ = [
    "LEAST_RECALL",
    "Difference",
    "Page",
    "app_page",
    "benchmark_text",
    "card_text",
    "check_card",
    "dataset_page",
    "kind_of",
    "metric_page",
    "model_card",
    "write_model_card",
]
