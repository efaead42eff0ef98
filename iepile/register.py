"""Teaches `datasets` the name "iepile" and `evaluate` the name "iepile_f1"."""

from typing import Any

import iepile_dataset
from iepile_dataset.import_hook import when_imported
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
    when_imported("evaluate.loading", lambda module: teach(module, "evaluation_module_factory", METRIC, _module))


def _module(**_: Any) -> Any:
    from evaluate.loading import ImportableModule

    from . import __version__

    return ImportableModule("iepile_metric.iepile_f1", __version__)
