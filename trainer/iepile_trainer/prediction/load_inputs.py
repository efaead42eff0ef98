"""What a prediction is asked: the rows or the texts that the options name, in order."""

import re
from collections.abc import Callable, Iterable, Sequence
from dataclasses import replace
from itertools import islice
from pathlib import Path
from random import Random
from typing import Any

from iepile_dataset import Options
from iepile_dataset.corpus.layout import SPLIT_FILES, SPLITS
from iepile_dataset.corpus.lines import unpacked
from iepile_dataset.schema import SCHEMA_FILES

from ..data.arguments import DataArguments
from ..data.load import load_rows
from ..engines import Row
from ..engines.examples import MOST
from ..errors import TrainerError
from .arguments import STDIN, PredictArguments
from .inputs import SUFFIXES, Item, Reader
from .rows import in_orders, rows_of

TRAIN = "train"  # the split whose rows may be shown as examples


def load_inputs(args: PredictArguments) -> Sequence[Any]:
    """Rows (dictionaries with an `instruction`), or items with texts to extract from.

    Raises:
        TrainerError: There is no such input, nothing in it, or options that do not go together.
    """
    if args.split_nums and args.split_num:
        raise TrainerError("--split_num and --split_nums: give one of them")
    for size in _sizes(args):
        Options(split_num=size)  # refused here, before a model is loaded
    file = _file(args)
    if file is None:
        return _in_orders(_loaded(args), args)
    if args.task and len(args.task) > 1:
        raise TrainerError(f"--task {' '.join(args.task)}: texts are asked for one task at a time")
    items = _items(file, args)
    row = next((item for item in items if item.document is None and not item.error), None)
    text = next((item for item in items if item.document is not None and item.items is None), None)
    if not row and (args.extract or all(item.items is None for item in items)):
        for given, option in ((args.orders > 1, "--orders"), (args.split_nums, "--split_nums")):
            if given:
                raise TrainerError(f"{option} needs rows or annotated records, which can be scored (in {file}: texts)")
        return items[: args.max_rows]
    if row and text:
        raise TrainerError(f"{row.place} is a row with an instruction, {text.place} a text (make two files of them)")
    if args.extract:
        raise TrainerError(f"--extract needs texts, {file} holds rows (leave it out)")
    if args.min_confidence:
        raise TrainerError(
            "--min_confidence is for extractions: rows keep the model's whole answer (iepile score shows confidences)"
        )
    if row and args.split_nums:
        raise TrainerError(f"--split_nums needs annotated records, {file} holds rows that are cut already")
    return _in_orders(_rows(items, args), args)


def training_rows(args: PredictArguments) -> Sequence[Row]:
    """Training rows of what is asked about, to show as examples, so many as are looked through.

    Raises:
        TrainerError: The input has no training rows.
    """
    if (file := _file(args)) is not None:
        raise TrainerError(f"--examples {TRAIN}: {file} has no training rows beside it (give a file of rows)")
    rows = _loaded(replace(args, split=TRAIN, split_nums=None, max_rows=None))
    return rows if len(rows) <= MOST else Random(0).sample(rows, MOST)


def _file(args: PredictArguments) -> str | None:
    """The file that is read line by line, None where `datasets` loads the rows."""
    path, is_named = Path(args.input), Path(unpacked(args.input)).suffix.lower() in SUFFIXES
    if "://" in args.input:
        return args.input if is_named else None
    if is_named and not path.exists():
        raise TrainerError(f"{path}: no such file")
    if args.input == STDIN or path.is_file() or is_pipe(path) or _holds_texts(path):
        return args.input
    if not any((path / name).is_file() for name in SCHEMA_FILES):
        return None
    names = SPLITS.get(args.split, (f"{args.split}.json", f"{args.split}.jsonl"))
    packed = tuple(f"{name}.gz" for name in names)
    file = next((path / name for name in names + packed if (path / name).is_file()), None)
    if file is None:
        raise TrainerError(f"{path}: no {names[0]} in it (another --split, no slice of it, or the file's own path)")
    return str(file)


