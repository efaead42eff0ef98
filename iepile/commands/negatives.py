"""`iepile negatives`: the dictionary of labels that are easily taken for each other."""

from collections.abc import Iterator
from itertools import islice
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer
from rich.text import Text

from iepile_dataset.options import MiningOptions
from iepile_trainer.command_line import Commands

from ..console import Corpus, Json, Tasks, console, failing, print_json, print_left_out, progress_bar, say, table

if TYPE_CHECKING:
    from iepile_dataset.mining.mine import Mined

_SHOWN = 20
_HELP = "Hard negatives: labels that are easily taken for each other."

app = Commands(help=_HELP, no_args_is_help=True)


@app.callback(help=_HELP)
def _negatives() -> None:
    """With one command, Typer would have no group."""


@app.command()
def mine(
    options: MiningOptions,
    corpus: Corpus = None,
    out: Annotated[
        Path | None, typer.Option(help="The dictionary to write, JSON; without it the pairs are only shown.")
    ] = None,
    task: Tasks = None,
    json: Json = False,
) -> None:
    """Find the labels that are easily taken for each other, for `prepare --negatives hard --hard-negatives K.json`.

    From their names, from mentions and texts of the train split on which they meet, and from a model's confusions.
    The closest pairs are shown with what speaks for each, for a person to judge; what is wrong goes into --overrides.

        iepile negatives mine my_corpus --out K.json

        iepile negatives mine my_corpus --out K.json --predictions runs/first/predictions.jsonl --overrides mine.json
    """
    from iepile_dataset.mining.mine import mine as find
    from iepile_dataset.mining.mine import write_dictionary

    with failing(), progress_bar("reading") as advance:
        mined = find(corpus, tasks=task or (), options=options, progress=advance)
        if out:
            write_dictionary(mined.dictionary, out)
    if json:
        print_json(mined)
        return
    _print_pairs(mined)
    say(*_notes(mined))
    print_left_out(mined.problems, mined.counts["left_out"] + mined.counts["unreadable"])
    lists = [
        others for sources in mined.dictionary.values() for entries in sources.values() for others in entries.values()
    ]
    where = f", in {out}" if out else " (--out K.json writes them)"
    say(f"{len(mined.pairs):,} pairs; {sum(map(bool, lists)):,} of {len(lists):,} labels have confusable ones{where}")


def _print_pairs(mined: "Mined") -> None:
    by_model = "predictions" in mined.counts
    numbers = ("score", "names", "mentions", "texts", *(("taken", "back") if by_model else ()))
    pairs = table("Closest pairs", ("source", "label", "other"), numbers)
    pairs.add_column("both on", overflow="ellipsis", no_wrap=True, max_width=30)
    # Tasks that read the same folder mostly find the same.
    tasks_of: dict[tuple[Any, ...], list[str]] = {}
    for pair in mined.pairs:
        language, task, name = pair.source.split("/", 2)
        shares = [pair.score, pair.similarity, pair.mentions, pair.texts]
        shares += [pair.confused, pair.confused_back] if by_model else []
        tasks_of.setdefault((language, name, pair.label, pair.other, pair.examples, *shares), []).append(task)
    for (language, name, label, other, examples, *shares), tasks in islice(tasks_of.items(), _SHOWN):
        words = map(Text, (f"{language}/{'+'.join(tasks)}/{name}", label, other))
        pairs.add_row(*words, *(f"{share:.2f}" if share else "·" for share in shares), Text(", ".join(examples)))
    console.print(pairs)
    reverse = "; taken: the model took label for other; back: the reverse" if by_model else ""
    say(f"names: how alike; mentions, texts: share that has both labels; both on: such mentions{reverse}", style="dim")


def _notes(mined: "Mined") -> Iterator[str]:
    counts = mined.counts
    yield f"{counts['records']:,} training records read, {counts['left_out']:,} left out"
    if "predictions" in counts:
        yield (
            f"{counts['predictions']:,} predictions read; passed over: {counts['unparseable']:,} without a readable "
            f"answer, {counts['unlabelled']:,} without gold, {counts['other_sources']:,} of other sources, "
            f"{counts['unreadable']:,} lines that are no prediction"
        )
    if mined.sampled:
        sampled = ", ".join(f"{key} 1 in {every}" for key, every in mined.sampled.items())
        yield f"too many mentions to remember, compared evenly drawn ones: {sampled}"
    if mined.overridden:
        yield f"{mined.overridden:,} lists written by hand"
    if mined.unknown:
        names = ", ".join(mined.unknown[:_SHOWN]) + (" …" if len(mined.unknown) > _SHOWN else "")
        yield f"{len(mined.unknown):,} names of the hand-written dictionary are in no schema here, ignored: {names}"
