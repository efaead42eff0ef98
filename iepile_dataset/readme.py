"""The README of a prepared folder; its YAML is what makes the folder loadable without this package."""

from collections.abc import Sequence
from importlib import resources
from pathlib import Path

import jinja2
import yaml

from .corpus import SPLITS, Source
from .generate import Counts


def readme(folder: Path, sources: Sequence[Source], counts: Counts) -> str:
    """The text of README.md for the Parquet files that lie in `folder`."""
    tasks = [task for task in dict.fromkeys(source.task for source in sources) if any((folder / task).iterdir())]
    configs = [
        {
            "config_name": task,
            "data_files": [
                {"split": split, "path": f"{task}/{split}-*.parquet"}
                for split in SPLITS
                if any((folder / task).glob(f"{split}-*.parquet"))
            ],
        }
        for task in tasks
    ]
    head = {
        "language": sorted({source.language for source in sources}),
        "license": "other",
        "task_categories": ["token-classification", "text-generation"],
        "tags": ["information-extraction", "iepile"],
        "configs": configs,
    }
    rows = [
        {
            "key": source.key,
            "licence": source.licence,
            "rows": sum(counts[f"{source.key}/{split}", "rows"] for split in source.files),
        }
        for source in sources
    ]
    template = resources.files(__package__).joinpath("README.md.jinja").read_text("utf-8")
    return jinja2.Template(template, keep_trailing_newline=True).render(
        yaml=yaml.safe_dump(head, sort_keys=False, allow_unicode=True), sources=rows, configs=tasks
    )
