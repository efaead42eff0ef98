"""Shared fixtures: an offline, private Hugging Face cache, and the real data where it is at hand."""

import atexit
import gc
import logging
import os
import shutil
import signal
import sys
import tempfile
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from hypothesis import settings

# The same examples in each run, so that what fails is what was changed; `make fuzz` draws others.
settings.register_profile("steady", derandomize="IEPILE_FUZZ" not in os.environ, deadline=None)
settings.load_profile("steady")

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
    OMP_NUM_THREADS="1",  # tests run beside each other, and so do the processes they start
    OMP_WAIT_POLICY="passive",  # processes that share two cores must not spin
    ONEDNN_MAX_CPU_ISA="AVX2",  # float32 on every x86 processor: numbers are compared to many places
)
for _name in ("HF_DATASETS_CACHE", "HF_MODULES_CACHE", "HF_HUB_CACHE", "HF_EVALUATE_CACHE"):
    os.environ.pop(_name, None)

# A shell ignores Ctrl-C for what it starts in the background, and so would every process that is started here.
signal.signal(signal.SIGINT, signal.default_int_handler)

_REPO = Path(__file__).parents[1]
_SHARED = Path(os.environ.get("IEPILE_SHARED", _REPO.parent / "shared"))


_LOGGERS = ("", "datasets", "evaluate", "huggingface_hub", "iepile", "transformers", "trl")


@pytest.fixture(autouse=True)
def _restored_process() -> Iterator[None]:
    """What a test changes in its process does not reach the next: environment, folder, log levels, modules, threads."""
    environment, folder, path, modules = dict(os.environ), os.getcwd(), list(sys.path), dict(sys.modules)
    levels = {name: logging.getLogger(name).level for name in _LOGGERS}
    yield
    for name in os.environ.keys() - environment.keys() - {"PYTEST_CURRENT_TEST"}:
        del os.environ[name]
    os.environ.update({name: value for name, value in environment.items() if name != "PYTEST_CURRENT_TEST"})
    os.chdir(folder)
    sys.path[:] = path
    sys.modules.update(modules)  # what was imported meanwhile may stay, what was there is there again
    for name, level in levels.items():
        logging.getLogger(name).setLevel(level)
    if "torch" in sys.modules:
        sys.modules["torch"].set_num_threads(1)


_modules_frozen = 0


@pytest.fixture(autouse=True)
def _collect_only_what_is_new() -> None:
    """What was imported is not searched for garbage again: each training asks for it, and it takes half its time."""
    global _modules_frozen
    if len(sys.modules) > _modules_frozen + 50:
        _modules_frozen = len(sys.modules)
        gc.freeze()


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


@pytest.fixture(scope="session")
def by_heart(tmp_path_factory: pytest.TempPathFactory) -> Callable[..., Path]:
    """A function that makes the folder of a small model that answers `rows` word for word."""

    def learn(rows: list[dict[str, str]], steps: int = 80, positions: int = 512) -> Path:
        import torch

        from iepile_trainer.formats import use_format
        from iepile_trainer.models.scratch import new_model, new_tokenizer
        from iepile_trainer.tokenization.encode import answer_ids, prompt_ids

        tokenizer = new_tokenizer(rows, 500)
        use_format(tokenizer)
        model = new_model(tokenizer, hidden=64, layers=2, positions=positions)
        prompts = prompt_ids(tokenizer, [row["instruction"] for row in rows])
        answers = answer_ids(tokenizer, [row["output"] for row in rows])
        longest = max(len(prompt) + len(answer) for prompt, answer in zip(prompts, answers))
        ids, labels = [], []
        for prompt, answer in zip(prompts, answers):
            left = longest - len(prompt) - len(answer)
            ids.append(prompt + answer + [tokenizer.pad_token_id] * left)
            labels.append([-100] * len(prompt) + answer + [-100] * left)
        optimizer = torch.optim.AdamW(model.parameters(), lr=3e-3)
        for _ in range(steps):
            model(input_ids=torch.tensor(ids), labels=torch.tensor(labels)).loss.backward()
            optimizer.step()
            optimizer.zero_grad()
        folder = tmp_path_factory.mktemp("by") / "heart"
        model.save_pretrained(folder)
        tokenizer.save_pretrained(folder)
        return folder

    return learn


@pytest.fixture(scope="session")
def chromium() -> Iterator[Any]:
    """The process of a headless Chromium that keeps its logs; the test is skipped where there is none."""
    webdriver = pytest.importorskip("selenium.webdriver")
    binary, driver = shutil.which("chromium"), shutil.which("chromedriver")
    if not (binary and driver):
        pytest.skip("no chromium and chromedriver here")
    options = webdriver.ChromeOptions()
    options.binary_location = binary
    for argument in (
        "--headless=new",
        "--no-sandbox",
        "--disable-gpu",
        "--disable-dev-shm-usage",
        "--process-per-site",
    ):
        options.add_argument(argument)
    options.set_capability("goog:loggingPrefs", {"browser": "ALL", "performance": "ALL"})
    process = webdriver.Chrome(options=options, service=webdriver.ChromeService(driver))
    yield process
    process.quit()


@pytest.fixture
def browser(chromium: Any) -> Iterator[Any]:
    """Chromium as if it had just been started: one tab of its own, nothing stored, nothing logged."""
    empty = chromium.current_window_handle
    chromium.switch_to.new_window("tab")
    chromium.set_window_size(1200, 1000)
    for kind in ("browser", "performance"):
        chromium.get_log(kind)  # reading empties it
    yield chromium
    chromium.execute_cdp_cmd("Storage.clearDataForOrigin", {"origin": "*", "storageTypes": "all"})
    for handle in set(chromium.window_handles) - {empty}:
        chromium.switch_to.window(handle)
        chromium.close()
    chromium.switch_to.window(empty)
