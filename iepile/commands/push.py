"""`iepile push`: a prepared dataset, the metric, a model or the app → the Hub."""

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from iepile_trainer.command_line import Commands, option

from ..console import failing, quiet_hub, reading, say, warn

if TYPE_CHECKING:
    from iepile_cards.upload_set import Upload

app = Commands(
    help="Push a dataset, the metric, a model or the app to the Hub, each as one commit.", no_args_is_help=True
)

_SHOWN = 20

Repo = Annotated[str, typer.Argument(help="user/name on the Hub; made if need be.")]


@dataclass(frozen=True)
class PushOptions:
    """What holds for whatever is pushed."""

    private: bool = option(False, "Make a repository that only its owner sees.")
    revision: str | None = option(None, "The branch to push to; made if need be. Default: main.")
    dry_run: bool = option(False, "Show files, sizes and page, and send nothing.")


@dataclass(frozen=True)
class LicensedOptions(PushOptions):
    """What holds for whatever has texts of others in it."""

    licences_checked: bool = option(False, "You may publish the sources whose licence words do not plainly allow it.")


@app.command()
def dataset(
    folder: Annotated[Path, typer.Argument(help="A folder that `iepile prepare` made.")],
    repo: Repo,
    options: LicensedOptions,
) -> None:
    """Push a prepared dataset; anyone loads it with load_dataset("user/name", "ner"), without this package.

    iepile push dataset rows user/iepile --dry-run
    """
    _push(lambda: _dataset_upload(folder, repo, options), repo, options, folder)


def _dataset_upload(folder: Path, repo: str, options: LicensedOptions) -> "Upload":
    from iepile_cards import benchmark_text, card_text, dataset_page
    from iepile_cards.upload_set import BENCHMARK, CARD, HubError, dataset_upload
    from iepile_dataset.export.manifest import MANIFEST, check_rows, published, read_manifest
    from iepile_dataset.tasks import TASKS

    # As `prepare` left it: without its whole page, and nobody has written on the README.
    bare = not (check_rows(folder) or (folder / "statistics").exists())
    manifest = read_manifest(folder / MANIFEST)
    _refuse_unlicensed({source["source"]: source["licence"] for source in manifest["sources"]}, options)
    parquet = manifest["format"] == "parquet"
    if bare and not options.dry_run:
        _write_page(folder)
        manifest = read_manifest(folder / MANIFEST)
    elif bare and parquet:
        warn("a push first writes statistics/ into the folder, which the page then shows, too")
    page = str(dataset_page(folder, repo).card()) if bare else card_text(folder, repo)
    if not parquet:
        warn("JSON lines cannot be loaded by configuration from the Hub: prepare with --format parquet for that")
    elif "\nconfigs:" not in page.partition("\n---\n")[0]:
        # A page without the configurations at its head hides them all from `load_dataset`.
        raise HubError(
            f"{folder / CARD}: no configs at its head, so nobody could load a configuration (iepile card "
            "dataset writes them; then add your words below)"
        )
    texts = {CARD: page}
    if benchmark := benchmark_text(folder, repo):
        texts[BENCHMARK] = benchmark
    return dataset_upload(folder, manifest["files"], {**texts, MANIFEST: published(manifest, texts)}, TASKS)


@app.command()
def model(
    run: Annotated[Path, typer.Argument(help="A finished run folder.")],
    repo: Repo,
    options: LicensedOptions,
    predictions: Annotated[
        bool, typer.Option("--predictions", help="Also predictions.jsonl, which holds texts of the test data.")
    ] = False,
    base: Annotated[
        str | None,
        typer.Option(help="The name on the Hub of the model that it is based on, where it was trained on a folder."),
    ] = None,
) -> None:
    """Push a run: adapter or weights, tokenizer, record, scores, curve and card; no checkpoints.

    iepile push model runs/mine user/iepile-ner-lora

    iepile push model runs/mine user/iepile-ner-lora --base user/iepile-base
    """
    _push(lambda: _model_upload(run, repo, options, predictions, base), repo, options, run)


