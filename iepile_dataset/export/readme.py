"""The README of a prepared folder; its YAML is what makes the folder loadable without this package."""

import hashlib
import re
from collections.abc import Mapping, Sequence
from importlib import resources
from typing import Any

import jinja2
import yaml

from ..corpus.sources import SPLITS, Source
from ..errors import visible
from ..instructions.generate import Counts


def inline(text: str) -> str:
    r"""A text as Markdown that stays in its cell: no markup, link or HTML begins in it.

    >>> print(inline("a | <b>\n[c](d)"))
    a \| &lt;b&gt; \[c\](d)
    """
    text = re.sub(r"([\\`\[\]|])", r"\\\1", " ".join(visible(text).split()))
    return text.replace("<", "&lt;").replace(">", "&gt;")


def readme(sources: Sequence[Source], counts: Counts, files: Mapping[str, str]) -> str:
    """The text of README.md for a folder whose files have these SHA-256."""
    named = dict.fromkeys(source.task for source in sources)
    tasks = [task for task in named if any(file.startswith(f"{task}/") for file in files)]
    configs = []
    for name, place in [(task, task) for task in tasks] + [(f"raw_{task}", f"raw/{task}") for task in tasks]:
        splits = [split for split in SPLITS if any(file.startswith(f"{place}/{split}-") for file in files)]
        if splits:
            paths = [{"split": split, "path": f"{place}/{split}-*.parquet"} for split in splits]
            # The cache of `datasets` knows a local folder by its last name and this YAML, not by its files: without
            # the digest another folder of the same name, or this one prepared again, would be served from it.
            mine = sorted((file, digest) for file, digest in files.items() if file.startswith(f"{place}/"))
            digest = hashlib.sha256(repr(mine).encode()).hexdigest()
            configs.append({"config_name": name, "description": f"files {digest}", "data_files": paths})
    head: dict[str, Any] = {
        "language": sorted({source.language for source in sources}),
        "license": "other",
        "task_categories": ["token-classification", "text-generation"],
        "tags": ["information-extraction", "iepile"],
    }
    if configs:
        head["configs"] = configs
    rows = {source.key: sum(counts[f"{source.key}/{split}", "rows"] for split in source.files) for source in sources}
    template = resources.files(__package__).joinpath("README.md.jinja").read_text("utf-8")
    return jinja2.Template(template, keep_trailing_newline=True).render(
        yaml=yaml.safe_dump(head, sort_keys=False, allow_unicode=True),
        inline=inline,
        sources=sources,
        rows=rows,
        configs=[config["config_name"] for config in configs],
    )
