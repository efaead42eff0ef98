"""Hub pages written from what a run left behind, never typed by hand."""

from .check_card import card_text, check_card, kind_of
from .dataset_card import dataset_card, write_dataset_card
from .diff_card import Difference
from .eval_results import write_results
from .model_card import model_card, write_model_card
from .space_card import app_card, metric_card, write_app_card, write_metric_card

__all__ = [
    "Difference",
    "app_card",
    "card_text",
    "check_card",
    "dataset_card",
    "kind_of",
    "metric_card",
    "model_card",
    "write_app_card",
    "write_dataset_card",
    "write_metric_card",
    "write_model_card",
    "write_results",
]
