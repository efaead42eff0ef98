"""Teaches `datasets` the name "iepile" and `evaluate` the name "iepile_f1"."""

from importlib.metadata import version
from typing import Any

from wrapt import register_post_import_hook

import iepile_dataset
from iepile_dataset.registration import teach

METRIC = "iepile_f1"


def register() -> None:
    """Make `load_dataset("iepile", …)` and `evaluate.load("iepile_f1", …)` work; again changes nothing.

    Raises:
        RuntimeError: A release of `datasets` or `evaluate` has moved what is wrapped; says which to install.

    >>> register()
    >>> import evaluate
    >>> evaluate.load("iepile_f1", "ner").compute(
    ...     predictions=['{"city": ["Ulm"]}'], references=['[{"entity": "Ulm", "entity_type": "city"}]']
    ... )["f1"]
    1.0
    """
    iepile_dataset.register()
    register_post_import_hook(
        lambda module: teach(module, "evaluation_module_factory", METRIC, _module), "evaluate.loading"
    )


def _module(**_: Any) -> Any:
    from evaluate.loading import ImportableModule

    return ImportableModule("iepile_metric.iepile_f1", version("iepile"))
