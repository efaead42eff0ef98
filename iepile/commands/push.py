"""`iepile push`: a prepared dataset, the metric, a model or the app → the Hub."""

from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

if TYPE_CHECKING:
    from iepile_cards.parcel import Parcel

app = typer.Typer(
    help="Push a dataset, the metric, a model or the app to the Hub, each as one commit.", no_args_is_help=True
)

_SHOWN = 20

Repo = Annotated[str, typer.Argument(help="user/name on the Hub; made if need be.", show_default=False)]
Private = Annotated[bool, typer.Option("--private", help="Make a repository that only its owner sees.")]
Revision = Annotated[
    str | None, typer.Option(help="The branch to push to; made if need be. Default: main.", show_default=False)
]
Dry = Annotated[bool, typer.Option("--dry-run", help="Show files, sizes and page, and send nothing.")]
Checked = Annotated[
    bool,
    typer.Option("--licences-checked", help="You may publish the sources whose licence words do not plainly allow it."),
]


@app.command()
def dataset(
    folder: Annotated[Path, typer.Argument(help="A folder that `iepile prepare` made.", show_default=False)],
    repo: Repo,
    private: Private = False,
    revision: Revision = None,
    dry_run: Dry = False,
    licences_checked: Checked = False,
) -> None:
    """Push a prepared dataset; anyone loads it with load_dataset("user/name", "ner"), without this package.

    iepile push dataset rows user/iepile --dry-run
    """

    def pack() -> "Parcel":
        from iepile_cards import card_text
        from iepile_cards.parcel import CARD, dataset_parcel
        from iepile_dataset.manifest import MANIFEST, read_manifest
        from iepile_dataset.published import published
        from iepile_dataset.seal import check_rows
        from iepile_dataset.tasks import TASKS

        check_rows(folder)
        told = read_manifest(folder / MANIFEST)
        _refuse_unlicensed({each["source"]: each["licence"] for each in told["sources"]}, private, licences_checked)
        if _write_page(folder):
            told = read_manifest(folder / MANIFEST)
        texts = {CARD: card_text(folder, repo)}
        return dataset_parcel(folder, told["files"], {**texts, MANIFEST: published(told, texts)}, TASKS)

    _push(pack, repo, private, revision, dry_run)


@app.command()
def model(
    run: Annotated[Path, typer.Argument(help="A finished run folder.", show_default=False)],
    repo: Repo,
    private: Private = False,
    revision: Revision = None,
    dry_run: Dry = False,
    predictions: Annotated[
        bool, typer.Option("--predictions", help="Also predictions.jsonl, which holds texts of the test data.")
    ] = False,
    licences_checked: Checked = False,
) -> None:
    """Push a run: adapter or weights, tokenizer, record, scores, curve and card; no checkpoints.

    iepile push model runs/mine user/iepile-ner-lora
    """

    def pack() -> "Parcel":
        from iepile_cards import card_text
        from iepile_cards.parcel import HubError, model_parcel

        if not (run / "run.json").is_file():
            raise HubError(f"{run}: no run.json in it, so no finished run (train one first)")
        if predictions:
            _refuse_unlicensed(_licences_of(run), private, licences_checked)
        _warn_of_local_base(run)
        return model_parcel(run, card_text(run, repo), predictions)

    _push(pack, repo, private, revision, dry_run)


@app.command()
def metric(repo: Repo, private: Private = False, revision: Revision = None, dry_run: Dry = False) -> None:
    """Push the metric as a Space; anyone loads it with evaluate.load("user/name", "ner"), without this package.

    iepile push metric user/iepile_f1
    """

    def pack() -> "Parcel":
        import iepile_metric
        from iepile_cards import metric_card
        from iepile_cards.parcel import CARD, metric_files, space_parcel

        from ..page_facts import metric_facts

        folder = Path(iepile_metric.__file__).parent
        card = str(metric_card(metric_facts(), repo))
        return space_parcel(folder / "space", {**metric_files(folder, repo.rpartition("/")[2]), CARD: card})

    _push(pack, repo, private, revision, dry_run)


@app.command("app")
def space(
    repo: Repo,
    private: Private = False,
    revision: Revision = None,
    dry_run: Dry = False,
    folder: Annotated[
        Path | None, typer.Option(help="Another folder with app.py and requirements.txt.", show_default=False)
    ] = None,
) -> None:
    """Push the app as a Space.

    iepile push app user/iepile-demo
    """

    def pack() -> "Parcel":
        from iepile_cards import app_card
        from iepile_cards.parcel import CARD, space_parcel

        from ..page_facts import app_facts

        place = folder or Path(__file__).parents[1] / "space"
        card = {} if (place / CARD).is_file() else {CARD: str(app_card(app_facts(place), repo))}
        return space_parcel(place, card)

    _push(pack, repo, private, revision, dry_run)


