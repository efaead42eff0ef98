"""Options that go together (`NAME.yaml`), and the files to launch them with (`accelerate/`, `slurm/`)."""

from importlib.resources import files
from importlib.resources.abc import Traversable


def shipped() -> dict[str, str]:
    """The text of every file, by its name; YAML files go without their ending.

    >>> list(shipped())[0], "accelerate/fsdp2" in shipped(), "slurm/two_nodes.sh" in shipped()
    ('dora', True, True)
    """
    here = files(__package__)
    folders: list[tuple[str, Traversable]] = [("", here)]
    folders += [(f"{name}/", here / name) for name in ("accelerate", "slurm")]
    found = {}
    for place, folder in folders:
        for file in sorted(folder.iterdir(), key=lambda each: each.name):
            if file.name.endswith((".yaml", ".sh")):
                found[place + file.name.removesuffix(".yaml")] = file.read_text(encoding="utf-8")
    return found
