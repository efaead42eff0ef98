"""Hub pages written from what a run left behind, never typed by hand."""

from .check import card_text, check_card, kind_of
from .compare import Difference
from .dataset import dataset_card, write_dataset_card
from .model import model_card, write_model_card
from .results import write_results
from .space import app_card, metric_card, write_app_card, write_metric_card

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
