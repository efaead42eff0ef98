"""The run folder: what a training leaves behind, and how to tell a finished one from an interrupted one.

A folder under `runs/` holds the weights (safetensors), the tokenizer with its chat template, and `run.json`,
which is written last: a folder with `run.json` is finished, one with checkpoints but without it was
interrupted and can be taken up again.
"""

import json
import os
import re
import shutil
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from datetime import UTC, datetime
from errno import ENOSPC
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import Any
from zipfile import is_zipfile

from iepile_dataset.atomic import json_text, lock_folder, write_file

from .errors import TrainerError

__all__ = [
    "alone", "check_free", "claim", "clear", "is_finished", "is_whole_safetensors", "last_checkpoint", "read_object",
    "read_run", "refuse_changed", "saving", "trained_length", "versions", "write_run",
]  # fmt: skip

RECORD = "run.json"
STARTED = "started.json"  # what the run set out to do, to be compared when it is taken up again

_NOTHING = 1 << 20  # bytes: a disk with less is full
_PACKAGES = ("iepile", "torch", "transformers", "trl", "peft", "datasets", "accelerate")
_KEYS = (
    "name", "created", "base_model", "adapter", "method", "prompt_format", "data", "lengths", "plan", "options", "seed",
    "history", "resumed_from", "seconds", "tokens_per_second", "hardware", "best", "sample", "open_bias", "versions",
)  # fmt: skip
_OURS = (
    "*.safetensors", "*.safetensors.index.json", "config.json", "generation_config.json", "adapter_config.json",
    "tokenizer*", "special_tokens_map.json", "chat_template.jinja", "training_args.bin", "README.md", "scores.json",
    "predictions.jsonl*", "curve.png", ".eval_results/*.yaml", STARTED, RECORD,
)  # fmt: skip


def write_run(folder: Path | str, record: dict[str, Any]) -> Path:
    """Write `run.json`; the name, the time and the versions are filled in where the record lacks them.

    Args:
        folder: The run folder; made if need be.
        record: The keys of a run record; every one is there in what is written, None where unknown.

    Returns:
        The path of `run.json`.

    >>> import tempfile
    >>> folder = tempfile.mkdtemp() + "/first"
    >>> path = write_run(folder, {"method": "lora", "seed": 42})
    >>> read_run(folder)["name"], read_run(folder)["method"]
    ('first', 'lora')
    """
    path = Path(folder) / RECORD
    now = datetime.now(UTC).isoformat(timespec="seconds")
    known = {"name": path.parent.resolve().name, "created": now, "versions": versions()}
    write_file(path, json_text({**dict.fromkeys(_KEYS), **known, **record}))
    path.with_name(STARTED).unlink(missing_ok=True)  # from here on the run is finished
    return path


def read_run(folder: Path | str) -> dict[str, Any]:
    """The record of a finished run.

    Raises:
        TrainerError: There is no `run.json`, or it is not JSON.
    """
    absent = f"{folder} holds no {RECORD}: not the folder of a finished run (train one first)"
    return read_object(Path(folder) / RECORD, absent, "train again with --overwrite")


def read_object(path: Path, absent: str, remedy: str) -> dict[str, Any]:
    """The JSON object in a file of ours.

    Raises:
        TrainerError: There is no such file (`absent` says so), or it is damaged.
    """
    try:
        return dict(json.loads(path.read_bytes()))
    except FileNotFoundError:
        raise TrainerError(absent) from None
    except (ValueError, TypeError, RecursionError) as problem:
        raise TrainerError(f"{path} is damaged ({problem}); {remedy}") from None


def refuse_changed(before: dict[str, Any], now: dict[str, Any], begun: str, remedy: str) -> None:
    """Refuse to go on with what was begun in another way.

    >>> refuse_changed({"seed": 1}, {"seed": 2}, "a.jsonl was made with", "another --output")
    Traceback (most recent call last):
    iepile_trainer.TrainerError: a.jsonl was made with seed = 1, now 2 (another --output)
    """
    now = json.loads(json.dumps(now))  # as it will be read back: tuples become lists
    for key in {**before, **now}:
        if before.get(key) != now.get(key):
            raise TrainerError(f"{begun} {key} = {before.get(key)!r}, now {now.get(key)!r} ({remedy})")


def is_finished(folder: Path | str) -> bool:
    """Whether a training ended here."""
    return (Path(folder) / RECORD).is_file()


def trained_length(model: str | None, adapter: str | None = None) -> int | None:
    """The most tokens of a prompt that a model's training was like; a model may read more, but mostly worse.

    A prompt and its answer stay within the training's `max_length`; where the model was trained from nothing, within
    its longest row, since it has seen no position beyond. An average answer is left free.

    Args:
        model: A run folder, else nothing is known.
        adapter: The same; it was trained last.

    Returns:
        A number of tokens, None where it is not known.
    """
    folder = next((Path(name) for name in (adapter, model) if name and is_finished(name)), None)
    if folder is None:
        return None
    try:
        record = read_run(folder)
        lengths = record["lengths"]
        longest = [lengths["max_length"]]
        if record["base_model"] is None:
            longest.append(lengths["percentiles"]["100%"])
        reach = min(int(tokens) for tokens in longest if tokens) - lengths["answer_tokens"] // max(lengths["kept"], 1)
    except (TrainerError, AttributeError, KeyError, TypeError, ValueError):  # of an older version, or by hand
        return None
    return reach if reach > 0 else None


