"""What a training can be told: the dataclasses behind the options, and the recipes that preset them."""

import argparse
import os
import sys
from collections.abc import Callable
from dataclasses import dataclass, field
from difflib import get_close_matches
from importlib.resources import files
from pathlib import Path
from typing import Any

from .. import TrainerError
from ..data.arguments import DataArguments
from ..models.precision import mixed, products
from .monitoring import WatchArguments, implied

_COUNTS = (
    "per_device_train_batch_size", "per_device_eval_batch_size", "gradient_accumulation_steps", "max_length",
    "num_train_epochs",
)  # fmt: skip
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


@dataclass
class RunArguments:
    """The run folder, and the small model that needs no download."""

    overwrite: bool = field(default=False, metadata={"help": "Throw away a run that is in --output_dir already."})
    record_ids: str | None = field(
        default=None,
        metadata={"help": "Write the id of every row as it is trained on, to FILE.<process>: proof of what was seen."},
    )
    adapter: str | None = field(
        default=None,
        metadata={"help": "Go on with this adapter; the same as giving it as --model_name_or_path, base and all."},
    )
    init_lora_weights: str | None = field(
        default=None,
        metadata={
            "help": "How a new adapter starts: pissa, pissa_niter_16, olora, gaussian or orthogonal; by default it "
            "changes nothing at first."
        },
    )
    dry_run: bool = field(
        default=False, metadata={"help": "Stop after the report on rows, steps and memory, before any training."}
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
    ['dora', 'full', 'lora', 'pissa', 'qlora', 'qlora8', 'rslora', 'seq2seq', 'tiny']
    """
    return sorted(file.name.removesuffix(".yaml") for file in _folder().iterdir() if file.name.endswith(".yaml"))


def recipe(name: str) -> str:
    """The path of a recipe, given by name or as a path.

    >>> recipe("lara")
    Traceback (most recent call last):
    iepile_trainer.TrainerError: no recipe "lara" (shipped: dora, full, lora, pissa, ...; or give the path of a YAML
    file)
    """
    if Path(name).is_file():
        return name
    if name in recipes():
        return str(_folder() / f"{name}.yaml")
    raise TrainerError(f'no recipe "{name}" (shipped: {", ".join(recipes())}; or give the path of a YAML file)')


def parse(argv: list[str] | None, prog: str | None = None, description: str | None = None) -> tuple[Any, ...]:
    """Options and recipe → (DataArguments, RunArguments, SFTConfig, ModelConfig, WatchArguments).

    The command line overrides the recipe, the recipe overrides the defaults.

    Raises:
        TrainerError: An unknown option, recipe or value.
    """
    from trl import ModelConfig, SFTConfig

    argv, name = _take_config(sys.argv[1:] if argv is None else list(argv))
    path = recipe(name) if name else None
    parser = _parser((DataArguments, RunArguments, SFTConfig, ModelConfig, WatchArguments), prog, description)
    parser.add_argument("--config", help=f"A recipe ({', '.join(recipes())}) or a YAML file; options override it.")
    output_dir = f"runs/{Path(name).stem if name else 'sft'}"
    parser.set_defaults_with_config(output_dir=output_dir, dtype="auto", **hardware_defaults())
    data, run, training, model, watch = _parsed(parser, argv, path, _implied)
    _check(training)
    data.seed = training.seed
    if data.max_prompt_tokens:
        data.tokenizer = data.tokenizer or model.model_name_or_path
    return data, run, training, model, watch


def _check(training: Any) -> None:
    """Refuse options of TRL that would change nothing here, and numbers that make no training.

    Rows reach its trainer as token ids, in their order.
    """
    for name in _COUNTS:
        value = getattr(training, name)
        if value is not None and value <= 0 and not (name == "num_train_epochs" and training.max_steps > 0):
            raise TrainerError(f"--{name} {value}: a number above 0")
    for name, instead in _IDLE.items():
        value = getattr(training, name)
        if value != type(training).__dataclass_fields__[name].default:
            raise TrainerError(f"--{name} {value} has no effect here: {instead}")


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


def _implied(known: argparse.Namespace) -> dict[str, Any]:
    named = ("predict_steps", "predict_rows", "early_stopping_patience")
    watch = WatchArguments(**{name: getattr(known, name) for name in named})
    # A CPU that is asked for beside a GPU, unless the type of products is named.
    precision = mixed(products("cpu")) if known.use_cpu and known.bf16 is None else {}
    return {**precision, **implied(watch, known.load_best_model_at_end, known.metric_for_best_model)}


def _parsed(
    parser: Any,
    argv: list[str],
    config: str | None = None,
    imply: Callable[[argparse.Namespace], dict[str, Any]] | None = None,
) -> list[Any]:
    import yaml

    from_recipe: list[str] = []
    try:
        if config:
            settings = yaml.safe_load(Path(config).read_text(encoding="utf-8"))
            if not isinstance(settings, dict):
                raise TrainerError(f"{config}: not a mapping of options to values")
            if not isinstance(settings.get("env", {}), dict):
                raise TrainerError(f"{config}: env is not a mapping of variables to values")
            os.environ.update({name: str(value) for name, value in settings.pop("env", {}).items()})
            from_recipe = parser.set_defaults_with_config(**settings)
        if imply:
            parser.set_defaults(**imply(parser.parse_known_args(argv)[0]))
        *parsed, from_command = parser.parse_args_into_dataclasses(argv, return_remaining_strings=True)
    except (yaml.YAMLError, UnicodeDecodeError) as problem:
        raise TrainerError(f"{config}: {' '.join(str(problem).split())}") from None
    except TrainerError:
        raise
    except ValueError as problem:  # from the __post_init__ of TRL's and transformers' dataclasses
        raise TrainerError(str(problem).strip().splitlines()[0]) from None
    for place, unknown in ((f"in {config}", from_recipe), ("on the command line", from_command)):
        if unknown:
            raise TrainerError(_unknown(unknown[0], place, list(parser._option_string_actions)))
    return [part for part in parsed if not isinstance(part, argparse.Namespace)]


def hardware_defaults(use_cpu: bool = False) -> dict[str, Any]:
    """Options that follow from the machine: where to train, and in which precision (see `precision`)."""
    import torch

    use_cpu = use_cpu or os.environ.get("ACCELERATE_USE_CPU", "").lower() in ("1", "true", "yes")
    if use_cpu or not torch.accelerator.is_available():
        return {"use_cpu": True, "dataloader_pin_memory": False, **mixed(products("cpu"))}
    return dict(mixed(products(torch.accelerator.current_accelerator().type)))


def training_config(output_dir: str | Path, **options: Any) -> Any:
    """A `trl.SFTConfig` for this machine and for models of any size: `hardware_defaults`, then `options`.

    Activation checkpointing is off and nothing is reported to trackers unless asked.
    """
    from trl import SFTConfig

    quiet = {"activation_checkpointing": False, "report_to": "none"}
    return SFTConfig(
        output_dir=str(output_dir), **{**quiet, **hardware_defaults(options.get("use_cpu", False)), **options}
    )


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
    return Path(str(files("iepile_trainer"))) / "recipes"
