"""The command line of a training. What needs no library is answered before one is imported.

`--help`, a misspelt option, a path that is not there and a missing recipe take no second; torch and TRL take several.
"""

import argparse
import ast
import os
import sys
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import MISSING, fields
from difflib import get_close_matches
from importlib.util import find_spec
from pathlib import Path
from textwrap import shorten
from typing import Any

from iepile_dataset.errors import shown

from ..data.arguments import DataArguments
from ..errors import TrainerError, first_line
from ..models.location import located
from ..recipes import recipe, recipes
from .arguments import RunArguments, WatchArguments, hardware_defaults, implied, renamed

_OURS = {"Data": DataArguments, "Run": RunArguments, "Evaluation": WatchArguments}
_OFTEN = (
    "model_name_or_path", "output_dir", "learning_rate", "num_train_epochs", "max_steps", "per_device_train_batch_size",
    "gradient_accumulation_steps", "max_length", "packing", "use_peft", "lora_r", "load_in_4bit", "eval_strategy",
    "save_steps", "report_to", "seed",
)  # fmt: skip
_UPSTREAM = (
    ("transformers", "training_args.py"), ("trl", "trainer/base_config.py"), ("trl", "trainer/sft_config.py"),
    ("trl", "trainer/model_config.py"),
)  # fmt: skip
_PATHS = ("dataset", "data_dir", "data_files", "hard_negatives", "model_name_or_path", "adapter")
_COUNTS = (
    "per_device_train_batch_size", "per_device_eval_batch_size", "gradient_accumulation_steps", "max_length",
    "num_train_epochs",
)  # fmt: skip
# What a recipe may set: threads, memory, logs. A recipe of somebody else must not say whose servers or code are used.
_ENVIRONMENT = (
    "OMP_NUM_THREADS", "MKL_NUM_THREADS", "OMP_WAIT_POLICY", "TOKENIZERS_PARALLELISM", "PYTORCH_ALLOC_CONF",
    "PYTORCH_CUDA_ALLOC_CONF", "CUDA_VISIBLE_DEVICES", "CUBLAS_WORKSPACE_CONFIG", "NCCL_DEBUG", "NCCL_P2P_DISABLE",
    "NCCL_IB_DISABLE", "HF_HUB_OFFLINE", "HF_HUB_DISABLE_TELEMETRY", "WANDB_PROJECT", "WANDB_MODE", "WANDB_NAME",
    "TRACKIO_PROJECT", "MLFLOW_EXPERIMENT_NAME",
)  # fmt: skip
# Options of TRL that would change nothing: rows reach its trainer as token ids, in their order.
_IDLE = {
    "resume_from_checkpoint": "the same command resumes from the last whole checkpoint of --output_dir by itself",
    "chat_template_path": "give a format that `iepile formats` lists as --prompt_format",
    "eos_token": "the end of an answer is the prompt format's (--prompt_format)",
    "pad_token": "it is the tokenizer's, or the one that the prompt format sets",
    "dataset_text_field": "rows have the columns instruction and output",
    "completion_only_loss": "answers are learnt, and nothing else",
    "assistant_only_loss": "answers are learnt, and nothing else",
    "truncation_mode": "nothing is cut blindly, see --overlong",
    "shuffle_dataset": "rows are shuffled anyway, by --seed",
    "eval_packing": "rows of an evaluation stand alone",
    "data_seed": "--seed draws the order, too",
}


