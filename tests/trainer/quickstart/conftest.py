"""A whole quickstart, made once for as long as the code stays the same."""

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


@pytest.fixture(scope="session")
def whole_run(request):
    """The folder `runs/quickstart` as `iepile quickstart` leaves it, kept in pytest's cache."""
    runs = request.config.cache.mkdir("quickstart")
    out = runs / _digest() / "runs" / "quickstart"
    if not (out / "run.json").is_file():
        shutil.rmtree(runs)  # those of older code
        command = [sys.executable, "-m", "iepile.cli", "quickstart", "--out", str(out), "--seed", str(SEED)]
        done = subprocess.run(command, capture_output=True, text=True, env={**os.environ, "OMP_NUM_THREADS": "1"})
        assert done.returncode == 0, done.stdout + done.stderr
    return out


def _digest():
    """Of all code that a quickstart runs through."""
    digest = blake2b(digest_size=8)
    digest.update(" ".join(version(name) for name in ("torch", "transformers", "tokenizers", "datasets")).encode())
    for package in (iepile_trainer, iepile_dataset, iepile_metric):
        folder = Path(package.__file__).parent
        for path in sorted(folder.rglob("*")):
            if path.is_file() and path.suffix != ".pyc":
                digest.update(str(path.relative_to(folder)).encode() + path.read_bytes())
    return digest.hexdigest()
