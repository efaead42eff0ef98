"""`iepile convert`: the original toolkit's converter, by its own names."""

from pathlib import Path
from typing import Annotated

import typer

from iepile_dataset.options import ConvertOptions

from ..console import failing, print_left_out, progress_bar, say, warn


def convert(
    src_path: Annotated[Path, typer.Option(help="Records, JSON lines, such as data/NER/sample.json.")],
    tgt_path: Annotated[Path, typer.Option(help="The file of rows to make; rows in it are replaced.")],
    options: ConvertOptions,
    schema_path: Annotated[
        Path | None, typer.Option(help="The labels, three lines; the schema.json beside the records by default.")
    ] = None,
) -> None:
    """One file of records → train.json or test.json: options and rows of the original's convert_func.py.

    `iepile prepare` does whole corpora, with dev splits, counts and a manifest. What cannot be used lies beside the
    target, with file, line and reason.

        iepile convert --src_path data/NER/sample.json --tgt_path data/NER/train.json --schema_path data/NER/schema.json --language zh --task NER --split_num 6 --random_sort --split train
    """  # noqa: E501 - as it is copied
    from iepile_dataset.export.convert import convert as make

    if options.hard_negative_path and not options.cluster_mode:
        warn("--hard_negative_path is ignored: it counts with --cluster_mode")
    if options.cluster_mode and options.split == "train" and options.neg_schema != 1:
        warn("--neg_schema is ignored: --cluster_mode chooses the labels")
    if options.split == "test" and (options.cluster_mode or options.neg_schema != 1):
        warn("test rows ask every label: --cluster_mode and --neg_schema count in training")
    with failing(), progress_bar("converting") as advance:
        done = make(src_path, tgt_path, schema_path, options, advance)
    print_left_out(done.problems, done.left_out)
    if done.quarantine:
        say(f"all {done.left_out:,} lie in {done.quarantine}")
    for what, words in (("unlabelled", "are not annotated, their rows have no label"), ("unasked", "ask for nothing")):
        if count := done.total(what):
            say(f"{count:,} records {words}", style="yellow")
    if unknown := done.total("unknown_hard_negatives"):
        warn(f"{unknown:,} labels of the hard-negative dictionary are not in the schema and were ignored")
    say(f"{done.rows:,} rows of {done.total('read'):,} records in {tgt_path} (language {done.language})")