def parse(argv: list[str] | None = None, prog: str | None = None, description: str = "") -> tuple[Any, ...]:
    """Options and recipe → (DataArguments, RunArguments, SFTConfig, ModelConfig, WatchArguments).

    The command line overrides the recipe, the recipe overrides the defaults.

    Raises:
        TrainerError: An unknown option, recipe or value.
        SystemExit: After `--help` or `--help-all`.
    """
    argv = sys.argv[1:] if argv is None else list(argv)
    given = _given(argv)
    if "help" in given or "-h" in argv:
        print(_help(prog or "sft", description))
        sys.exit()
    path = _recipe(given["config"]) if "config" in given else None
    settings = _settings(path) if path else {}
    upstream = _upstream_options()
    settings = renamed(settings, upstream)
    known = {*upstream, "config", "help_all", *(name for kind in _OURS.values() for name in _names(kind))}
    _refuse_unknown(settings, known, f"in {path}")
    _refuse_unknown(given, known, "on the command line")
    _refuse_missing_paths({**settings, **given})

    from trl import ModelConfig, SFTConfig

    kinds = (DataArguments, RunArguments, SFTConfig, ModelConfig, WatchArguments)
    parser = _parser(kinds, prog, description)
    parser.add_argument("--config", help=f"A recipe ({', '.join(recipes())}) or a YAML file; options override it.")
    if "help_all" in given:
        parser.print_help()
        sys.exit()
    output_dir = f"runs/{Path(path).stem if path else 'sft'}"
    parser.set_defaults_with_config(**{"output_dir": output_dir, "dtype": "auto", **hardware_defaults(), **settings})
    known_args = parser.parse_known_args(argv)[0]
    WatchArguments(known_args.predict_steps, known_args.predict_rows, known_args.early_stopping_patience)  # refuses
    parser.set_defaults(**implied(known_args))
    data, run, training, model, watch = _parsed(parser, argv, len(kinds))
    _refuse_idle(training)
    data.seed = training.seed
    if data.max_prompt_tokens:
        data.tokenizer = data.tokenizer or (model.model_name_or_path and located(model.model_name_or_path))
    return data, run, training, model, watch


def _given(argv: Iterable[str]) -> dict[str, list[str]]:
    """The words after each option.

    >>> _given(["--task", "ner", "re", "--max-steps=3"])
    {'task': ['ner', 're'], 'max_steps': ['3']}
    """
    given: dict[str, list[str]] = {"": []}
    values = given[""]
    for word in argv:
        if word.startswith("--"):
            name, equals, value = word[2:].partition("=")
            values = given[name.replace("-", "_")] = [value] if equals else []
        else:
            values.append(word)
    del given[""]
    return given


def _recipe(names: list[str]) -> str:
    if not names:
        raise TrainerError(f"--config needs a recipe ({', '.join(recipes())}) or the path of a YAML file")
    return recipe(names[0])


def _settings(path: str) -> dict[str, Any]:
    """What a recipe sets; its `env` goes into the environment."""
    from iepile_dataset import DataError
    from iepile_dataset.bounded import parse_yaml, read_small

    try:
        settings = parse_yaml(read_small(path).decode("utf-8"), path)
    except UnicodeDecodeError as problem:
        raise TrainerError(f"{path}: {problem} (save it as UTF-8)") from None
    except DataError as problem:
        raise TrainerError(str(problem)) from None
    if not isinstance(settings, dict):
        raise TrainerError(f"{path}: not a mapping of options to values")
    env = settings.pop("env", {})
    if not isinstance(env, dict):
        raise TrainerError(f"{path}: env is not a mapping of variables to values")
    for name in env:
        if name not in _ENVIRONMENT:
            allowed = ", ".join(_ENVIRONMENT)
            raise TrainerError(f"{path}: env sets {shown(name)}, a recipe may set {allowed} (set others in the shell)")
    os.environ.update({name: str(value) for name, value in env.items()})
    return settings


def _names(kind: type) -> Iterator[str]:
    for option in fields(kind):
        if option.init:
            yield option.name
            yield from (alias.lstrip("-").replace("-", "_") for alias in option.metadata.get("aliases", ()))


def _upstream_options() -> dict[str, str]:
    """The options of TRL and transformers with their help, read from their sources, which need not be imported."""
    options: dict[str, str] = {}
    for package, file in _UPSTREAM:
        spec = find_spec(package)
        (folder,) = spec.submodule_search_locations if spec and spec.submodule_search_locations else ("",)
        for node in ast.walk(ast.parse(Path(folder, file).read_text(encoding="utf-8"))):
            if isinstance(node, ast.AnnAssign) and isinstance(node.target, ast.Name):
                options[node.target.id] = next(_help_texts(node), "")
    return options


