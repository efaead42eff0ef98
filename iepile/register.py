"""Teaches `datasets` the name "iepile" and `evaluate` the name "iepile_f1".

Either is wrapped once it is imported, which takes a second (`evaluate` ten): who asks for `--help` waits for neither.
"""

import sys
from collections.abc import Callable
from importlib.metadata import version
from typing import Any

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
    for name, teach in _LESSONS.items():
        if name in sys.modules:
            teach()
    if not any(isinstance(finder, _AfterImport) for finder in sys.meta_path):
        sys.meta_path.insert(0, _AfterImport())


def _teach_datasets() -> None:
    from iepile_dataset.registration import teach_loaded

    teach_loaded()


def _teach_evaluate() -> None:
    from iepile_dataset.registration import teach

    teach(sys.modules["evaluate.loading"], "evaluation_module_factory", METRIC, _module)


_LESSONS: dict[str, Callable[[], None]] = {"datasets.load": _teach_datasets, "evaluate.loading": _teach_evaluate}


class _AfterImport:
    """Finds modules as all others do, and teaches those of `_LESSONS` as soon as they are there."""

    def find_spec(self, name: str, path: Any = None, target: Any = None) -> Any:
        """See `importlib.abc.MetaPathFinder`."""
        if name not in _LESSONS:
            return None
        others = (finder for finder in sys.meta_path if finder is not self)
        spec = next((spec for finder in others if (spec := finder.find_spec(name, path, target))), None)
        if spec and spec.loader:
            execute = spec.loader.exec_module

            def exec_module(module: Any) -> None:
                execute(module)
                _LESSONS[name]()

            spec.loader.exec_module = exec_module  # type: ignore[method-assign]
        return spec


def _module(**_: Any) -> Any:
    from evaluate.loading import ImportableModule

    return ImportableModule("iepile_metric.iepile_f1", version("iepile"))
