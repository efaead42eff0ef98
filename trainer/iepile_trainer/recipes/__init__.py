"""Options that go together (`NAME.yaml`), and the files to launch them with (`accelerate/`, `slurm/`)."""

from importlib.resources import files
from pathlib import Path

from ..errors import TrainerError

__all__ = ["recipe", "recipes", "shipped"]


def shipped() -> dict[str, str]:
    """The text of every file, by its name; YAML files go without their ending.

    >>> list(shipped())[0], "accelerate/fsdp2" in shipped(), "slurm/two_nodes.sh" in shipped()
    ('dora', True, True)
    """
    here = Path(str(files(__package__)))
    paths = [path for pattern in ("*.yaml", "accelerate/*.yaml", "slurm/*.sh") for path in sorted(here.glob(pattern))]
    return {path.relative_to(here).as_posix().removesuffix(".yaml"): path.read_text(encoding="utf-8") for path in paths}


def recipes() -> list[str]:
    """Names of the recipes.

    >>> recipes()
    ['dora', 'full', 'little', 'lora', 'pissa', 'qlora', 'qlora8', 'rslora', 'seq2seq', 'tiny']
    """
    return [name for name in shipped() if "/" not in name]


def recipe(name: str) -> str:
    """The path of a recipe, given by name or as a path.

    >>> recipe("lara")
    Traceback (most recent call last):
    iepile_trainer.TrainerError: no recipe "lara" (shipped: dora, full, little, lora, ...; or give the path of a YAML
    file)
    """
    if Path(name).is_file():
        return name
    if name in recipes():
        return str(files(__package__) / f"{name}.yaml")
    raise TrainerError(f'no recipe "{name}" (shipped: {", ".join(recipes())}; or give the path of a YAML file)')
