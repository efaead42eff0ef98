"""Training without a word: the libraries keep still while something else is shown."""

import io
from collections.abc import Iterator
from contextlib import contextmanager, redirect_stdout
from logging import ERROR, getLogger


@contextmanager
def quiet() -> Iterator[None]:
    """Silence prints, warnings and bars while rows are made and trained on; errors are raised as ever."""
    import datasets
    from transformers.utils import logging

    ours = getLogger("iepile")
    level, our_level = logging.get_verbosity(), ours.level
    libraries = [library for library in (logging, datasets.utils.logging) if library.is_progress_bar_enabled()]
    logging.set_verbosity_error()
    ours.setLevel(ERROR)
    for library in libraries:
        library.disable_progress_bar()
    try:
        with redirect_stdout(io.StringIO()):
            yield
    finally:
        logging.set_verbosity(level)
        ours.setLevel(our_level)
        for library in libraries:
            library.enable_progress_bar()
