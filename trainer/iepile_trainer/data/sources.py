"""Where rows come from: the dataset `iepile`, a prepared folder, files of rows, the Hub."""

import re
from collections import defaultdict
from collections.abc import Iterator
from contextlib import contextmanager
from copy import copy
from pathlib import Path
from typing import Any

import orjson

from ..errors import TrainerError, first_line
from ..json_lines import numbered_objects
from ..tokenization.encode import checked_columns
from .arguments import ROW_OPTIONS, DataArguments
from .mixture import Mix

COLUMNS = ("id", "task", "source", "language", "instruction", "output", "label")

COMMITS: dict[str, str] = {}
"""Data sets of the Hub that this process has loaded → the commit that their rows are of."""

_ENDINGS = (".json", ".jsonl")
_ALSO_CALLED = {"validation": ("validation", "dev", "valid")}


class NoSplit(TrainerError):
    """The rows are there, but not for the asked split."""


def parts(data: DataArguments, split: str, num_proc: int | None, draw: int = 0) -> list[Any]:
    """What `data` names, one part for each dataset and task: datasets, or with `data.streaming` streams.

    Args:
        data: What to load.
        split: Which split; slices such as `train[:100]` work, not in streams.
        num_proc: Processes to generate rows with.
        draw: How many times the labels of the train split were drawn before.

    Raises:
        NoSplit: Nothing has that split.
        TrainerError: No such dataset or configuration, or a file that cannot be read.
    """
    if data.streaming and "[" in split:
        raise TrainerError(f"{split}: a stream has no slices (leave out --streaming, or give the whole split)")
    loaded: list[Any] = []
    missing: NoSplit | None = None
    for name in data.dataset:
        for task, own in _with_their_sources(name, _tasks(name, data), data):
            try:
                loaded.append(_part(name, task, own, split, num_proc, draw))
            except NoSplit as problem:
                missing = problem
    if missing and not loaded:
        raise missing
    return loaded


def _tasks(name: str, data: DataArguments) -> list[str]:
    """The tasks of a dataset that are loaded one by one; of files, which are loaded as one, the task if it is one."""
    from iepile_dataset.bounded import refuse_endless
    from iepile_dataset.tasks import task_named

    path = Path(name)
    tasks = [task.lower() for task in data.task or ()] or sorted(Mix.of(data.mix).tasks)
    if name == "iepile":
        return tasks or ["ner"]
    if _is_files(path):
        named = [task_named(task).name for task in tasks]
        return named if len(named) == 1 else [""]
    refuse_endless(name)
    if path.suffix in _ENDINGS:
        raise TrainerError(f"{name}: no such file")
    # Beside the instructions, a published corpus offers its annotated records as they were.
    known = [config for config in _configs(name) if not config.startswith("raw")]
    for task in tasks:
        if task not in known:
            raise TrainerError(f"{name}: no configuration {task!r} (there are {', '.join(known)})")
    return tasks or known


def _with_their_sources(name: str, tasks: list[str], data: DataArguments) -> Iterator[tuple[str, DataArguments]]:
    """Tasks with the sources that each has: of several tasks, few have all that are named."""
    if name != "iepile" or not data.source or len(tasks) == 1 or data.data_files:
        yield from ((task, data) for task in tasks)
        return
    from iepile_dataset.corpus.sources import choose_sources
    from iepile_dataset.options import Selection

    with _one_line():
        chosen, _ = choose_sources(tasks, Selection(data.language, data.source, data.licence), data.data_dir)
    for task in tasks:
        if names := [source.name for source in chosen if source.task == task.lower()]:
            of_task = copy(data)  # replaced, it would lose its seed
            of_task.source = names
            yield task, of_task


def _part(name: str, task: str, data: DataArguments, split: str, num_proc: int | None, draw: int) -> Any:
    path = Path(name)
    if name == "iepile":
        options = {option: getattr(data, option) for option in (*ROW_OPTIONS, "data_dir", "num_shards")}
        options |= {"data_files": _by_split(data.data_files), "epoch": data.epoch + draw}
        return _load("iepile", task, split, data, **options, **({} if data.streaming else {"num_proc": num_proc}))
    if _is_files(path):
        return _only(_from_files(path, _row_files(path, split), data.streaming, split, task), data)
    return _only(_published(name, task, split, data), data)


def _is_files(path: Path) -> bool:
    """Whether these are files of rows, and not a folder that `datasets` knows what to do with.

    That one holds Parquet, or a page that says.
    """
    page = path / "README.md"
    return path.is_file() or (
        path.is_dir()
        and not any(path.rglob("*.parquet"))
        and not (page.is_file() and "\nconfigs:" in page.read_text(encoding="utf-8"))
    )


def _load(path: str, task: str, split: str, data: DataArguments, **options: Any) -> Any:
    import datasets

    import iepile_dataset

    iepile_dataset.register()
    with _one_line("" if path == "iepile" else f"{path}: "):
        return datasets.load_dataset(path, task, split=split, streaming=data.streaming, **options)


def _published(path: str, task: str, split: str, data: DataArguments) -> Any:
    rows = _load(path, task, split, data)
    checked_columns(rows, f"{path}: ")
    # `datasets` says which commit it has read by the folder of its cache alone; a stream has none.
    folders = set() if data.streaming else {Path(file["filename"]).parent.name for file in rows.cache_files}
    if not Path(path).exists() and len(folders) == 1 and re.fullmatch("[0-9a-f]{40}", commit := folders.pop()):
        COMMITS[path] = commit
    names = rows.column_names or COLUMNS
    return rows.select_columns([name for name in COLUMNS if name in names])


