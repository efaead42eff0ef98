"""Training, watched: its loss is told to whoever shows it, and the libraries keep still meanwhile."""

import io
from collections.abc import Callable, Iterator
from contextlib import contextmanager, redirect_stdout
from typing import Any


def telling(tell: Callable[[str, Any], None]) -> Any:
    """A trainer callback that tells ("step", (step, steps, loss)) whenever the loss is logged."""
    from transformers import TrainerCallback

    class Telling(TrainerCallback):
        def on_log(self, args: Any, state: Any, control: Any, logs: Any = None, **_: Any) -> None:
            if logs and "loss" in logs:
                tell("step", (state.global_step, state.max_steps, float(logs["loss"])))

    return Telling()


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
