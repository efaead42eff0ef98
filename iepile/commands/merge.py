"""`iepile merge`: one model out of an adapter and its base."""

from pathlib import Path
from typing import Annotated

import typer

from iepile_trainer.models.precision import DTYPES

from ..console import failing, say


def merge(
    run: Annotated[str, typer.Argument(help="A run folder with an adapter, or an adapter's Hub id.")],
    out: Annotated[Path, typer.Option(help="Folder for the merged model.")],
    base: Annotated[
        str | None, typer.Option(help="The base, where it is no longer at the place the adapter names.")
    ] = None,
    dtype: Annotated[str, typer.Option(help=f"{', '.join(DTYPES)}; auto is as the base.")] = "auto",
    overwrite: Annotated[bool, typer.Option("--overwrite", help="Replace the run that is in --out.")] = False,
) -> None:
    """Write an adapter and its base as one model: safetensors, tokenizer, chat template, run.json.

    An adapter that was trained on 4 or 8 bits is merged into those weights, written out as whole ones; with --base
    into the weights given there.

    Serve it with vLLM:

        vllm serve DIR

    As a GGUF file, with llama.cpp and Ollama (whose converter knows the vocabularies of published models, not one that
    was made from scratch):

        python convert_hf_to_gguf.py DIR --outfile model.gguf --outtype q8_0

        llama-server -m model.gguf --jinja

        echo "FROM ./model.gguf" > Modelfile && ollama create NAME -f Modelfile

    Ollama may not know the chat template: put one into the Modelfile (TEMPLATE) that gives the prompt of
    `iepile formats show`, and compare.
    """
    from iepile_trainer.models.merge import merge as merged

    if dtype not in DTYPES:
        raise typer.BadParameter(f"{dtype} is none of {', '.join(DTYPES)}", param_hint="--dtype")
    with failing():
        what = merged(run, out, base, dtype, overwrite)["merged"]
    few = f", of {what['from_bits']} bits as in training" if what["from_bits"] else ""
    say(f"merged {what['adapter']} into {what['base']}{few}; the model ({what['dtype']}) lies in {out}")
