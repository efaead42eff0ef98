"""What is compared: models with their own options, endpoints, and the baselines."""

from dataclasses import dataclass, fields, replace
from pathlib import Path
from typing import Any, get_args, get_type_hints

from iepile_dataset.errors import DataError, did_you_mean

from ..engines.options import EngineOptions
from ..errors import TrainerError
from ..prediction.arguments import PredictArguments
from .arguments import BenchmarkArguments
from .baselines import BASELINES

ROWS, EXAMPLES = "rows.jsonl", "examples.jsonl"  # beside the answers
_MINE = {"input", "output", "task", "split", "source", "language", "orders", "split_nums", "max_rows", "overwrite"}


@dataclass(frozen=True)
class System:
    """A system by its name, with the options of `iepile predict` that it is asked with; none for a baseline."""

    name: str
    options: dict[str, Any] | None = None

    @property
    def file(self) -> str:
        """The name of the file with its answers.

        >>> System("user/model").file
        'user--model.jsonl'
        """
        return f"{self.name.replace('/', '--')}.jsonl"

    def arguments(self, rows: Path, answers: Path) -> PredictArguments:
        """Its prediction from one file to another."""
        files = {"input": str(rows), "output": str(answers)}
        return PredictArguments(**{"retry_failed": True, **(self.options or {}), **files})

    def with_examples(self, name: str, file: str) -> "System":
        """The same, with the examples of a file where it names them `name`."""
        return replace(self, options={**(self.options or {}), "examples": file}) if self.shows(name) else self

    def shows(self, name: str) -> bool:
        """Whether it shows the examples that are called so."""
        return self.options is not None and self.options["examples"] == name


def systems_of(options: BenchmarkArguments) -> list[System]:
    """The systems that the options name, the baselines first.

    Raises:
        TrainerError: A file that lists none, an option that there is not, or a name that two systems share.

    >>> [system.name for system in systems_of(BenchmarkArguments(model=["runs/lora/", "user/model"]))]
    ['empty', 'dictionary', 'gold', 'lora', 'user/model']
    """
    shared = {field.name: getattr(options, field.name) for field in fields(EngineOptions)}
    models = options.model or []
    if options.adapter and len(models) != 1:
        raise TrainerError("--adapter goes with one --model: list several systems in a file (--systems)")
    given = [{"model": model} for model in models] + (_listed(options.systems) if options.systems else [])
    systems = [System(name) for name in BASELINES]
    for own in given:
        model = str(own["model"])
        name = own.pop("name", None) or (Path(model).name if Path(model).is_dir() or model.endswith("/") else model)
        system = System(name, {**shared, **own})
        if any(system.file.lower() == other.file.lower() for other in systems):
            raise TrainerError(f"two systems are called {name!r} (give them names of their own in --systems FILE)")
        if system.file in (ROWS, EXAMPLES):
            raise TrainerError(f"a system cannot be called {name!r}, as a file of the benchmark is (another name)")
        systems.append(system)
    return systems


def _listed(path: str) -> list[dict[str, Any]]:
    from iepile_dataset.bounded import parse_yaml, read_small

    try:
        systems = parse_yaml(read_small(path).decode("utf-8"), path)
    except DataError as problem:
        raise TrainerError(str(problem)) from None
    except (OSError, UnicodeDecodeError) as problem:
        raise TrainerError(f"{path}: {' '.join(str(problem).split())}") from None
    if not isinstance(systems, list) or not all(isinstance(one, dict) and one.get("model") for one in systems):
        raise TrainerError(f"{path}: wanted a list of systems, each with a `model` (and a `name`, and options)")
    return [{str(name): _of_type(value, str(name), path) for name, value in one.items()} for one in systems]


def _of_type(value: Any, option: str, path: str) -> Any:
    """The value of an option from YAML, where a name may look like a number."""
    kinds = {"name": str} | {name: kind for name, kind in get_type_hints(PredictArguments).items() if name not in _MINE}
    if option not in kinds:
        raise TrainerError(f"{path}: {option!r} is no option of a system{did_you_mean(option, kinds)}")
    wanted = get_args(kinds[option]) or (kinds[option],)
    number = isinstance(value, int | float) and not isinstance(value, bool)
    if type(value) in wanted or (number and float in wanted):
        return value
    if number and str in wanted:
        return str(value)
    raise TrainerError(f"{path}: {option}={value!r} is not of type {wanted[0].__name__}")