def _help_texts(field: ast.AST) -> Iterator[str]:
    for node in ast.walk(field):
        if isinstance(node, ast.Dict):
            metadata = {ast.unparse(key): value for key, value in zip(node.keys, node.values) if key is not None}
            if isinstance(text := metadata.get("'help'"), ast.Constant):
                yield str(text.value)


def _refuse_unknown(given: Iterable[str], known: set[str], place: str) -> None:
    for name in given:
        if name not in known and name.removeprefix("no_") not in known:
            near = get_close_matches(name, known, n=1)
            hint = f"did you mean --{near[0]}?" if near else "--help lists the options"
            raise TrainerError(f"unknown option --{name} {place} ({hint})")


def _refuse_missing_paths(given: Mapping[str, Any]) -> None:
    """Refuse what is plainly a path and not there; what may be a Hub id is looked for later."""
    for name in _PATHS:
        values = given.get(name)
        for value in values if isinstance(values, list) else [values or ""]:
            path = str(value).rpartition("=")[2]
            plain = path.startswith(("/", "./", "../")) or path.endswith((".json", ".jsonl"))
            if plain and not set(path) & set("*?[") and not Path(path).exists():
                subject = f"cannot load the model {path}" if name == "model_name_or_path" else f"--{name} {path}"
                raise TrainerError(f"{subject}: no such file or folder")


def _refuse_idle(training: Any) -> None:
    """Refuse options of TRL that would change nothing here, and numbers that make no training."""
    for name in _COUNTS:
        value = getattr(training, name)
        if value is not None and value <= 0 and not (name == "num_train_epochs" and training.max_steps > 0):
            raise TrainerError(f"--{name} {value}: a number above 0")
    for name, instead in _IDLE.items():
        value = getattr(training, name)
        if value != type(training).__dataclass_fields__[name].default:
            raise TrainerError(f"--{name} {value} has no effect here: {instead}")


def _parser(kinds: tuple[type, ...], prog: str | None, description: str | None) -> Any:
    from trl import TrlParser

    class Parser(TrlParser):
        def error(self, message: str) -> Any:  # argparse would print a screenful of usage first
            raise TrainerError(f"{message} (--help lists the options)")

    class Format(argparse.RawDescriptionHelpFormatter, argparse.ArgumentDefaultsHelpFormatter):
        pass

    usage = None if prog is None else f"{prog} [options]"  # in full it would fill a screen before the examples
    parser = Parser(kinds, prog=prog, usage=usage, description=description, formatter_class=Format, allow_abbrev=False)
    for action in parser._actions:
        if action.dest in _IDLE:
            action.help = argparse.SUPPRESS
    return parser


def _parsed(parser: Any, argv: list[str], count: int) -> list[Any]:
    try:
        return list(parser.parse_args_into_dataclasses(argv)[:count])
    except TrainerError:
        raise
    except ValueError as problem:  # from the __post_init__ of TRL's and transformers' dataclasses
        raise TrainerError(first_line(problem)) from None


def _help(prog: str, description: str) -> str:
    """The options of this package and those of TRL that most trainings set, a line each."""
    lines = [f"usage: {prog} [options]    {description.strip().partition(chr(10))[0]}"]
    lines.append(_line("config", f"A recipe ({', '.join(recipes())}) or a YAML file."))
    for title, kind in _OURS.items():
        lines.append(title)
        for option in fields(kind):
            if not option.init:
                continue
            choices = f"{{{', '.join(map(str, option.metadata['choices']))}}} " if "choices" in option.metadata else ""
            default = f"[{option.default}] " * (option.default not in (None, False, MISSING))
            lines.append(_line(option.name, default + choices + option.metadata.get("help", "").replace("%%", "%")))
    upstream = _upstream_options()
    lines += ["Training (TRL)", *(_line(name, upstream[name].partition(". ")[0]) for name in _OFTEN)]
    return "\n".join([*lines, "All options of TRL and transformers: --help-all. Recipes: iepile recipes"])


def _line(name: str, text: str) -> str:
    """One line, whatever the text: the whole of it stands in `--help-all`."""
    return f"  --{name:<28} {shorten(text, 96, placeholder=' …')}"