def last_checkpoint(folder: Path | str) -> Path | None:
    """The newest whole checkpoint; one whose writing was interrupted is passed over."""
    whole = filter(_is_whole, Path(folder).glob("checkpoint-*"))
    return max(whole, key=lambda path: int(path.name.rpartition("-")[2]), default=None)


def _is_whole(checkpoint: Path) -> bool:
    """Whether the state, which is written last, is JSON, and the files with weights are as long as they say."""
    try:
        json.loads((checkpoint / "trainer_state.json").read_bytes())
    except (OSError, ValueError, RecursionError):
        return False
    weights = all(is_whole_safetensors(path) for path in checkpoint.glob("*.safetensors"))
    return weights and all(is_zipfile(path) for path in [*checkpoint.glob("*.pt"), *checkpoint.glob("*.pth")])


def is_whole_safetensors(path: Path) -> bool:
    """Whether the file is as long as its header says."""
    from safetensors import SafetensorError, safe_open

    try:
        with safe_open(path, framework="numpy"):
            return True
    except SafetensorError:
        return False


def check_free(folder: Path | str, overwrite: bool = False) -> None:
    """Refuse a folder with a finished run.

    Raises:
        TrainerError: There is one, and it is not to be overwritten.
    """
    if is_finished(folder) and not overwrite:
        raise TrainerError(f"{folder} holds a finished run (give another --output_dir, or --overwrite to train anew)")


def claim(folder: Path | str, plan: dict[str, Any], overwrite: bool = False) -> Path | None:
    """Make a folder ready for the run `plan`; called by one process, before any training.

    Args:
        folder: The run folder.
        plan: What the run is going to do: any JSON object. A checkpoint is only taken up by an equal plan.
        overwrite: Throw away the run that is there.

    Returns:
        The checkpoint to resume from, None for a fresh start.

    Raises:
        TrainerError: A finished run is there, or the checkpoint of a run with another plan; or it cannot be written.
    """
    folder = Path(folder)
    check_free(folder, overwrite)
    if overwrite:
        clear(folder)
    checkpoint, started = last_checkpoint(folder), folder / STARTED
    if checkpoint is not None and started.is_file():
        before = read_object(started, "", "train anew with --overwrite")
        remedy = "repeat its options on the same rows to resume, or give another --output_dir or --overwrite"
        refuse_changed(_flat(before), _flat(plan), f"{checkpoint} belongs to a run with", remedy)
    for path in folder.glob("checkpoint-*"):
        if not _is_whole(path):  # a run was killed or ran out of room while it wrote this one
            shutil.rmtree(path)
    try:
        folder.mkdir(parents=True, exist_ok=True)
        write_file(started, json_text(plan))
    except OSError as problem:
        reason = "it is a file" if folder.is_file() else problem.strerror
        raise TrainerError(f"{folder} cannot be the folder of a run: {reason} (give another --output_dir)") from None
    return checkpoint


@contextmanager
def alone(folder: Path | str) -> Iterator[None]:
    """Keep other trainings off a run folder while the block runs, however it ends.

    Raises:
        TrainerError: Another is at work there.
    """
    with suppress(OSError):  # who writes there says what is wrong
        Path(folder).mkdir(parents=True, exist_ok=True)
    lock = lock_folder(Path(folder))
    if lock is None and Path(folder).is_dir():
        raise TrainerError(f"{folder}: another training is at work there (wait for it, or give another --output_dir)")
    try:
        yield
    finally:
        if lock is not None and lock >= 0:
            os.close(lock)


def clear(folder: Path | str) -> None:
    """Remove a run's own files and checkpoints, and nothing else that may lie in the folder."""
    folder = Path(folder)
    if not (is_finished(folder) or (folder / STARTED).is_file() or last_checkpoint(folder)):
        return
    for pattern in _OURS:
        for path in folder.glob(pattern):
            path.unlink()
    for path in [*folder.glob("checkpoint-*"), *folder.glob("initial_adapter")]:
        shutil.rmtree(path)


def versions() -> dict[str, str]:
    """Versions of the packages that a result depends on; those not installed are left out."""
    installed = {}
    for name in _PACKAGES:
        with suppress(PackageNotFoundError):
            installed[name] = version(name)
    return installed


def _flat(plan: dict[str, Any]) -> dict[str, Any]:
    """`{"options": {"seed": 1}}` → `{"options.seed": 1}`: what differs can be named."""
    flat: dict[str, Any] = {}
    for key, value in plan.items():
        flat |= {f"{key}.{name}": inner for name, inner in value.items()} if isinstance(value, dict) else {key: value}
    return flat


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
        before = (last_checkpoint(place), last_checkpoint(place.parent))
        kept = next((checkpoint for checkpoint in before if checkpoint not in (None, place)), None)
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
