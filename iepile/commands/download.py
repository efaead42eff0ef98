"""`iepile download`: a corpus, a prepared dataset, a model or a Space from the Hub into a folder."""

from pathlib import Path
from typing import Annotated, Literal

import typer

from ..console import failing, quiet_hub, say, warn


def download(
    repo: Annotated[str, typer.Argument(help="user/name on the Hub.")],
    out: Annotated[Path, typer.Option(help="The folder to make, or to go on with.")],
    kind: Annotated[Literal["dataset", "model", "space"], typer.Option(help="What it is.")] = "dataset",
    revision: Annotated[str | None, typer.Option(help="A branch, a tag or a commit. Default: the newest.")] = None,
) -> None:
    """Fetch a repository whole, one revision of it; its licence is shown first. Repeated, it goes on.

    iepile download zjunlp/iepile --out IEPile          # CC BY-NC-SA 4.0, some sources stricter

    iepile download user/iepile --revision v1 --out rows
    """
    from iepile_cards.download import download as fetch

    with failing():
        quiet_hub()
        done = fetch(repo, out, kind=kind, revision=revision, tell=warn)
    if done.others:
        shown = ", ".join(done.others[:5]) + (" …" if len(done.others) > 5 else "")
        warn(f"{out} also holds {len(done.others):,} files that are not of this revision: {shown}")
    say(f"{out}: {done.files:,} files, {done.size:,} bytes, {repo} at {done.commit}")
