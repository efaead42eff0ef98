"""`iepile benchmark`: systems on all sources of a corpus, as tables."""

from typing import Annotated

import typer

from iepile_trainer.benchmark.arguments import BenchmarkArguments

from ..console import console, fail, failing, say


def benchmark(
    corpus: Annotated[str, typer.Argument(help="A corpus tree; the embedded sample where left out.")] = "iepile",
    *,
    options: BenchmarkArguments,
) -> None:
    """Score models on the test split of every source, beside baselines and published figures.

    Baselines need no weights: empty answers, a dictionary of the training annotation, the gold itself. Which sources
    are zero-shot for a model follows from its run record; texts of its training are scored apart. The same command
    after an interruption goes on after the last answer.

        iepile benchmark my_corpus --model runs/lora --limit 200 --out runs/benchmark

        iepile benchmark my_corpus --systems systems.yaml --orders 5
    """
    with failing("train"):
        from iepile_trainer.benchmark.run import benchmark as asked_and_scored

        results = asked_and_scored(corpus, options, tell=say)
    if not results:
        return
    from rich.markdown import Markdown

    from iepile_trainer.benchmark.tables import tables_of

    for table in tables_of(results):
        console.print(Markdown(table.markdown()))
    say(f"\nin {options.out}: index.html, tables.md, tables.tex, tables.csv, results.json, and all answers")
    if (options.model or options.systems) and not any(one["options"] for one in results["systems"].values()):
        fail("no model answered: " + "; ".join(results["left_out"]))
