"""Teaches `datasets` the name "iepile".

`datasets` has no hook for builders that live in packages (loading scripts are gone), so the one function that
finds the module of a dataset is wrapped. It is looked up at call time: the order of imports does not matter.
"""

from functools import lru_cache, wraps
from hashlib import blake2b
from importlib import resources
from typing import Any

import datasets.inspect
import datasets.load

from .corpus import fingerprint, sample_corpus

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
    original = getattr(datasets.load, "dataset_module_factory", None)
    if original is None:
        raise RuntimeError(
            f"datasets {datasets.__version__} has moved dataset_module_factory, which iepile wraps: "
            'install "datasets>=5.2,<6", or upgrade iepile'
        )
    if getattr(original, "_teaches", None) == NAME:
        return

    @wraps(original)
    def factory(path: str, *args: Any, **kwargs: Any) -> Any:
        if path != NAME:
            return original(path, *args, **kwargs)
        return _module(kwargs.get("data_dir"), kwargs.get("data_files"))

    factory._teaches = NAME  # type: ignore[attr-defined]
    datasets.load.dataset_module_factory = factory
    datasets.inspect.dataset_module_factory = factory


def _module(data_dir: str | None, data_files: Any) -> Any:
    # The hash stands in the cache's path: it covers the code that makes rows and the state of the files they are
    # made from, or a user who edits either is given the old rows.
    state = "" if data_files else fingerprint(data_dir or sample_corpus())
    kwargs = {"dataset_name": NAME, "base_path": data_dir or ""}
    if data_files:
        kwargs["data_files"] = data_files
    return datasets.load.DatasetModule(f"{__package__}.builder", _code_hash() + state, kwargs)


@lru_cache
def _code_hash() -> str:
    digest = blake2b(digest_size=8)
    package = resources.files(__package__)
    for folder in (package, package / "prompts"):
        for file in sorted(folder.iterdir(), key=lambda entry: entry.name):
            if file.name.endswith((".py", ".txt")):
                digest.update(file.name.encode() + file.read_bytes())
    return digest.hexdigest()
