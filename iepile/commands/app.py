"""`iepile app`: the page, on this machine."""

from typing import Annotated, Literal

import typer

from ..console import failing, say


def app(
    model: Annotated[
        str | None, typer.Option(help="A run folder or a model of the Hub. Default: runs/quickstart.")
    ] = None,
    adapter: Annotated[str | None, typer.Option(help="An adapter on top of it.")] = None,
    corpus: Annotated[
        str | None, typer.Option(help="The corpus tree to browse; the embedded sample where left out.")
    ] = None,
    constrain: Annotated[
        Literal["none", "json", "extractive"],
        typer.Option(help="json: answers always parse; extractive: and quote the text. Slower."),
    ] = "none",
    host: Annotated[str, typer.Option(help="Address to listen on; 0.0.0.0 for the whole network.")] = "127.0.0.1",
    port: Annotated[
        int | None, typer.Option(help="Default: the first free one from 7860 on.", min=1, max=65535)
    ] = None,
    share: Annotated[
        bool, typer.Option("--share", help="Also open a public address through gradio's servers, for 72 hours.")
    ] = False,
) -> None:
    """A page in the browser: extract from a text, score a file of answers, browse a corpus.

    It asks nothing of the network; only with --share, or a model of the Hub that is not here yet, does it.

        iepile app --model runs/mine --corpus my_corpus
    """
    import os
    import signal
    import sys

    # Threads that wait in a loop slow each other down many times over when cores are shared.
    os.environ.setdefault("OMP_WAIT_POLICY", "passive")
    os.environ.update(HF_HUB_DISABLE_TELEMETRY="1", TOKENIZERS_PARALLELISM="false")
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(143))  # leaves no uploaded file behind
    with failing("train,app"):
        from ..app import serve

        serve(model, adapter, corpus, constrain, host, port, share, lambda address: say(f"{address} (Ctrl+C ends it)"))
