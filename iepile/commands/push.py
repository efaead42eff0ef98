"""`iepile push`: a prepared dataset, the metric, a model or the app → the Hub."""

from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from iepile_trainer.command_line import Commands

if TYPE_CHECKING:
    from iepile_cards.upload_set import Parcel

app = Commands(
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
        from iepile_cards import card_text, dataset_card
        from iepile_cards.upload_set import CARD, dataset_parcel
        from iepile_dataset.export.manifest import MANIFEST, read_manifest
        from iepile_dataset.export.publish import published
        from iepile_dataset.export.seal import check_rows
        from iepile_dataset.tasks import TASKS

        # As `prepare` left it: without its whole page, and nobody has written on the README.
        bare = not (check_rows(folder) or (folder / "statistics").exists())
        told = read_manifest(folder / MANIFEST)
        _refuse_unlicensed({each["source"]: each["licence"] for each in told["sources"]}, private, licences_checked)
        parquet = told["format"] == "parquet"
        if bare and not dry_run:
            _write_page(folder)
            told = read_manifest(folder / MANIFEST)
        elif bare and parquet:
            _warn("a push first writes statistics/ into the folder, which the page then shows, too")
        texts = {CARD: str(dataset_card(folder, repo)) if bare else card_text(folder, repo)}
        if parquet:
            _refuse_without_configs(folder, texts[CARD])
        else:
            _warn("JSON lines cannot be loaded by configuration from the Hub: prepare with --format parquet for that")
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
    base: Annotated[
        str | None,
        typer.Option(
            help="The name on the Hub of the model that it is based on, where it was trained on a folder.",
            show_default=False,
        ),
    ] = None,
    licences_checked: Checked = False,
) -> None:
    """Push a run: adapter or weights, tokenizer, record, scores, curve and card; no checkpoints.

    iepile push model runs/mine user/iepile-ner-lora

    iepile push model runs/mine user/iepile-ner-lora --base user/iepile-base
    """

    def pack() -> "Parcel":
        from iepile_cards import card_text
        from iepile_cards.push import checked_name
        from iepile_cards.upload_set import HubError, model_parcel
        from iepile_trainer.run_folder import is_whole_safetensors, read_run

        record = read_run(run)
        if base:
            checked_name(base)
        for weights in run.glob("*.safetensors"):
            if not is_whole_safetensors(weights):
                raise HubError(f"{weights}: cut short (train again, or copy it again)")
        if predictions:
            _refuse_unlicensed(_licences_of(record), private, licences_checked)
        return model_parcel(run, card_text(run, repo, base), predictions, base)

    _push(pack, repo, private, revision, dry_run)


@app.command()
def metric(repo: Repo, private: Private = False, revision: Revision = None, dry_run: Dry = False) -> None:
    """Push the metric as a Space; anyone loads it with evaluate.load("user/name", "ner"), without this package.

    iepile push metric user/iepile_f1
    """

    def pack() -> "Parcel":
        import iepile_metric
        from iepile_cards import metric_card
        from iepile_cards.upload_set import CARD, metric_files, space_parcel

        from ..cards import metric_facts

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
        from iepile_cards.upload_set import CARD, space_parcel

        from ..cards import app_facts

        place = folder or Path(__file__).parents[1] / "space"
        card = {} if (place / CARD).is_file() else {CARD: str(app_card(app_facts(place), repo))}
        return space_parcel(place, card)

    _push(pack, repo, private, revision, dry_run)


def _push(pack: Callable[[], "Parcel"], repo: str, private: bool, revision: str | None, dry_run: bool) -> None:
    from iepile_cards.push import checked_name, push
    from iepile_cards.upload_set import HubError

    from ..console import console, failing, quiet_hub

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
        done = push(parcel, repo, private=private, revision=revision, tell=_warn)
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


def _write_page(folder: Path) -> None:
    """Give a prepared folder its whole page, with statistics."""
    from ..cards import write_dataset_page

    _, missing = write_dataset_page(folder)
    _warn(f"wrote README.md{' and statistics/' if (folder / 'statistics').exists() else ''} into {folder}")
    if missing:
        _warn(missing)


def _refuse_without_configs(folder: Path, page: str) -> None:
    """A page without the configurations at its head hides them all from `load_dataset`."""
    from iepile_cards.upload_set import HubError

    if "\nconfigs:" not in page.partition("\n---\n")[0]:
        raise HubError(
            f"{folder / 'README.md'}: no configs at its head, so nobody could load a configuration (iepile card "
            "dataset writes them; then add your words below)"
        )


def _refuse_unlicensed(licences: dict[str, str], private: bool, checked: bool) -> None:
    """What a source's words do not plainly allow is not published unless the user says that it may be."""
    from iepile_cards.upload_set import HubError
    from iepile_dataset.licences import allows

    unclear = [
        f"{name} ({words or 'no words'})" for name, words in licences.items() if not allows(words, "derivatives")
    ]
    if not unclear:
        return
    told = f"licence words that do not plainly allow passing it on changed: {'; '.join(unclear)}"
    if not (private or checked):
        remedy = "prepare it with --licence derivatives to leave them out, or, once you have made sure, add"
        raise HubError(f"{told} ({remedy} --licences-checked; --private shows them to nobody else)")
    _warn(told)


def _licences_of(record: dict[str, Any]) -> dict[str, str]:
    data: list[dict[str, Any]] = record.get("data") or []
    return {
        f"{each.get('dataset') or 'its data'}, licence {number}": words
        for each in data
        for number, words in enumerate(each.get("licences") or [""], 1)
    }


def _warn(line: str) -> None:
    from ..console import errors

    errors.print(line, style="yellow", markup=False, highlight=False, soft_wrap=True)
