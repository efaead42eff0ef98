"""What a prediction is asked: the rows or the texts that the options name, in order."""

import re
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from iepile_dataset import Options
from iepile_dataset.corpus.layout import SPLITS
from iepile_dataset.schema import SCHEMA_FILES

from .. import TrainerError
from ..data.arguments import DataArguments
from ..data.load import load_rows
from .arguments import PredictArguments
from .inputs import STDIN, SUFFIXES, Item, Reader
from .rows import in_orders, rows_of

_ROWS = "rows keep the model's whole answer"


def asked_for(args: PredictArguments) -> Sequence[Any]:
    """Rows (dictionaries with an `instruction`), or items with texts to extract from.

    Raises:
        TrainerError: There is no such input, nothing in it, or options that do not go together.
    """
    _check(args)
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
    text = next((item for item in items if item.document is not None and item.items is None), None)
    if rows and text:
        raise TrainerError(
            f"{rows[0].place} is a row with an instruction, {text.place} a text (make two files of them)"
        )
    if args.extract:
        raise TrainerError(f"--extract needs texts, {file} holds rows (leave it out)")
    if args.min_confidence:
        raise TrainerError(f"--min_confidence is for extractions: {_ROWS} (iepile score shows confidences)")
    if rows and args.split_nums:
        raise TrainerError(f"--split_nums needs annotated records, {file} holds rows that are cut already")
    return _ordered(_rows(items, args), args)


def _check(args: PredictArguments) -> None:
    """Refuse what would only come out after the model is loaded, or not at all."""
    for name in ("orders", "max_rows", "max_prompt_tokens", "max_new_tokens"):
        value = getattr(args, name)
        if value is not None and value < 1:
            raise TrainerError(f"--{name} {value} (a number from 1)")
    if not 0 <= args.min_confidence <= 1:
        raise TrainerError(f"--min_confidence {args.min_confidence} is no probability (a number from 0 to 1)")
    if args.split_nums and args.split_num:
        raise TrainerError("--split_num and --split_nums: give one of them")
    for size in _sizes(args):
        Options(split_num=size)


def _file(args: PredictArguments) -> Path | None:
    """The file that is read line by line, None where `datasets` loads the rows."""
    path = Path(args.input)
    if path.suffix.lower() in SUFFIXES and not path.exists():
        raise TrainerError(f"{path}: no such file")
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
        from iepile_dataset.instructions.token_budget import token_counter

        count = token_counter(_tokenizer(args))
    made = (list(rows_of(items, size, args.descriptions, args.max_prompt_tokens, count)) for size in _sizes(args))
    return _sized([_first(rows, args.max_rows) for rows in made], args)


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
    made = []
    for size in _sizes(args):
        data.split_num = size
        rows = load_rows(data, args.split)
        most = len(rows) if args.max_rows is None else min(len(rows), args.max_rows + 1)
        made.append(_first(list(rows.select(range(most))), args.max_rows))
    return _sized(made, args)


def _tokenizer(args: PredictArguments) -> str:
    """Whose tokens --max_prompt_tokens counts."""
    return args.tokenizer or args.adapter or args.model or ""


def _sizes(args: PredictArguments) -> Sequence[int | None]:
    return args.split_nums or [args.split_num]


def _first(rows: list[dict[str, Any]], most: int | None) -> list[dict[str, Any]]:
    """The first rows, without part of a record: what is not asked of it would be counted as not found."""
    if most is None or len(rows) <= most:
        return rows
    end = most
    while end and "id" in rows[end] and rows[end - 1].get("id") == rows[end]["id"]:
        end -= 1
    return rows[: end or most]


def _sized(made: list[list[dict[str, Any]]], args: PredictArguments) -> list[dict[str, Any]]:
    """The rows of all batch sizes, of the records that each of these has: `max_rows` cuts small batches earlier."""
    if not args.split_nums:
        return made[0]
    ids = set.intersection(*({row.get("id") for row in rows} for rows in made))
    return [
        {**row, "split_num": size} for rows, size in zip(made, args.split_nums) for row in rows if row.get("id") in ids
    ]


def _ordered(rows: list[dict[str, Any]], args: PredictArguments) -> list[dict[str, Any]]:
    if not rows:
        raise TrainerError(f"{args.input} holds no row")
    return list(in_orders(rows, args.orders)) if args.orders > 1 else rows
