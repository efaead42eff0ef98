"""Real processes for tests, forked from one that has already imported PyTorch and the trainers.

Those imports take longer than most of what a process is started for. What depends on how Python itself is started (a
command's own name, its standard input, what it imports) is tested with `subprocess` instead.
"""

import gc
import multiprocessing
import os
import runpy
import socket
import sys
from multiprocessing.connection import wait
from multiprocessing.process import BaseProcess
from pathlib import Path
from pkgutil import resolve_name
from tempfile import mkdtemp
from typing import Any

_context = multiprocessing.get_context("forkserver")
_context.set_forkserver_preload(
    [
        "iepile_dataset.builder",
        "iepile_trainer.predict",
        "iepile_trainer.evaluate_run",
        "iepile_trainer.sft",
        "iepile_trainer.training.train",
        "datasets",
        "matplotlib.backends.backend_agg",
        "matplotlib.figure",
        "mpl_toolkits.mplot3d",
        "peft",
        "rich.console",
        "transformers.models.llama.modeling_llama",
        "transformers.trainer_seq2seq",
        "trl.scripts",
        "trl.trainer.sft_trainer",
    ]
)


def start(target: str | Path, *argv: object, cwd: Path, log: Path, env: dict[str, str] | None = None) -> BaseProcess:
    """A process that calls `target`, a function as `package.module:name` or a script, with `argv` as its command line.

    It works in the folder `cwd`, in a session of its own, and appends what it prints, on both streams, to the file
    `log`. The first one starts the process that all others are forked from.
    """
    log.touch()
    order = {"target": str(target), "argv": [str(word) for word in argv], "cwd": str(cwd), "log": str(log)}
    order["env"] = {**os.environ, **(env or {})}
    # Called by its file, because this module has no name that another process could import.
    process = _context.Process(target=runpy.run_path, args=(__file__, {"ORDER": order}, "__forked__"), daemon=True)
    process.start()
    return process


def ranks(count: int) -> list[dict[str, str]]:
    """The environment that `accelerate launch` gives each of `count` processes of one run on a CPU."""
    if count == 1:
        return [{}]
    with socket.create_server(("127.0.0.1", 0)) as free:
        port = str(free.getsockname()[1])
    shared = {"WORLD_SIZE": str(count), "LOCAL_WORLD_SIZE": str(count), "MASTER_ADDR": "127.0.0.1", "MASTER_PORT": port}
    shared["ACCELERATE_MIXED_PRECISION"] = "no"
    return [{**shared, "RANK": str(rank), "LOCAL_RANK": str(rank)} for rank in range(count)]


def run(target: str | Path, *argv: object, cwd: Path, processes: int = 1) -> list[str]:
    """What each of the processes of one run prints; the test fails where one of them fails."""
    logs = [Path(mkdtemp(dir=cwd, prefix="printed-")) / str(rank) for rank in range(processes)]
    running = [start(target, *argv, cwd=cwd, log=log, env=env) for log, env in zip(logs, ranks(processes), strict=True)]
    while any(process.exitcode is None for process in running):
        wait([process.sentinel for process in running if process.exitcode is None])
        if any(process.exitcode for process in running):  # the others would wait for it
            for process in running:
                process.kill()
    printed = [log.read_text() for log in logs]
    assert not any(process.exitcode for process in running), [text[-3000:] for text in printed]
    return printed


def _call(target: str, argv: list[str], cwd: str, log: str, env: dict[str, str]) -> Any:
    gc.freeze()  # what was imported is no garbage
    os.setsid()
    os.environ.clear()
    os.environ.update(env)
    os.chdir(cwd)
    file = os.open(log, os.O_WRONLY | os.O_APPEND)
    for stream in (1, 2):
        os.dup2(file, stream)
    sys.stdout.reconfigure(line_buffering=True)  # so that the lines of both streams stand in order
    sys.argv = [target, *argv]
    if target.endswith(".py"):
        return runpy.run_path(target, run_name="__main__")
    return sys.exit(resolve_name(target)())


if __name__ == "__forked__":
    _call(**ORDER)  # noqa: F821
