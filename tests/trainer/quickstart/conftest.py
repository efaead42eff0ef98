"""A whole quickstart, made once for as long as the code stays the same."""

import json
import os
import shutil
import subprocess
import sys
from hashlib import blake2b
from importlib.metadata import version
from pathlib import Path

import pytest

import iepile_dataset
import iepile_metric
import iepile_trainer

SEED = 42
MADE = Path(__file__).parents[3] / "runs" / "quickstart"


@pytest.fixture(scope="session")
def whole_run(request):
    """The folder `runs/quickstart` as `iepile quickstart` leaves it, kept in pytest's cache."""
    runs = request.config.cache.mkdir("quickstart")
    out = runs / _digest() / "runs" / "quickstart"
    if not (out / "run.json").is_file():
        shutil.rmtree(runs)  # those of older code
        if _is_of_this_code(MADE):  # by `make quickstart`
            shutil.copytree(MADE, out)
            return out
        command = [sys.executable, "-m", "iepile.cli", "quickstart", "--out", str(out), "--seed", str(SEED)]
        done = subprocess.run(command, capture_output=True, text=True, env={**os.environ, "OMP_NUM_THREADS": "1"})
        assert done.returncode == 0, done.stdout + done.stderr
    return out


def _is_of_this_code(run):
    """Whether a run was made with these options after the last change of the code that it runs through."""
    record = run / "run.json"
    if not record.is_file() or json.loads(record.read_text("utf-8"))["seed"] != SEED:
        return False
    return record.stat().st_mtime > max(path.stat().st_mtime for _, path in _code())


def _digest():
    """Of all code that a quickstart runs through."""
    digest = blake2b(digest_size=8)
    digest.update(" ".join(version(name) for name in ("torch", "transformers", "tokenizers", "datasets")).encode())
    for name, path in _code():
        digest.update(name.encode() + path.read_bytes())
    return digest.hexdigest()


def _code():
    for package in (iepile_trainer, iepile_dataset, iepile_metric):
        folder = Path(package.__file__).parent
        for path in sorted(folder.rglob("*")):
            if path.is_file() and path.suffix != ".pyc":
                yield str(path.relative_to(folder)), path
