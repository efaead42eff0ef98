"""The page of a prepared folder: statistics, README.md, and a manifest that knows both."""

import json
from collections.abc import Callable
from pathlib import Path


def write_dataset_page(
    folder: Path, repo: str | None = None, progress: Callable[[int, int], None] | None = None
) -> tuple[Path, str]:
    """Count and draw what is in a prepared folder, write its card, and seal its manifest.

    Args:
        folder: What `iepile prepare` made.
        repo: Its name on the Hub, for the lines that say how to load it.
        progress: Called with (rows counted, rows in all).

    Returns:
        The path of README.md, and what could not be done, "" if nothing.

    Raises:
        DataError: Rows or files are not those of the manifest, or there is none.
    """
    from iepile_cards import write_dataset_card
    from iepile_dataset.atomic_file import write_whole
    from iepile_dataset.errors import DataError
    from iepile_dataset.export.manifest import MANIFEST, read_manifest
    from iepile_dataset.export.seal import check_rows, seal
    from iepile_dataset.statistics.pictures import installed_fonts, write_statistics
    from iepile_dataset.statistics.prepared import prepared_statistics

    check_rows(folder)
    missing = ""
    if read_manifest(folder / MANIFEST)["format"] == "parquet":
        counted = prepared_statistics(folder, progress)
        place = folder / "statistics"
        try:
            write_statistics(counted, place, installed_fonts(), with_page=False)
        except DataError as problem:
            missing = f"no pictures: {problem}"
            report = json.dumps(counted.report(), ensure_ascii=False, indent=2)
            write_whole(place / "stats.json", f"{report}\n".encode())
    else:
        missing = "no statistics: they are made of Parquet, these rows are JSON lines"
    path = write_dataset_card(folder, repo)
    seal(folder)
    return path, missing
