"""What a training can be told: the dataclasses behind the options, and the recipes that preset them."""

import argparse
import os
import sys
from dataclasses import dataclass, field
from difflib import get_close_matches
from importlib.resources import files
from pathlib import Path
from typing import Any

from . import TrainerError
from .tokens import OVERLONG


@dataclass
class DataArguments:
    """Which rows to train on. Those that shape instructions are the options of `load_dataset("iepile", …)`."""

    dataset: str = field(
        default="iepile",
        metadata={"help": "`iepile`, a folder made by `iepile prepare`, a file of rows (JSON lines), or a Hub id."},
    )
    task: list[str] | None = field(
        default=None,
        metadata={
            "help": "Tasks (configurations), one or several: ner re ee eet eea. ner for `iepile`, else all there are.",
            "aliases": ["--tasks"],
        },
    )
    source: list[str] | None = field(default=None, metadata={"help": "Only these sources."})
    language: str | None = field(default=None, metadata={"help": "Only this language.", "choices": ["en", "zh"]})
    split_num: int | None = field(default=None, metadata={"help": "Most labels asked in one instruction."})
    negatives: str = field(
        default="all", metadata={"help": "Labels that do not occur to ask as well: all, none, or a share of them."}
    )
    epoch: int = field(default=0, metadata={"help": "Draws the labels of the train split anew."})
    strict: bool = field(default=False, metadata={"help": "The first bad record is an error."})
    data_dir: str | None = field(default=None, metadata={"help": "A corpus tree of your own, for `iepile`."})
    data_files: list[str] | None = field(
        default=None, metadata={"help": "Annotated files, for `iepile`: paths, or split=path."}
    )
    num_shards: int | None = field(default=None, metadata={"help": "Shards per split, for `iepile`."})
    train_split: str = field(default="train", metadata={"help": "Split to train on; slices such as train[:100] work."})
    eval_split: str = field(default="validation", metadata={"help": "Split for --eval_strategy steps or epoch."})
    max_rows: int | None = field(default=None, metadata={"help": "Train on at most so many rows, drawn by --seed."})
    max_eval_rows: int | None = field(default=1000, metadata={"help": "The same for evaluation."})
    overlong: str = field(
        default="shorten",
        metadata={
            "help": "Rows over --max_length: shorten their text (drop where gold would be lost), drop, or error.",
            "choices": list(OVERLONG),
        },
    )
    prompt_format: str | None = field(
        default=None,
        metadata={
            "help": "A shipped chat template (`iepile formats` lists them), or `tokenizer` for the tokenizer's own; "
            "by default the latter, `plain` where it has none."
        },
    )
    # Training has a --seed already: one number seeds the labels that are drawn, too.
    seed: int = field(default=42, init=False)

    def __post_init__(self) -> None:
        # A YAML file may say `task: ner` where the command line gives a list.
        for name in ("task", "source", "data_files"):
            if isinstance(getattr(self, name), str):
                setattr(self, name, [getattr(self, name)])
        self.negatives = str(self.negatives)


@dataclass
class RunArguments:
    """The run folder, and the small model that needs no download."""

    overwrite: bool = field(default=False, metadata={"help": "Throw away a run that is in --output_dir already."})
    record_ids: str | None = field(
        default=None,
        metadata={"help": "Write the id of every row as it is trained on, to FILE.<process>: proof of what was seen."},
    )
    scratch: bool = field(
        default=False, metadata={"help": "Train a new small Llama and its tokenizer instead of a pretrained model."}
    )
    scratch_hidden: int = field(default=128, metadata={"help": "Hidden size of the new model."})
    scratch_layers: int = field(default=3, metadata={"help": "Layers of the new model."})
    scratch_vocab: int = field(default=4000, metadata={"help": "Vocabulary of the new tokenizer."})


def recipes() -> list[str]:
    """Names of the shipped recipes.

    >>> recipes()
    ['full', 'lora', 'tiny']
    """
    return sorted(file.name.removesuffix(".yaml") for file in _folder().iterdir() if file.name.endswith(".yaml"))


def recipe(name: str) -> str:
    """The path of a recipe, given by name or as a path.

    >>> recipe("lara")
    Traceback (most recent call last):
    iepile_trainer.TrainerError: no recipe "lara" (shipped: full, lora, tiny; or give the path of a YAML file)
    """
    if Path(name).is_file():
        return name
    if name in recipes():
        return str(_folder() / f"{name}.yaml")
    raise TrainerError(f'no recipe "{name}" (shipped: {", ".join(recipes())}; or give the path of a YAML file)')


