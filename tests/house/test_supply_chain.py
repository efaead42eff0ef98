"""What is installed and who may do what, where the package is tested and released."""

import re
import tomllib
from pathlib import Path

import pytest
import yaml

ROOT = Path(__file__).parents[2]
LOCKS = ("requirements-dev.txt", "requirements-tools.txt")
WORKFLOWS = sorted((ROOT / ".github/workflows").glob("*.yml"))


def name_of(words):
    return re.sub(r"[-_.]+", "-", re.match(r"[\w.-]+", words)[0]).lower()


def pins(file):
    """name → (version, the lines of its entry) of a file of requirements."""
    entries = re.split(r"\n(?=\w)", re.sub(r"(?m)^#.*\n", "", (ROOT / file).read_text("utf-8")))
    return {name_of(entry): (re.match(r"[\w.-]+==([\w.+!]+)", entry)[1], entry) for entry in entries}


@pytest.mark.parametrize("lock", LOCKS)
def test_every_file_that_is_installed_has_its_hash(lock):
    for version, entry in pins(lock).values():
        assert re.search(r"--hash=sha256:[0-9a-f]{64}\b", entry), (version, entry)


def test_the_locked_set_has_the_versions_of_the_constraints_and_all_that_is_needed():
    locked, constraints = pins(LOCKS[0]), pins("constraints.txt")
    differing = {name for name in locked.keys() & constraints.keys() if locked[name][0] != constraints[name][0]}
    assert not differing, "make lock"
    project = tomllib.loads((ROOT / "pyproject.toml").read_text("utf-8"))["project"]
    extras = project["optional-dependencies"]
    ours = re.fullmatch(r"iepile\[(.+)\]", next(words for words in extras["dev"] if words.startswith("iepile[")))[1]
    needed = [*project["dependencies"], *extras["dev"], *(words for name in ours.split(",") for words in extras[name])]
    assert {name_of(words) for words in needed} - {"iepile"} <= locked.keys(), "make lock"


@pytest.mark.parametrize("file", WORKFLOWS, ids=lambda file: file.name)
def test_a_workflow_may_read_and_a_job_that_may_more_builds_nothing(file):
    workflow = yaml.safe_load(file.read_text("utf-8"))
    assert workflow["permissions"] == {"contents": "read"}
    for job in workflow["jobs"].values():
        steps, rights = job["steps"], job.get("permissions", {})
        assert "write" not in rights.values() or not [step for step in steps if "run" in step]
        for step in steps:
            assert re.fullmatch(r"[\w./-]+@[0-9a-f]{40}", step.get("uses", f"a/b@{'0' * 40}")), step
            if "checkout" in step.get("uses", ""):
                assert step["with"]["persist-credentials"] is False