def _configs(path: str) -> list[str]:
    import datasets

    hint = " (give `iepile`, a folder of `iepile prepare`, a file of rows, or a Hub id)"
    with _one_line(f"no dataset {path!r}: ", hint):
        return list(datasets.get_dataset_config_names(path))


@contextmanager
def _one_line(before: str = "", after: str = "") -> Iterator[None]:
    """The many ways in which `datasets` fails, made one."""
    from datasets.exceptions import DatasetGenerationError, DatasetsError

    try:
        yield
    except (ValueError, OSError, DatasetsError, DatasetGenerationError) as problem:
        if isinstance(problem, TrainerError):
            raise
        cause = problem.__cause__ if isinstance(problem, DatasetGenerationError) else None
        if isinstance(cause, TrainerError):
            raise cause from None
        reason = first_line(cause or problem)
        if is_empty := "corresponds to no data" in reason:
            named = reason.split('"')[1]
            reason = f"split {named!r} has no record (another split, or fill its file)"
        kind = NoSplit if is_empty or "Unknown split" in reason or "Bad split" in reason else TrainerError
        raise kind(f"{before}{reason}{after}") from None


def _only(rows: Any, data: DataArguments) -> Any:
    """Keep the asked tasks, sources and languages of rows that are there already."""
    wanted = {
        "task": [task.upper() for task in data.task or ()],
        "source": data.source,
        "language": data.language and [data.language],
    }
    for name, values in wanted.items():
        if values and name in (rows.column_names or COLUMNS):
            rows = rows.filter(lambda value, values=values: value in values, input_columns=name)
    return rows


def _from_files(root: Path, paths: list[Path], streaming: bool, split: str, task: str) -> Any:
    """Rows of JSON lines; those that name no task are of `task`."""
    import datasets

    features = datasets.Features({name: datasets.Value("string") for name in COLUMNS})
    stated = [
        (str(path.resolve()), str(path.relative_to(root)) if root.is_dir() else path.name, _version(path))
        for path in paths
    ]
    options: dict[str, Any] = {"features": features, "gen_kwargs": {"stated": stated, "task": task}}
    if streaming:
        return datasets.IterableDataset.from_generator(_strings, **options)
    if next(_strings(stated, task), None) is None:
        return datasets.Dataset.from_dict({name: [] for name in COLUMNS}, features=features)
    with _one_line():
        rows = datasets.Dataset.from_generator(_strings, **options)
        if "[" in split:
            name = split.partition("[")[0]
            (where,) = datasets.ReadInstruction.from_spec(split).to_absolute({name: len(rows)})
            rows = rows.select(range(where.from_ or 0, len(rows) if where.to is None else where.to))
        return rows


def _version(path: Path) -> str:
    """A changed file is read again, also where a clock went back."""
    facts = path.stat()
    return f"{facts.st_size}:{facts.st_mtime_ns}"


def _strings(stated: list[tuple[str, str, str]], task: str) -> Iterator[dict[str, str]]:
    from iepile_dataset.instructions.parse import completed

    for path, name, _ in stated:
        for number, row in numbered_objects(path):
            if "instruction" not in row or not {"output", "label"} & row.keys():
                lacking = "output" if "instruction" in row else "instruction"
                raise TrainerError(
                    f"{path}:{number}: no {lacking!r}, only {', '.join(row) or 'nothing'} (annotated text becomes rows "
                    "with: iepile prepare, or --dataset iepile --data_files FILE)"
                )
            row = {key: _string(row.get(key), key, f"{path}:{number}") for key in COLUMNS}
            yield completed({**row, "task": row["task"] or task}, f"{name}:{number}")


def _string(value: Any, key: str, place: str) -> str:
    """A column of a row of a file; an annotation may stand in it as JSON, the number of a record as a number."""
    if value is None or isinstance(value, str):
        return value or ""
    if key == "label":
        return orjson.dumps(value).decode()
    if key == "id" and isinstance(value, int):
        return str(value)
    raise TrainerError(
        f"{place}: {key!r} is of type {type(value).__name__}, not a string (write it as JSON in a string)"
    )


def _row_files(path: Path, split: str) -> list[Path]:
    """The files of a split: a file itself is the train split, `dev.json` beside `train.json` is validation."""
    split = split.partition("[")[0]
    starts = tuple(f"{name}{mark}" for name in _ALSO_CALLED.get(split, (split,)) for mark in ".-")
    if path.is_file() and path.suffix not in _ENDINGS:
        raise TrainerError(f"{path}: a file of rows is JSON lines, .json or .jsonl (Parquet: give its folder)")
    if path.is_file() and (split == "train" or path.name.startswith(starts)):
        return [path]
    folder = path.parent if path.is_file() else path
    has_others = path.is_dir() or path.name.startswith(("train.", "train-"))
    candidates = folder.glob("*" if path.is_file() else "**/*") if has_others else ()
    files = sorted(file for file in candidates if file.suffix in _ENDINGS and file.name.startswith(starts))
    if not files:
        raise NoSplit(f"{path}: no rows of split {split!r} (make them with: iepile prepare DIR --out {folder})")
    return files


def _by_split(paths: list[str] | None) -> Any:
    """`["train=a.json", "test=b.json"]` → {split: [path]}; paths without a split are of the train split."""
    if not paths:
        return None
    named = defaultdict(list)
    for path in paths:
        split, _, file = path.rpartition("=")
        named[split or "train"].append(file)
    return dict(named)
