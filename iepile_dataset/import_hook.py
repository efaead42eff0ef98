"""Do something to a module once it is imported, without importing it now.

`datasets` takes a second to import and `evaluate` ten (it imports transformers): who asks for `--help` waits for
neither.
"""

import importlib.util
import sys
from collections.abc import Callable, Sequence
from importlib.abc import Loader, MetaPathFinder
from importlib.machinery import ModuleSpec
from types import ModuleType


def when_imported(name: str, then: Callable[[ModuleType], None]) -> None:
    """Call `then(module)` now if the module is imported already, else right after it has been.

    >>> seen = []
    >>> when_imported("sys", lambda module: seen.append(module.__name__)); seen
    ['sys']
    """
    if name in sys.modules:
        then(sys.modules[name])
    else:
        sys.meta_path.insert(0, _Finder(name, then))


class _Finder(MetaPathFinder):
    """Finds one module as the other finders would, and lets its loader call `then`."""

    def __init__(self, name: str, then: Callable[[ModuleType], None]) -> None:
        self._name, self._then = name, then

    def find_spec(self, name: str, path: Sequence[str] | None, target: ModuleType | None = None) -> ModuleSpec | None:
        if name != self._name:
            return None
        sys.meta_path.remove(self)
        spec = importlib.util.find_spec(name)
        if spec and spec.loader:
            spec.loader = _Loader(spec.loader, self._then)
        return spec


class _Loader(Loader):
    def __init__(self, inner: Loader, then: Callable[[ModuleType], None]) -> None:
        self._inner, self._then = inner, then

    def create_module(self, spec: ModuleSpec) -> ModuleType | None:
        return self._inner.create_module(spec)

    def exec_module(self, module: ModuleType) -> None:
        # Whoever asks the module for its loader later is given the real one.
        module.__loader__ = self._inner
        if module.__spec__:
            module.__spec__.loader = self._inner
        self._inner.exec_module(module)
        self._then(module)
