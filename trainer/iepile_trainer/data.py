"""Rows to train on or to answer: from the dataset, a prepared folder, a file, or the Hub."""

import json
from collections import defaultdict
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import orjson

from . import TrainerError
from .arguments import DataArguments

COLUMNS = ("id", "task", "source", "language", "instruction", "output", "label")
_OPTIONS = ("language", "source", "split_num", "negatives", "seed", "epoch", "strict", "data_dir", "num_shards")


def load_rows(data: DataArguments, split: str, max_rows: int | None = None, num_proc: int | None = None) -> Any:
    """Load the rows that `data` names.

    Args:
        data: What to load.
        split: Which split; slices such as `train[:100]` work.
        max_rows: At most so many rows, drawn by `data.seed`.
        num_proc: Processes to generate rows with.

    Returns:
        A `datasets.Dataset` with the string columns of a row.

    Raises:
        TrainerError: No such dataset, configuration or split, or nothing in it that was asked for.
    """
    path = Path(data.dataset)
    if data.dataset == "iepile":
        rows = _generated(data, split, num_proc)
    elif path.is_file():
        rows = _from_files([path])
    elif path.is_dir() and not _is_loadable(path):
        rows = _from_files(_row_files(path, split))
    else:
        rows = _published(data, split)
    if data.dataset != "iepile":
        rows = _only(rows, data)
    if max_rows is not None and max_rows < len(rows):
        rows = rows.shuffle(seed=data.seed).select(range(max_rows))
    if not len(rows):
        asked = f"task {data.task}, source {data.source}, language {data.language}"
        raise TrainerError(f"{data.dataset}: no row of split {split!r} matches {asked}")
    return rows


def read_jsonl(path: Path | str) -> Iterator[dict[str, Any]]:
    """Rows of a JSON lines file, one by one.

    Raises:
        TrainerError: A line is no JSON object; says which.
    """
    with open(path, "rb") as lines:
        for number, line in enumerate(lines, 1):
            if not line.strip():
                continue
            try:
                row = orjson.loads(line)
            except orjson.JSONDecodeError as problem:
                raise TrainerError(f"{path}:{number}: not JSON, {problem} (one JSON object per line)") from None
            if not isinstance(row, dict):
                raise TrainerError(f"{path}:{number}: {type(row).__name__} instead of an object (one row per line)")
            yield row


def manifest(rows: Any, data: DataArguments, split: str) -> list[dict[str, Any]]:
    """What was trained on, one entry per task, from the encoded rows of `tokens.encode`."""
    count: dict[str, int] = defaultdict(int)
    tokens: dict[str, int] = defaultdict(int)
    names: dict[str, dict[str, None]] = defaultdict(dict)
    languages: dict[str, set[str]] = defaultdict(set)
    given = [name for name in ("task", "source", "language") if name in rows.column_names]
    for batch in rows.select_columns([*given, "length"]).iter(10_000):
        size = len(batch["length"])
        columns = [batch.get(name, [""] * size) for name in ("task", "source", "language")]
        for task, source, language, length in zip(*columns, batch["length"]):
            count[task] += 1
            tokens[task] += length
            names[task][source] = None
            languages[task].add(language)
    licences = _licences(data)
    options = {
        name: getattr(data, name)
        for name in ("split_num", "negatives", "seed", "epoch", "data_dir", "data_files", "max_rows")
    }
    return [
        {
            "dataset": data.dataset,
            "config": task.lower(),
            "source": list(names[task]),
            "language": sorted(languages[task]),
            "split": split,
            "rows": count[task],
            "tokens": tokens[task],
            "licences": sorted(
                {
                    licences[key]
                    for key in (f"{language}/{task}/{source}" for language in languages[task] for source in names[task])
                    if licences.get(key)
                }
            ),
            "options": options,
        }
        for task in count
    ]


