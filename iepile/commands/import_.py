"""`iepile import`: other people's annotations as a source of a corpus."""

import json
import shlex
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from ..console import console, failing, print_losses, progress_bar, say, table

if TYPE_CHECKING:
    from iepile_dataset.exchange.importing import Imported


def import_(
    source: Annotated[
        str, typer.Argument(metavar="INPUT", help="A file or folder, or a dataset of the Hub with tokens and tags.")
    ],
    out: Annotated[
        str,
        typer.Option(help="The source to make, CORPUS/IE-en/NER/NAME; IE-xx stands for the language that is found."),
    ],
    form: Annotated[str, typer.Option("--format", help="One of the above; auto tells it by the content.")] = "auto",
    task: Annotated[
        str | None, typer.Option(help="Where there are several annotations: ner, re, spo, kg, ee, eet or eea.")
    ] = None,
    labels: Annotated[Path | None, typer.Option(help="YAML that renames labels, a line each: `PER: person`.")] = None,
    columns: Annotated[
        str | None,
        typer.Option(help="What a column is for: token=0,tag=3 (CoNLL), text=content,entity=word,entity_type=kind …"),
    ] = None,
    split: Annotated[
        str | None,
        typer.Option(help="Draw train/validation/test by the text, as 80/10/10; else those that files' names state."),
    ] = None,
    overwrite: Annotated[bool, typer.Option("--overwrite", help="Replace a source that was imported before.")] = False,
) -> None:
    """Annotations of other tools → a source with split files and schema.

    Formats: conll, huggingface (tokens and tags), brat, label-studio, doccano, argilla, spacy (and Prodigy, DocBin),
    gliner, gliner2, instructuie (and B2NERD), dygie (SciERC), universal-ie, bioc, pubtator, table (CSV, TSV, JSON).
    What cannot be kept as it stood is counted with file and line; broken records go to `quarantine.jsonl`.

        iepile import export.json --out my/IE-xx/NER/letters

        iepile import conll2003/ --out my/IE-en/NER/news --labels labels.yaml
    """
    from iepile_dataset.bounded import read_small
    from iepile_dataset.exchange.format import column_names
    from iepile_dataset.exchange.importing import import_source as make
    from iepile_dataset.exchange.labels import read_label_map

    with failing():
        names = read_label_map(read_small(str(labels)), str(labels)) if labels else None
        with progress_bar("importing") as advance:
            done = make(
                source, out, form=form, task=task, columns=column_names(columns or ""), labels=names, split=split,
                overwrite=overwrite, progress=advance,
            )  # fmt: skip
    _print(done)


def _print(done: "Imported") -> None:
    how = {
        "names": "by the files' names",
        "content": "by the text: none is in two",
        "train": "all in train (--split draws splits)",
    }
    say(f"read as {done.format}, for {done.task.upper()}, language {done.language}; splits {how[done.split_by]}")
    rows = table("Records", ["split"], ["records", "annotated units", "nothing occurs"])
    for name, count in done.records.items():
        rows.add_row(name, f"{count:,}", f"{done.units[name]:,}", f"{done.empty[name]:,}")
    console.print(rows)
    print_losses("Not kept as it stood", done.losses)
    if done.set_aside:
        say(f"{done.set_aside:,} records set aside in {done.out / 'quarantine.jsonl'}")
    for name in done.unread:
        say(f"not read, another format: {name}", style="yellow")
    for (first, second), count in done.shared.items():
        say(f"{count:,} texts are in {first} and in {second} (iepile clean --only leak drops them)", style="yellow")
    for name in done.unused:
        say(f"no label {json.dumps(name, ensure_ascii=False)} occurs, which --labels names", style="yellow")
    if done.proposal:
        say("readable names for labels; save as labels.yaml and import again with --labels labels.yaml --overwrite:")
        for label, name in done.proposal.items():
            say(f"  {json.dumps(label, ensure_ascii=False)}: {json.dumps(name, ensure_ascii=False)}")
    place = done.out.relative_to(Path.cwd()) if done.out.is_relative_to(Path.cwd()) else done.out
    say(f"{done.records.total():,} records in {place} ({done.seconds:.1f} s)")
    rows_folder = shlex.quote(f"{done.out.name}_rows")
    say(f"next: iepile prepare {shlex.quote(str(place))} --task {done.task} --out {rows_folder}")