def parse(argv: list[str] | None, prog: str | None = None, description: str | None = None) -> tuple[Any, ...]:
    """Options and recipe → (DataArguments, RunArguments, SFTConfig, ModelConfig).

    The command line overrides the recipe, the recipe overrides the defaults.

    Raises:
        TrainerError: An unknown option, recipe or value.
    """
    from trl import ModelConfig, SFTConfig

    argv, name = _take_config(sys.argv[1:] if argv is None else list(argv))
    path = recipe(name) if name else None
    parser = _parser((DataArguments, RunArguments, SFTConfig, ModelConfig), prog, description)
    parser.add_argument("--config", help=f"A recipe ({', '.join(recipes())}) or a YAML file; options override it.")
    output_dir = f"runs/{Path(name).stem if name else 'sft'}"
    parser.set_defaults_with_config(output_dir=output_dir, **hardware_defaults())
    data, run, training, model = _parsed(parser, argv, path)
    data.seed = training.seed
    return data, run, training, model


def parse_into(cls: type, argv: list[str] | None, prog: str, description: str | None = None) -> Any:
    """Options → one dataclass, by the rules of `parse` but without recipes."""
    (parsed,) = _parsed(_parser((cls,), prog, description), sys.argv[1:] if argv is None else list(argv))
    return parsed


def _parser(classes: tuple[type, ...], prog: str | None, description: str | None) -> Any:
    from trl import TrlParser

    class Parser(TrlParser):
        def error(self, message: str) -> Any:  # argparse would print a screenful of usage first
            raise TrainerError(f"{message} (--help lists all options)")

    class Format(argparse.RawDescriptionHelpFormatter, argparse.ArgumentDefaultsHelpFormatter):
        pass

    usage = None if prog is None else f"{prog} [options]"  # in full it would fill a screen before the examples
    return Parser(classes, prog=prog, usage=usage, description=description, formatter_class=Format, allow_abbrev=False)


def _parsed(parser: Any, argv: list[str], config: str | None = None) -> list[Any]:
    import yaml

    from_recipe: list[str] = []
    try:
        if config:
            settings = yaml.safe_load(Path(config).read_text(encoding="utf-8"))
            if not isinstance(settings, dict):
                raise TrainerError(f"{config}: not a mapping of options to values")
            os.environ.update({name: str(value) for name, value in settings.pop("env", {}).items()})
            from_recipe = parser.set_defaults_with_config(**settings)
        *parsed, from_command = parser.parse_args_into_dataclasses(argv, return_remaining_strings=True)
    except yaml.YAMLError as problem:
        raise TrainerError(f"{config}: {' '.join(str(problem).split())}") from None
    except TrainerError:
        raise
    except ValueError as problem:  # from the __post_init__ of TRL's and transformers' dataclasses
        raise TrainerError(str(problem).strip().splitlines()[0]) from None
    for place, unknown in ((f"in {config}", from_recipe), ("on the command line", from_command)):
        if unknown:
            raise TrainerError(_unknown(unknown[0], place, list(parser._option_string_actions)))
    return [part for part in parsed if not isinstance(part, argparse.Namespace)]


def hardware_defaults() -> dict[str, Any]:
    """Options that follow from the machine: without an accelerator, train on the CPU and in float32.

    TRL's own defaults ask for bfloat16, which raises on a machine without a GPU.
    """
    import torch

    asked = os.environ.get("ACCELERATE_USE_CPU", "").lower() in ("1", "true", "yes")
    if torch.accelerator.is_available() and not asked:
        return {}
    return {"use_cpu": True, "bf16": False, "dataloader_pin_memory": False}


def training_config(output_dir: str | Path, **options: Any) -> Any:
    """A `trl.SFTConfig` for this machine and for models of any size: `hardware_defaults`, then `options`.

    Activation checkpointing is off and nothing is reported to trackers unless asked.
    """
    from trl import SFTConfig

    quiet = {"activation_checkpointing": False, "report_to": "none"}
    return SFTConfig(output_dir=str(output_dir), **{**quiet, **hardware_defaults(), **options})


def _take_config(argv: list[str]) -> tuple[list[str], str | None]:
    """Take `--config NAME` or `--config=NAME` out of the arguments."""
    for at, word in enumerate(argv):
        if word.startswith("--config="):
            return argv[:at] + argv[at + 1 :], word.partition("=")[2]
        if word == "--config":
            if at + 1 == len(argv):
                raise TrainerError(f"--config needs a recipe ({', '.join(recipes())}) or the path of a YAML file")
            return argv[:at] + argv[at + 2 :], argv[at + 1]
    return argv, None


def _unknown(option: str, place: str, known: list[str]) -> str:
    near = get_close_matches(option.partition("=")[0], known, n=1)
    hint = f"did you mean {near[0]}?" if near else "--help lists all options"
    return f"unknown option {option} {place} ({hint})"


def _folder() -> Path:
    return Path(str(files(__package__))) / "recipes"