def _generated(data: DataArguments, split: str, num_proc: int | None) -> Any:
    import datasets

    import iepile_dataset

    iepile_dataset.register()
    options = {name: getattr(data, name) for name in _OPTIONS} | {"data_files": _by_split(data.data_files)}
    parts = [_load("iepile", task.lower(), split=split, num_proc=num_proc, **options) for task in data.task or ["ner"]]
    return datasets.concatenate_datasets(parts)


def _published(data: DataArguments, split: str) -> Any:
    import datasets

    # Beside the instructions, a published corpus offers its annotated records as they were.
    known = [name for name in _configs(data.dataset) if not name.startswith("raw")]
    asked = [task.lower() for task in data.task] if data.task else known
    for task in asked:
        if task not in known:
            raise TrainerError(f"{data.dataset}: no configuration {task!r} (there are {', '.join(known)})")
    parts = [_load(data.dataset, task, split=split) for task in asked]
    return datasets.concatenate_datasets(
        [part.select_columns([name for name in COLUMNS if name in part.column_names]) for part in parts]
    )


def _load(path: str, name: str, **options: Any) -> Any:
    import datasets

    with _one_line("" if path == "iepile" else f"{path}: "):
        return datasets.load_dataset(path, name, **options)


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
        cause = problem.__cause__ if isinstance(problem, DatasetGenerationError) else None
        reason = str(cause or problem).strip().splitlines()[0]
        raise TrainerError(f"{before}{reason}{after}") from None


def _only(rows: Any, data: DataArguments) -> Any:
    """Keep the asked tasks, sources and languages of rows that are there already."""
    wanted: dict[str, set[str | None]] = {
        "task": {task.upper() for task in data.task or ()},
        "source": set(data.source or ()),
        "language": {data.language} - {None},
    }
    for name, values in wanted.items():
        if values and name in rows.column_names:
            rows = rows.select([at for at, value in enumerate(rows[name]) if value in values])
    return rows


def _from_files(paths: list[Path]) -> Any:
    import datasets

    features = datasets.Features({name: datasets.Value("string") for name in COLUMNS})
    stated = [(str(path.resolve()), path.stat().st_mtime_ns) for path in paths]  # a changed file is read again
    with _one_line():
        return datasets.Dataset.from_generator(_strings, features=features, gen_kwargs={"stated": stated})


def _strings(stated: list[tuple[str, int]]) -> Iterator[dict[str, str]]:
    for path, _ in stated:
        for row in read_jsonl(path):
            yield {name: str(row.get(name) or "") for name in COLUMNS}


def _row_files(folder: Path, split: str) -> list[Path]:
    files = [
        path
        for path in sorted(folder.rglob("*.json*"))
        if path.suffix in (".json", ".jsonl") and path.name.startswith((f"{split}.", f"{split}-"))
    ]
    if not files:
        raise TrainerError(f"{folder}: no rows of split {split!r} (make them with: iepile prepare DIR --out {folder})")
    return files


def _is_loadable(folder: Path) -> bool:
    return any(folder.rglob("*.parquet")) or (folder / "README.md").is_file()


def _by_split(paths: list[str] | None) -> Any:
    """`["train=a.json", "test=b.json"]` → {split: [path]}; paths without a split are of the train split."""
    if not paths:
        return None
    named = defaultdict(list)
    for path in paths:
        split, _, file = path.rpartition("=")
        named[split or "train"].append(file)
    return dict(named)


def _licences(data: DataArguments) -> dict[str, str]:
    """Source key → licence, where the data says: a prepared folder's manifest, a corpus tree's meta.json."""
    prepared = Path(data.dataset) / "manifest.json"
    if prepared.is_file():
        sources = json.loads(prepared.read_text(encoding="utf-8")).get("sources", [])
        return {source["source"]: source["licence"] for source in sources if source.get("licence")}
    if data.dataset != "iepile" or data.data_files:
        return {}
    from iepile_dataset.corpus import find_sources
    from iepile_dataset.options import Options
    from iepile_dataset.tasks import task_named

    found = [find_sources(task_named(task), Options(), data.data_dir)[0] for task in data.task or ["ner"]]
    return {source.key: source.licence for sources in found for source in sources if source.licence}
