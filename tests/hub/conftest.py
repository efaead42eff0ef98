"""A Hub on loopback for each test; this process as its client, or a fresh one that has never heard of our packages."""

import os
import subprocess
import sys
import sysconfig
from collections.abc import Callable, Iterator
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

sys.path.insert(0, str(Path(__file__).parent))

from loopback import TOKEN, Hub

OURS = ("iepile", "iepile_dataset", "iepile_metric", "iepile_trainer", "iepile_cards")


def pytest_collection_modifyitems(items: list[Any]) -> None:
    for item in items:
        if Path(__file__).parent in item.path.parents:
            item.add_marker(pytest.mark.hub)


@pytest.fixture
def hub() -> Iterator[Hub]:
    with Hub() as running:
        yield running


@pytest.fixture
def online(hub: Hub, monkeypatch: pytest.MonkeyPatch) -> Iterator[Hub]:
    """This process talks to the Hub on loopback, and does not sleep before the library's own new attempts."""
    from huggingface_hub import close_session, constants

    for name, value in {"ENDPOINT": hub.url, "HF_HUB_OFFLINE": False, "HF_HUB_DISABLE_XET": True}.items():
        monkeypatch.setattr(constants, name, value)
    address = "/{repo_id}/resolve/{revision}/{filename}"
    monkeypatch.setattr(constants, "HUGGINGFACE_CO_URL_TEMPLATE", hub.url + address)
    monkeypatch.setattr("huggingface_hub.utils._http.time", SimpleNamespace(sleep=lambda seconds: None))
    monkeypatch.setenv("HF_TOKEN", TOKEN)
    close_session()
    yield hub
    close_session()


@pytest.fixture
def command(online: Hub) -> Callable[..., Any]:
    """`iepile …` in this process: a result with exit_code, stdout and stderr."""
    from typer.testing import CliRunner

    from iepile.cli import app

    return lambda *words: CliRunner().invoke(app, [str(word) for word in words])


@pytest.fixture
def script(hub: Hub, tmp_path: Path) -> Callable[..., str]:
    """Python code in a fresh process with our packages: its output."""

    def run(code: str, **env: str) -> str:
        return _output(_run([sys.executable, "-W", "ignore", "-c", code], hub.env(tmp_path / "home") | env))

    return run


@pytest.fixture
def elsewhere(hub: Hub, tmp_path: Path) -> Callable[..., str]:
    """Python code in a fresh process that has the libraries, and none of our packages."""
    libraries = list(dict.fromkeys((sysconfig.get_path("purelib"), sysconfig.get_path("platlib"))))
    # Without `site` no .pth file is read, and so no editable install is found.
    start = f"import sys, importlib.util\nsys.path += {libraries!r}\n"
    start += f"assert not any(map(importlib.util.find_spec, {OURS!r}))\n"

    def run(code: str, **env: str) -> str:
        return _output(_run([sys.executable, "-I", "-S", "-c", start + code], hub.env(tmp_path / "elsewhere") | env))

    return run


@pytest.fixture(scope="session")
def prepared(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The embedded sample as instructions."""
    from iepile_dataset.export.prepare import prepare

    folder = tmp_path_factory.mktemp("prepared") / "rows"
    prepare(folder, tasks=["ner", "re"])
    return folder


def _run(line: list[str], env: dict[str, str]) -> subprocess.CompletedProcess[str]:
    kept = {name: value for name, value in os.environ.items() if not name.startswith("HF_")}
    return subprocess.run(line, env={**kept, **env}, capture_output=True, text=True, timeout=300)


def _output(done: subprocess.CompletedProcess[str]) -> str:
    assert done.returncode == 0, done.stderr[-4000:]
    return done.stdout
