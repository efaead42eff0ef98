"""Training without a word: the libraries keep still while something else is shown."""

import io
from collections.abc import Iterator
from contextlib import contextmanager, redirect_stdout


@contextmanager
def quiet() -> Iterator[None]:
    """Silence what training libraries print and their progress bars; errors are raised as ever."""
    import datasets
    from transformers.utils import logging

    level = logging.get_verbosity()
    bars = [each for each in (logging, datasets.utils.logging) if each.is_progress_bar_enabled()]
    logging.set_verbosity_error()
    for each in bars:
        each.disable_progress_bar()
    try:
        with redirect_stdout(io.StringIO()):
            yield
    finally:
        logging.set_verbosity(level)
        for each in bars:
            each.enable_progress_bar()