def _model_upload(run: Path, repo: str, options: LicensedOptions, predictions: bool, base: str | None) -> "Upload":
    from iepile_cards import card_text
    from iepile_cards.push import checked_name
    from iepile_cards.upload_set import model_upload
    from iepile_trainer.models.damage import refuse_damaged
    from iepile_trainer.run_folder import read_run

    record = read_run(run)
    if base:
        checked_name(base)
    refuse_damaged(str(run))
    if predictions:
        licences = {
            f"{entry.get('dataset') or 'its data'}, licence {number}": words
            for entry in record.get("data") or []
            for number, words in enumerate(entry.get("licences") or [""], 1)
        }
        _refuse_unlicensed(licences, options)
    return model_upload(run, card_text(run, repo, base), predictions, base, repo)


@app.command()
def metric(repo: Repo, options: PushOptions) -> None:
    """Push the metric as a Space; anyone loads it with evaluate.load("user/name", "ner"), without this package.

    iepile push metric user/iepile_f1
    """

    def upload() -> "Upload":
        import iepile_metric
        from iepile_cards import metric_page
        from iepile_cards.upload_set import CARD, metric_files, space_upload

        from ..cards import metric_facts

        folder = Path(iepile_metric.__file__).parent
        card = str(metric_page(metric_facts(), repo).card())
        return space_upload(folder / "space", {**metric_files(folder, repo.rpartition("/")[2]), CARD: card})

    _push(upload, repo, options)


@app.command("app")
def space(
    repo: Repo,
    options: PushOptions,
    folder: Annotated[Path | None, typer.Option(help="Another folder with app.py and requirements.txt.")] = None,
) -> None:
    """Push the app as a Space.

    iepile push app user/iepile-demo
    """

    def upload() -> "Upload":
        from iepile_cards import app_page
        from iepile_cards.upload_set import CARD, space_upload

        from ..cards import app_facts

        place = folder or Path(__file__).parents[1] / "space"
        card = {} if (place / CARD).is_file() else {CARD: str(app_page(app_facts(place), repo).card())}
        return space_upload(place, card)

    _push(upload, repo, options)


def _push(pack: Callable[[], "Upload"], repo: str, options: PushOptions, folder: Path | None = None) -> None:
    from iepile_cards.push import checked_name, push

    with failing():
        checked_name(repo)
        with reading(folder or repo):
            upload = pack()
        if options.dry_run:
            _show(upload, repo)
            return
        quiet_hub()
        done = push(upload, repo, private=options.private, revision=options.revision, tell=warn)
    for verb, paths in (("sent", done.sent), ("deleted", done.deleted)):
        more = [f"… and {len(paths) - _SHOWN:,} more"] if len(paths) > _SHOWN else []
        for path in [*paths[:_SHOWN], *more]:
            say(f"{verb:8}{path}")
    figures = f"nothing to do: all {len(done.same):,} files are there already"
    if done.commit:
        figures = f"{len(done.sent):,} files sent, {len(done.deleted):,} deleted, {len(done.same):,} unchanged: "
        figures += f"commit {done.commit[:10]}"
    branch = f" (branch {options.revision})" if options.revision else ""
    say(f"{figures}, {done.url}{branch}{', private' if done.private else ''}")


def _show(upload: "Upload", repo: str) -> None:
    sizes = {path: upload.size(path) for path in upload.files}
    for path, size in sizes.items():
        say(f"{size:>14,}  {path}")
    say(f"{sum(sizes.values()):>14,}  bytes in {len(sizes):,} files for the {upload.kind} {repo}; nothing was sent")
    say(f"\n{upload.card}")


def _write_page(folder: Path) -> None:
    """Give a prepared folder its whole page, with statistics."""
    from ..cards import write_dataset_page

    _, missing = write_dataset_page(folder)
    warn(f"wrote README.md{' and statistics/' if (folder / 'statistics').exists() else ''} into {folder}")
    if missing:
        warn(missing)


def _refuse_unlicensed(licences: dict[str, Any], options: LicensedOptions) -> None:
    """What a source's words do not plainly allow is not published unless the user says that it may be."""
    from iepile_cards.upload_set import HubError
    from iepile_dataset.licences import allows

    unclear = [
        f"{name} ({words or 'no words'})" for name, words in licences.items() if not allows(words, "derivatives")
    ]
    if unclear:
        reason = f"licence words that do not plainly allow passing it on changed: {'; '.join(unclear)}"
        if not (options.private or options.licences_checked):
            remedy = "prepare it with --licence derivatives to leave them out, or, once you have made sure, add"
            raise HubError(f"{reason} ({remedy} --licences-checked; --private shows them to nobody else)")
        warn(reason)
