"""The dataset card of a folder that `iepile prepare` made, from its manifest, its files and its statistics."""

import hashlib
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path
from typing import Any

from .card import Page, public_name
from .dataset_files import SPLITS, columns_in, example_row, is_raw, rows_in
from .licence import strictest
from .template import citation, read_json, render

STATISTICS = "statistics"
_STATED = ("annotations_creators", "source_datasets")
_TASK_IDS = {"ner": "named-entity-recognition"}  # the Hub has no names for the other tasks
_SIZES = ((10**3, "n<1K"), (10**4, "1K<n<10K"), (10**5, "10K<n<100K"), (10**6, "100K<n<1M"), (10**7, "1M<n<10M"))


def dataset_page(folder: Path | str, repo: str | None = None) -> Page:
    """The page of a prepared folder, its values marked; its `configs` make the folder loadable without this package.

    The manifest knows every file: once the page is written it has to be made to know this one, too (`iepile card
    dataset` does).

    Args:
        folder: What `iepile prepare` made: `manifest.json`, rows as Parquet or JSON lines, and, if there,
            `statistics/stats.json` with its pictures.
        repo: Its name on the Hub, for the lines that say how to load it.

    Raises:
        FileNotFoundError: There is no `manifest.json`.
        ValueError: One of the files is no JSON.
    """
    from huggingface_hub import DatasetCardData

    folder = Path(folder)
    manifest = _manifest(folder)
    form, sources = manifest["format"], manifest["sources"]
    tasks = list(dict.fromkeys(_task(source) for source in sources))
    rows = rows_in(folder, tasks, form)
    statistics = read_json(folder / STATISTICS / "stats.json")
    licences = list(dict.fromkeys(source["licence"] or "not stated" for source in sources))
    total = sum(number for config, parts in rows.items() if not is_raw(config) for number in parts.values())
    languages = sorted({source["source"].partition("/")[0] for source in sources})
    name = (repo or folder.resolve().name).rpartition("/")[2]
    head = DatasetCardData(
        pretty_name=name,
        language=languages,
        license=strictest(licences),
        size_categories=[next((words for most, words in _SIZES if total < most), "n>10M")],
        task_categories=["token-classification", "text-generation"],
        task_ids=[_TASK_IDS[task] for task in tasks if task in _TASK_IDS] or None,
        **{name: _stated(sources, name) for name in _STATED},
        tags=["information-extraction", "iepile"],
        configs=list(_configs(rows, manifest["files"])) if form == "parquet" else None,
    )
    lost = {name: sum(_sum_of(source, name) for source in sources) for name in _LOSSES}
    sourced = {
        "name": (name, "repo name"),
        "repo": (repo or f"path/to/{folder.resolve().name}", "repo"),
        "manifest": (manifest, "manifest.json "),
        "total": (total, "the files' rows"),
        "rows": (rows, "the rows of "),
        "statistics": (statistics and {"tasks": statistics["tasks"]}, f"{STATISTICS}/stats.json "),
        "lost": (lost, "manifest.json sources[].counts."),
        "example": (example_row(folder, tasks, form), "the first rows "),
        "licence": (head.license, "manifest.json sources[].licence"),
    }
    values = {
        "summed": _sum_of,
        "splits": [split for split in SPLITS if any(split in parts for parts in rows.values())],
        "columns": columns_in(folder, tasks),
        "pictures": [name for name in ("sunburst", "lengths") if (folder / STATISTICS / f"{name}.png").is_file()],
        "languages": languages,
        "citation": citation(),
    }
    return Page("dataset", head, values, sourced, _ORIGINS, tuple(_faults(manifest, rows, total, statistics)))


_ORIGINS = {
    "language": "manifest.json sources[].source",
    "license": "manifest.json sources[].licence",
    "size_categories": "the files' rows",
    "configs": "manifest.json files",
    "pretty_name": "the folder's name",
    "task_ids": "manifest.json sources[].source",
} | {name: f"manifest.json sources[].{name}" for name in _STATED}
_LOSSES = ("read", "quarantined", "unlabelled", "unasked", "windows", "lost", "over", "dropped_empty")


def benchmark_text(folder: Path | str, repo: str) -> str:
    """The `eval.yaml` by which the Hub knows a prepared folder as a benchmark; empty where it has no test rows.

    Each task is an entry with its own leaderboard, and names the columns by which Inspect runs it.

    Args:
        folder: What `iepile prepare` made, as Parquet.
        repo: Its name on the Hub.
    """
    folder = Path(folder)
    manifest = _manifest(folder)
    rows = rows_in(folder, dict.fromkeys(map(_task, manifest["sources"])), manifest["format"])
    tests = {config: parts["test"] for config, parts in rows.items() if "test" in parts and not is_raw(config)}
    values = {"name": repo.rpartition("/")[2], "repo": repo, "tests": tests}
    return render("eval.yaml.jinja", values) if tests and manifest["format"] == "parquet" else ""


def _configs(rows: Mapping[str, Mapping[str, int]], files: Mapping[str, str]) -> Iterator[dict[str, Any]]:
    """What makes the folder loadable, as `iepile prepare` writes it.

    The description holds a digest of the files: the cache of `datasets` knows a local folder by its name and this
    YAML, and would serve the rows of another one without it.
    """
    for config, parts in rows.items():
        place = _place(config)
        mine = sorted((file, digest) for file, digest in files.items() if file.startswith(f"{place}/"))
        digest = hashlib.sha256(repr(mine).encode()).hexdigest()
        paths = [{"split": split, "path": f"{place}/{split}-*.parquet"} for split in parts]
        yield {"config_name": config, "description": f"files {digest}", "data_files": paths}


def _manifest(folder: Path) -> Any:
    """The manifest of a folder, without places of this machine among its options."""
    manifest = read_json(folder / "manifest.json")
    if manifest is None:
        raise FileNotFoundError(f"{folder} holds no manifest.json: give a folder that iepile prepare made")
    for option in ("hard_negatives", "tokenizer"):
        if manifest["options"].get(option):
            manifest["options"][option] = public_name(manifest["options"][option])
    return manifest


def _task(source: Mapping[str, Any]) -> str:
    return str(source["source"].split("/")[1].lower())


def _place(config: str) -> str:
    return config.replace("raw_", "raw/")


def _sum_of(source: Mapping[str, Any], name: str) -> int:
    """A count of a source over its splits."""
    return sum(figures.get(name, 0) for figures in source["counts"].values())


def _stated(sources: Iterable[Mapping[str, Any]], name: str) -> list[str] | None:
    """What the sources say of themselves, each thing once."""
    return sorted({value for source in sources for value in source.get(name, ())}) or None


def _faults(
    manifest: Mapping[str, Any],
    rows: Mapping[str, Mapping[str, int]],
    total: int,
    statistics: Mapping[str, Any] | None,
) -> Iterator[tuple[str, str, str, str]]:
    """Where manifest, files and statistics disagree about how many rows there are."""
    if manifest["rows"] != total:
        yield "manifest.json rows", str(manifest["rows"]), "the files' rows", str(total)
    for config, parts in rows.items():
        mine = [source for source in manifest["sources"] if _task(source) == config]
        for split, number in parts.items():
            stated = sum(source["counts"].get(split, {}).get("rows", 0) for source in mine)
            if mine and stated != number:
                place = f"manifest.json sources[].counts.{split}.rows of {config}"
                yield place, str(stated), f"the rows of {config}.{split}", str(number)
    if statistics and statistics["total"]["instructions"] != total:
        place = f"{STATISTICS}/stats.json total.instructions"
        yield place, str(statistics["total"]["instructions"]), "the files' rows", str(total)
