"""`iepile negatives`: the dictionary of labels that are easily taken for each other."""

import sys
from itertools import islice
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Literal

import typer

from iepile_trainer.command_line import Commands

from ..choices import Corpus, Language, Sources, Tasks

if TYPE_CHECKING:
    from iepile_dataset.mining.mine import Mined

By = Literal["ngrams", "sentence-transformers", "model2vec"]

_SHOWN = 20

app = Commands(help="Hard negatives: labels that are easily taken for each other.", no_args_is_help=True)


@app.callback()
def _negatives() -> None:
    """Hard negatives: labels that are easily taken for each other."""


@app.command()
def mine(
    corpus: Corpus = None,
    out: Annotated[
        Path | None,
        typer.Option(help="The dictionary to write, JSON; without it the pairs are only shown.", show_default=False),
    ] = None,
    task: Tasks = None,
    language: Language = None,
    source: Sources = None,
    by: Annotated[
        By, typer.Option(help="How labels are compared: by their letters, or by an encoder where it is installed.")
    ] = "ngrams",
    model: Annotated[
        str | None,
        typer.Option(help="The encoder, of the Hub or a folder; a small one by default.", show_default=False),
    ] = None,
    top: Annotated[int, typer.Option(help="Each label's list holds its closest labels, this many.")] = 5,
    threshold: Annotated[float, typer.Option(help="The least score, between 0 and 1.")] = 0.15,
    predictions: Annotated[
        str | None,
        typer.Option(
            help="A model's answers (JSON lines of iepile predict): add its own confusions.", show_default=False
        ),
    ] = None,
    overrides: Annotated[
        str | None,
        typer.Option(
            help="A dictionary written by hand, {label: [labels]} or {task: {source: {label: [labels]}}}: "
            "its lists replace what is found.",
            show_default=False,
        ),
    ] = None,
    json: Annotated[bool, typer.Option("--json", help="Print one JSON object for machines.")] = False,
) -> None:
    """Find the labels that are easily taken for each other, for `prepare --negatives hard --hard-negatives K.json`.

    From their names, from mentions and texts of the train split on which they meet, and from a model's confusions.
    The closest pairs are shown with what speaks for each, for a person to judge; what is wrong goes into --overrides.

        iepile negatives mine my_corpus --out K.json

        iepile negatives mine my_corpus --out K.json --predictions runs/first/predictions.jsonl --overrides mine.json
    """
    from iepile_dataset.mining.mine import mine as find
    from iepile_dataset.mining.mine import write_dictionary
    from iepile_dataset.options import Options

    from ..console import failing, progress_bar

    with failing(), progress_bar("reading", unit="bytes") as advance:
        found = find(
            corpus, tasks=task or (), options=Options(language, tuple(source) if source else None), by=by, model=model,
            top=top, threshold=threshold, predictions=predictions, overrides=overrides, progress=advance,
        )  # fmt: skip
        if out:
            write_dictionary(found.dictionary, out)
    if json:
        import orjson

        sys.stdout.write(orjson.dumps(found, option=orjson.OPT_INDENT_2).decode() + "\n")
    else:
        _print(found, out)


def _print(found: "Mined", out: Path | None) -> None:
    from rich.table import Table
    from rich.text import Text

    from ..console import console
    from ..left_out import print_left_out

    told_by_model = "predictions" in found.counts
    table = Table(title="Closest pairs", title_justify="left")
    for name in ("source", "label", "other"):
        table.add_column(name, overflow="fold")
    for name in ("score", "names", "mentions", "texts", *(("taken", "back") if told_by_model else ())):
        table.add_column(name, justify="right", no_wrap=True)
    table.add_column("both on", overflow="ellipsis", no_wrap=True, max_width=30)
    # Tasks that read the same folder mostly find the same.
    rows: dict[tuple[Any, ...], list[str]] = {}
    for pair in found.pairs:
        language, task, name = pair.source.split("/", 2)
        shares = [pair.score, pair.similarity, pair.mentions, pair.texts]
        shares += [pair.confused, pair.confused_back] if told_by_model else []
        rows.setdefault((language, name, pair.label, pair.other, *shares, pair.examples), []).append(task)
    for (language, name, label, other, *numbers, examples), tasks in islice(rows.items(), _SHOWN):
        table.add_row(
            Text(f"{language}/{'+'.join(tasks)}/{name}"), Text(label), Text(other),
            *(f"{share:.2f}" if share else "·" for share in numbers), Text(", ".join(examples)),
        )  # fmt: skip
    console.print(table)
    console.print(
        "names: how alike; mentions, texts: share that has both labels; both on: such mentions"
        + ("; taken: the model took label for other; back: the reverse" if told_by_model else ""),
        style="dim",
    )
    counts = found.counts
    lines = [f"{counts['records']:,} training records read, {counts['left_out']:,} left out"]
    if told_by_model:
        lines.append(
            f"{counts['predictions']:,} predictions read; passed over: {counts['unparseable']:,} without a readable "
            f"answer, {counts['unlabelled']:,} without gold, {counts['other_sources']:,} of other sources, "
            f"{counts['unreadable']:,} lines that are no prediction"
        )
    if found.sampled:
        told = ", ".join(f"{key} 1 in {every}" for key, every in found.sampled.items())
        lines.append(f"too many mentions to remember, compared evenly drawn ones: {told}")
    if found.overridden:
        lines.append(f"{found.overridden:,} lists written by hand")
    if found.unknown:
        names = ", ".join(found.unknown[:_SHOWN]) + (" …" if len(found.unknown) > _SHOWN else "")
        lines.append(
            f"{len(found.unknown):,} names of the hand-written dictionary are in no schema here, ignored: {names}"
        )
    for line in lines:
        console.print(line, markup=False, highlight=False, soft_wrap=True)
    print_left_out(found.problems, counts["left_out"] + counts["unreadable"])
    lists = [
        others for sources in found.dictionary.values() for entries in sources.values() for others in entries.values()
    ]
    console.print(
        f"{len(found.pairs):,} pairs; {sum(map(bool, lists)):,} of {len(lists):,} labels have confusable ones"
        + (f", in {out}" if out else " (--out K.json writes them)"),
        markup=False,
        highlight=False,
        soft_wrap=True,
    )
