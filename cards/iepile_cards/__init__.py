"""Hub pages written from what a run left behind, never typed by hand."""

from .model import model_card, write_model_card

__all__ = ["model_card", "write_model_card"]
