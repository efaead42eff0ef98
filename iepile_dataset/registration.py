"""Teaches `datasets` the name "iepile".

`datasets` has no hook for builders that live in packages (loading scripts are gone), so the one function that
finds the module of a dataset is wrapped. It is looked up at call time: the order of imports does not matter.
"""

import os
import sys
from collections.abc import Callable
from functools import lru_cache, wraps
from hashlib import blake2b
from importlib import resources
from pathlib import Path
from types import ModuleType
from typing import Any

from .corpus.layout import at_revision, fingerprint
from .corpus.sources import sample_corpus

__all__ = ["teach", "teach_loaded"]

NAME = "iepile"


def register() -> None:
    """Make `load_dataset("iepile", …)` find the builder; calling it again changes nothing.

    Raises:
        RuntimeError: This release of `datasets` no longer has the function that is wrapped.

    >>> register(); register()
    >>> from datasets import get_dataset_config_names
    >>> get_dataset_config_names("iepile")
    ['ner', 're', 'ee', 'eet', 'eea', 'spo', 'kg']
    """
    import datasets.inspect  # noqa: F401 - and with it datasets.load

    teach_loaded()


def teach_loaded() -> None:
    """Teach what is imported of `datasets` already; see `register`."""
    # The second has imported the function by name.
    for name in ("datasets.load", "datasets.inspect"):
        module = sys.modules.get(name)
        if hasattr(module, "dataset_module_factory") or name == "datasets.load":
            teach(sys.modules[name], "dataset_module_factory", NAME, _module)


def teach(module: ModuleType, factory: str, name: str, make: Any) -> None:
    """Wrap a library's factory so that it calls `make` for one name, and itself for all others."""
    original = getattr(module, factory, None)
    if original is None:
        library = module.__name__.partition(".")[0]
        raise RuntimeError(
            f"this release of {library} has moved {factory}, which iepile wraps: "
            f"install the release that iepile asks for (pip install --upgrade iepile {library})"
        )
    if name in getattr(original, "_teaches", ()):
        return

    @wraps(original)
    def wrapper(path: str, *args: Any, **kwargs: Any) -> Any:
        return make(**kwargs) if path == name else original(path, *args, **kwargs)

    wrapper._teaches = (*getattr(original, "_teaches", ()), name)  # type: ignore[attr-defined]
    setattr(module, factory, wrapper)


def _module(
    data_dir: str | os.PathLike[str] | None = None, data_files: Any = None, revision: Any = None, **_: Any
) -> Any:
    from datasets.load import DatasetModule

    if revision is not None:
        if data_files:
            data_files = _mapped(data_files, lambda file: at_revision(file, str(revision)))
        else:
            data_dir = at_revision(os.fspath(data_dir or sample_corpus()), str(revision))

    # The hash stands in the cache's path: it covers the code that makes rows and the state of the files they are
    # made from, or a user who edits either is given the old rows.
    # What lies beside `data_files` is known only once their patterns are resolved: `IEPileConfig.create_config_id`.
    folder = None if data_dir is None else os.path.expanduser(os.fspath(data_dir))
    state = "" if data_files else fingerprint(folder or sample_corpus())
    kwargs = {"dataset_name": NAME, "base_path": folder or "", "data_dir": folder}
    if data_files:
        kwargs["data_files"] = _mapped(data_files, str)
    return DatasetModule(f"{__package__}.builder", _code_hash() + state, kwargs)


def _mapped(files: Any, change: Callable[[str], str]) -> Any:
    """Paths as the strings that `datasets` wants, each changed."""
    if isinstance(files, dict):
        return {split: _mapped(names, change) for split, names in files.items()}
    if isinstance(files, list | tuple):
        return [_mapped(name, change) for name in files]
    return change(os.path.expanduser(os.fspath(files)))


@lru_cache
def _code_hash() -> str:
    digest = blake2b(digest_size=8)
    package = Path(str(resources.files(__package__)))
    for file in sorted(package.rglob("*")):
        if file.suffix in (".py", ".txt"):
            digest.update(file.relative_to(package).as_posix().encode() + file.read_bytes())
    return digest.hexdigest()
