"""`iepile serve`: everything after it goes to `iepile_trainer.serve`, `--help` included."""

import typer

from .train import PASS_ALL

__all__ = ["PASS_ALL", "serve"]


def serve(context: typer.Context) -> None:
    """Answer over HTTP: POST a text and a schema, get typed results with their places."""
    import os

    from ..console import errors

    # Threads that wait in a loop slow each other down many times over when cores are shared.
    os.environ.setdefault("OMP_WAIT_POLICY", "passive")
    os.environ.update(HF_HUB_DISABLE_TELEMETRY="1", TOKENIZERS_PARALLELISM="false")
    try:
        from iepile_trainer.serve import main

        main(context.args)
    except ModuleNotFoundError as missing:
        errors.print(
            f"error: no module {missing.name!r} (pip install 'iepile[train,serve]')", style="red", markup=False
        )
        raise typer.Exit(1) from None