def is_pipe(path: Path) -> bool:
    """Whether it can be read only once, as `<(zcat a.gz)`, or never to its end."""
    return path.exists() and not path.is_file() and not path.is_dir()


def _holds_texts(path: Path) -> bool:
    """Whether a folder is one of plain texts: a corpus or a prepared folder may have a note beside its files."""
    names = {file.name for file in path.iterdir()} if path.is_dir() else set()
    return any(name.endswith(".txt") for name in names) and not names & {*SPLIT_FILES, "README.md"}


def _items(file: str, args: PredictArguments) -> list[Item]:
    """What a file holds, or the texts of a folder, each file one document."""
    if not Path(file).is_dir():
        return Reader(file, args).read()
    files, whole = sorted(Path(file).glob("*.txt")), replace(args, whole=True)
    return [item for file in files for item in Reader(str(file), whole).read()]


def _rows(items: list[Item], args: PredictArguments) -> list[Row]:
    """Rows of a file, in each of the batch sizes."""
    count: Any = len
    if args.max_prompt_tokens:
        from iepile_dataset.instructions.token_budget import token_counter

        count = token_counter(_tokenizer(args))
    return _in_sizes(lambda size: rows_of(items, replace(args, split_num=size), count), args)


def _loaded(args: PredictArguments) -> list[Row]:
    """Rows that `datasets` makes or loads."""
    path = Path(args.input)
    parts = (path.absolute(), *path.iterdir()) if path.is_dir() else ()
    is_tree = any(re.fullmatch(r"(?i)ie-(en|zh)", part.name) for part in parts)
    is_generated = is_tree or args.input == "iepile"  # of annotated records, now
    if args.split_nums and not is_generated:
        raise TrainerError(f"--split_nums needs annotated records, {args.input} holds rows that are cut already")
    shared = {name: value for name, value in vars(args).items() if name in DataArguments.__dataclass_fields__}
    shared |= {"dataset": ["iepile" if is_generated else args.input], "max_rows": None}
    shared |= {"tokenizer": _tokenizer(args) if args.max_prompt_tokens else None}
    data: Any = DataArguments(**shared | ({"data_dir": args.input} if is_tree else {}))
    return _in_sizes(lambda size: load_rows(replace(data, split_num=size), args.split), args)


def _tokenizer(args: PredictArguments) -> str:
    """Whose tokens --max_prompt_tokens counts."""
    return args.tokenizer or args.adapter or args.model


def _sizes(args: PredictArguments) -> Sequence[int | None]:
    return args.split_nums or [args.split_num]


def _first(rows: Iterable[Row], most: int | None) -> list[Row]:
    """The first rows, without part of a record: what is not asked of it would be counted as not found."""
    rows = list(islice(rows, most and most + 1))
    if most is None or len(rows) <= most:
        return rows
    end = most
    while end and "id" in rows[end] and rows[end - 1].get("id") == rows[end]["id"]:
        end -= 1
    return rows[: end or most]


def _in_sizes(rows_in: Callable[[int | None], Iterable[Row]], args: PredictArguments) -> list[Row]:
    """The rows of all batch sizes, of the records that each of these has: `max_rows` cuts small batches earlier."""
    sized = [_first(rows_in(size), args.max_rows) for size in _sizes(args)]
    if not args.split_nums:
        return sized[0]
    ids = set.intersection(*({row.get("id") for row in rows} for rows in sized))
    sizes = zip(args.split_nums, sized)
    return [{**row, "split_num": size} for size, rows in sizes for row in rows if row.get("id") in ids]


def _in_orders(rows: list[Row], args: PredictArguments) -> list[Row]:
    if not rows:
        raise TrainerError(f"{args.input} holds no row")
    return list(in_orders(rows, args.orders)) if args.orders > 1 else rows
