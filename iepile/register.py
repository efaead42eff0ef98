"""Teaches `datasets` the name "iepile" and `evaluate` the name "iepile_f1"."""

from functools import wraps
from typing import Any

import evaluate.loading

import iepile_dataset

METRIC = "iepile_f1"


def register() -> None:
    """Make `load_dataset("iepile", …)` and `evaluate.load("iepile_f1", …)` work; again changes nothing.

    Raises:
        RuntimeError: A release of `datasets` or `evaluate` has moved what is wrapped; says which to install.

    >>> register()
    >>> import evaluate
    >>> evaluate.load("iepile_f1", "ner").compute(
    ...     predictions=['{"city": ["Ulm"]}'], references=['[{"entity": "Ulm", "entity_type": "city"}]'])["f1"]
    1.0
    """
    iepile_dataset.register()
    _register_metric()


def _register_metric() -> None:
    original = getattr(evaluate.loading, "evaluation_module_factory", None)
    if original is None:
        raise RuntimeError(
            f"evaluate {evaluate.__version__} has moved evaluation_module_factory, which iepile wraps: "
            'install "evaluate>=0.4.6,<0.5", or upgrade iepile'
        )
    if getattr(original, "_teaches", None) == METRIC:
        return

    @wraps(original)
    def factory(path: str, *args: Any, **kwargs: Any) -> Any:
        if path != METRIC:
            return original(path, *args, **kwargs)
        return evaluate.loading.ImportableModule("iepile_metric.iepile_f1", __version__)

    from . import __version__

    factory._teaches = METRIC  # type: ignore[attr-defined]
    evaluate.loading.evaluation_module_factory = factory