def _push(pack: Callable[[], "Parcel"], repo: str, private: bool, revision: str | None, dry_run: bool) -> None:
    from iepile_cards.parcel import HubError
    from iepile_cards.push import checked_name, push

    from ..console import console, errors, failing, quiet_hub

    def tell(line: str) -> None:
        errors.print(line, style="yellow", markup=False, highlight=False, soft_wrap=True)

    with failing():
        checked_name(repo)
        try:
            parcel = pack()
        except ValueError as problem:  # a file of the folder that is not what it should be
            raise HubError(str(problem)) from None
        if dry_run:
            _show(parcel, repo)
            return
        quiet_hub()
        done = push(parcel, repo, private=private, revision=revision, tell=tell)
    for told, paths in (("sent", done.sent), ("deleted", done.deleted)):
        for path in paths[:_SHOWN]:
            console.print(f"{told:8}{path}", markup=False, highlight=False, soft_wrap=True)
        if len(paths) > _SHOWN:
            console.print(f"{told:8}… and {len(paths) - _SHOWN:,} more")
    seen = ", private" if done.private else ""
    branch = f" (branch {revision})" if revision else ""
    if done.commit:
        console.print(
            f"{len(done.sent):,} files sent, {len(done.deleted):,} deleted, {len(done.same):,} unchanged: "
            f"commit {done.commit[:10]}, {done.url}{branch}{seen}", markup=False, highlight=False, soft_wrap=True,
        )  # fmt: skip
    else:
        told = f"nothing to do: all {len(done.same):,} files are there already, {done.url}{branch}{seen}"
        console.print(told, markup=False, highlight=False, soft_wrap=True)


def _show(parcel: "Parcel", repo: str) -> None:
    from ..console import console

    sizes = {path: parcel.size(path) for path in parcel.files}
    for path, size in sizes.items():
        console.print(f"{size:>14,}  {path}", markup=False, highlight=False, soft_wrap=True)
    told = f"{sum(sizes.values()):>14,}  bytes in {len(sizes):,} files for the {parcel.kind} {repo}; nothing was sent"
    console.print(told, markup=False, highlight=False, soft_wrap=True)
    console.print(f"\n{parcel.card}", markup=False, highlight=False, soft_wrap=True)


def _write_page(folder: Path) -> bool:
    """Give a prepared folder its whole page, with statistics, unless it has one or its owner wrote on the README."""
    from iepile_dataset.manifest import verify

    from ..console import errors
    from ..dataset_page import write_dataset_page

    if (folder / "statistics").exists() or verify(folder)[1]:
        return False
    _, missing = write_dataset_page(folder)
    for told in (f"wrote README.md and statistics/ into {folder}", missing):
        if told:
            errors.print(told, style="yellow", markup=False, highlight=False, soft_wrap=True)
    return True


def _refuse_unlicensed(licences: dict[str, str], private: bool, checked: bool) -> None:
    """What a source's words do not plainly allow is not published unless the user says that it may be."""
    from iepile_cards.parcel import HubError
    from iepile_dataset.licences import allows

    from ..console import errors

    unclear = [
        f"{name} ({words or 'no words'})" for name, words in licences.items() if not allows(words, "derivatives")
    ]
    if not unclear:
        return
    told = f"licence words that do not plainly allow passing it on changed: {'; '.join(unclear)}"
    if not (private or checked):
        remedy = "prepare it with --licence derivatives to leave them out, or, once you have made sure, add"
        raise HubError(f"{told} ({remedy} --licences-checked; --private shows them to nobody else)")
    errors.print(told, style="yellow", markup=False, highlight=False, soft_wrap=True)


def _licences_of(run: Path) -> dict[str, str]:
    data: list[dict[str, Any]] = _json(run / "run.json").get("data") or []
    return {
        f"{each.get('dataset') or 'its data'}, licence {number}": words
        for each in data
        for number, words in enumerate(each.get("licences") or [""], 1)
    }


def _warn_of_local_base(run: Path) -> None:
    """An adapter whose base is a folder of this machine is of no use elsewhere."""
    from ..console import errors

    base = _json(run / "adapter_config.json").get("base_model_name_or_path") or ""
    if base and (Path(base).exists() or base.count("/") > 1 or base.startswith((".", "~"))):
        told = f"the adapter's base is the local folder {base}: others have to be told what to load instead"
        errors.print(told, style="yellow", markup=False, highlight=False, soft_wrap=True)


def _json(path: Path) -> dict[str, Any]:
    import json

    try:
        told = json.loads(path.read_text("utf-8")) if path.is_file() else {}
    except ValueError as problem:
        from iepile_cards.parcel import HubError

        raise HubError(f"{path}: not JSON: {problem} (train again)") from None
    return told if isinstance(told, dict) else {}
