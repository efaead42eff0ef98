"""Shared fixtures: an offline, private Hugging Face cache, and the real data where it is at hand."""

import atexit
import os
import shutil
import tempfile
from pathlib import Path

import pytest

# Set before anything imports datasets or huggingface_hub: they read the environment once. A private
# cache, because a shared one can mask a load that fails.
_CACHE = tempfile.mkdtemp(prefix="iepile-test-")
atexit.register(shutil.rmtree, _CACHE, ignore_errors=True)
os.environ.update(
    HF_HOME=_CACHE,
    HF_HUB_OFFLINE="1",
    HF_EVALUATE_OFFLINE="1",
    HF_HUB_DISABLE_TELEMETRY="1",
    TOKENIZERS_PARALLELISM="false",
    MPLBACKEND="Agg",
    OMP_WAIT_POLICY="passive",  # processes that share two cores must not spin
)
for _name in ("HF_DATASETS_CACHE", "HF_MODULES_CACHE", "HF_HUB_CACHE", "HF_EVALUATE_CACHE"):
    os.environ.pop(_name, None)

_REPO = Path(__file__).parents[1]
_SHARED = Path(os.environ.get("IEPILE_SHARED", _REPO.parent / "shared"))


@pytest.fixture(scope="session")
def corpus() -> Path:
    """The folder of real annotated sources; the test is skipped where it is absent."""
    folder = _SHARED / "corpus"
    if not folder.is_dir():
        pytest.skip(f"no real corpus at {folder}")
    return folder


@pytest.fixture(scope="session")
def reference() -> Path:
    """The folder of reference data (prompts, printed examples, scores); skipped where absent."""
    folder = _SHARED / "reference"
    if not folder.is_dir():
        pytest.skip(f"no reference data at {folder}")
    return folder
