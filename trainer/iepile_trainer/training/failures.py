"""What can go wrong in the middle of a training: a loss that is no number, a disk that is full.

Either way the training stops with one clear line, and the last good checkpoint stays as it is.
"""

import math
import os
import re
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from errno import ENOSPC
from pathlib import Path
from typing import Any

from .. import TrainerError
from ..run_folder import last_checkpoint

_NOTHING = 1 << 20  # bytes: a disk with less is full


class Guarded:
    """What this package changes in a trainer of transformers; stands before it among the base classes."""

    args: Any
    state: Any
    accelerator: Any

    def training_step(self, *args: Any, **kwargs: Any) -> Any:
        """One batch; stops at a loss that is no number, before anything is learnt from it."""
        loss = super().training_step(*args, **kwargs)  # type: ignore[misc]
        self._check("loss", loss)
        return loss

    def _clip_grad_norm(self, model: Any) -> Any:
        norm = super()._clip_grad_norm(model)  # type: ignore[misc]
        if norm is not None and self.accelerator.scaler is None:  # a scaler takes care of it
            self._check("gradient", norm)
        return norm

    def _check(self, what: str, value: Any) -> None:
        number = float(value)
        if math.isfinite(number):
            return
        scheduler = self.lr_scheduler  # type: ignore[attr-defined]
        rate = scheduler.get_last_lr()[0] if scheduler is not None else self.args.learning_rate
        good = last_checkpoint(self.args.output_dir)
        kept = f"the last good checkpoint is {good}" if good else "no checkpoint was written before it"
        start = f", to go on from there add --model_name_or_path {good}" if good else ""
        raise TrainerError(
            f"the {what} is {number} in step {self.state.global_step + 1} at learning rate {rate:.3g}; {kept} (try a "
            f"lower --learning_rate or --max_grad_norm, or another --dtype, and another --output_dir{start})"
        )

    def _save_checkpoint(self, model: Any, trial: Any) -> None:
        folder = Path(self.args.output_dir) / f"checkpoint-{self.state.global_step}"
        try:
            with saving(folder):
                super()._save_checkpoint(model, trial)  # type: ignore[misc]
        except TrainerError:
            if self.args.should_save:  # half a checkpoint is of no use, and takes the room that is lacking
                shutil.rmtree(folder, ignore_errors=True)
            raise

    def _save_rng_state(self, output_dir: str) -> None:
        super()._save_rng_state(output_dir)  # type: ignore[misc]
        # What is written next makes the checkpoint count as whole: by then every process has done its part.
        self.accelerator.wait_for_everyone()

    def create_model_card(self, *args: Any, **kwargs: Any) -> None:
        """Leave README.md to the cards, which are written from the scores."""


@contextmanager
def saving(place: Path) -> Iterator[None]:
    """Say in one line why `place` cannot be written.

    Raises:
        TrainerError: The disk is full, read-only, or the like; says what is left to resume from.
    """
    from safetensors import SafetensorError

    try:
        yield
    except (OSError, SafetensorError, RuntimeError) as problem:
        if isinstance(problem, RuntimeError) and not _is_writing(problem):
            raise
        before = [found for found in (last_checkpoint(place), last_checkpoint(place.parent)) if found]
        kept = next((found for found in before if found != place), None)
        resume = f"the same command resumes from {kept}" if kept else "the same command starts anew"
        raise TrainerError(
            f"cannot write {place}: {_reason(problem, place)}, {_free(place) / 1e9:,.2f} GB free (make room, or keep "
            f"fewer checkpoints with --save_total_limit 1; {resume})"
        ) from None


def _is_writing(problem: BaseException) -> bool:
    """Whether a RuntimeError comes from `torch.save`, which wraps what the system says."""
    return any(mark in str(problem) for mark in ("PytorchStreamWriter", "unexpected pos", "basic_ios"))


def _reason(problem: BaseException, place: Path) -> str:
    """What the system says, out of what safetensors and torch make of it."""
    if number := re.search(r"os error (\d+)", str(problem)):
        return os.strerror(int(number[1]))
    cause: BaseException | None = problem
    while cause is not None:
        if isinstance(cause, OSError) and cause.strerror:
            return cause.strerror
        cause = cause.__context__
    return os.strerror(ENOSPC) if _free(place) < _NOTHING else "writing failed"


def _free(place: Path) -> int:
    """Bytes that are free where a folder is, or was to be made."""
    return shutil.disk_usage(next((folder for folder in (place, *place.parents) if folder.is_dir()), Path())).free
