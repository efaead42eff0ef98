"""What a prediction is asked: the rows or the texts that the options name, in order."""

import re
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

from iepile_dataset.folders import SPLITS
from iepile_dataset.schema import SCHEMA_FILES

from . import TrainerError
from .data import load_rows
from .data_arguments import DataArguments
from .inputs import STDIN, Item, Reader
from .predict_arguments import PredictArguments
from .rows import in_orders, rows_of

_ROWS = "rows keep the model's whole answer"


def asked_for(args: PredictArguments) -> Sequence[Any]:
    """Rows (dictionaries with an `instruction`), or items with texts to extract from.

    Raises:
        TrainerError: There is no such input, nothing in it, or options that do not go together.
    """
    if args.orders < 1:
        raise TrainerError(f"--orders {args.orders} (a number of orders from 1)")
    if args.split_nums and args.split_num:
        raise TrainerError("--split_num and --split_nums: give one of them")
    file = _file(args)
    if file is None:
        return _ordered(_loaded(args), args)
    task = args.task[0] if args.task else None
    if args.task and len(args.task) > 1:
        raise TrainerError(f"--task {' '.join(args.task)}: texts are asked for one task at a time")
    reader = Reader(str(file), args.input_format, task, args.schema, args.language, args.text_column, whole=args.whole)
    items = reader.read()
    rows = [item for item in items if item.document is None and not item.error]
    annotated = not args.extract and any(item.items is not None for item in items)
    if not (rows or annotated):
        for given, option in ((args.orders > 1, "--orders"), (args.split_nums, "--split_nums")):
            if given:
                raise TrainerError(f"{option} needs rows or annotated records, which can be scored (in {file}: texts)")
        return items[: args.max_rows]
    if args.extract:
        raise TrainerError(f"--extract needs texts, {file} holds rows (leave it out)")
    if args.min_confidence:
        raise TrainerError(f"--min_confidence is for extractions: {_ROWS} (iepile score shows confidences)")
    if rows and args.split_nums:
        raise TrainerError(f"--split_nums needs annotated records, {file} holds rows that are cut already")
    return _ordered(_rows(items, args), args)


def _file(args: PredictArguments) -> Path | None:
    """The file that is read line by line, None where `datasets` loads the rows."""
    path = Path(args.input)
    if args.input == STDIN or path.is_file():
        return path
    if path.is_dir() and any((path / name).is_file() for name in SCHEMA_FILES):
        names = SPLITS.get(args.split, (f"{args.split}.json", f"{args.split}.jsonl"))
        found = next((path / name for name in names if (path / name).is_file()), None)
        if found is None:
            raise TrainerError(f"{path}: no {names[0]} in it (another --split, or the file's own path)")
        return found
    return None


def _rows(items: list[Item], args: PredictArguments) -> list[dict[str, Any]]:
    """Rows of a file, in each of the batch sizes."""
    count: Any = len
    if args.max_prompt_tokens:
        from iepile_dataset.fit import token_counter

        count = token_counter(_tokenizer(args))
    made: list[dict[str, Any]] = []
    for size in _sizes(args):
        rows = list(rows_of(items, size, args.descriptions, args.max_prompt_tokens, count))
        made += _sized(rows[: args.max_rows], size, args)
    return made


def _loaded(args: PredictArguments) -> list[dict[str, Any]]:
    """Rows that `datasets` makes or loads."""
    path = Path(args.input)
    is_tree = path.is_dir() and any(re.fullmatch(r"(?i)ie-(en|zh)", part.name) for part in path.iterdir())
    is_made = is_tree or args.input == "iepile"  # of annotated records, now
    if args.split_nums and not is_made:
        raise TrainerError(f"--split_nums needs annotated records, {args.input} holds rows that are cut already")
    data = DataArguments(
        dataset=["iepile" if is_made else args.input],
        task=args.task,
        source=args.source,
        language=args.language,
        data_dir=args.input if is_tree else args.data_dir,
        data_files=args.data_files,
        descriptions=args.descriptions,
        max_prompt_tokens=args.max_prompt_tokens,
        tokenizer=_tokenizer(args) if args.max_prompt_tokens else None,
    )
    made: list[dict[str, Any]] = []
    for size in _sizes(args):
        rows = load_rows(replace(data, split_num=size), args.split)
        made += _sized(list(rows.select(range(min(len(rows), args.max_rows or len(rows))))), size, args)
    return made


def _tokenizer(args: PredictArguments) -> str:
    """Whose tokens --max_prompt_tokens counts."""
    return args.tokenizer or args.adapter or args.model or ""


def _sizes(args: PredictArguments) -> Sequence[int | None]:
    return args.split_nums or [args.split_num]


def _sized(rows: list[dict[str, Any]], size: int | None, args: PredictArguments) -> list[dict[str, Any]]:
    return [{**row, "split_num": size} for row in rows] if args.split_nums else rows


def _ordered(rows: list[dict[str, Any]], args: PredictArguments) -> list[dict[str, Any]]:
    if not rows:
        raise TrainerError(f"{args.input} holds no row")
    return list(in_orders(rows, args.orders)) if args.orders > 1 else rows
