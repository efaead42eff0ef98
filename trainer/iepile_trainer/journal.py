"""An output file that survives a kill: whole rows are kept, the same command goes on after the last one.

Beside `predictions.jsonl` stands `predictions.jsonl.run.json`, which says what the rows were made with. Rows of
another model, input or option are not continued.
"""

import json
import os
from collections.abc import Callable, Iterable, Iterator
from pathlib import Path
from typing import Any

import orjson

from . import TrainerError


def open_journal(output: Path | str, made_with: dict[str, Any], overwrite: bool = False) -> int:
    """Make `output` ready to be appended to.

    Args:
        output: The file of rows.
        made_with: Model, input and options, any JSON object; kept beside the file and compared on the next call.
        overwrite: Start anew, whatever is there.

    Returns:
        The number of whole rows that are there already; a last line that was cut off is removed.

    Raises:
        TrainerError: The file was made with something else, or not by this command.
    """
    output = Path(output)
    beside = record_path(output)
    if overwrite:
        output.unlink(missing_ok=True)
        beside.unlink(missing_ok=True)
    made_with = json.loads(json.dumps(made_with))
    if output.exists() and output.stat().st_size:
        if not beside.is_file():
            raise TrainerError(f"{output} is there, but not from this command (another --output, or --overwrite)")
        before = json.loads(beside.read_text(encoding="utf-8"))
        changed = [key for key in {**before, **made_with} if before.get(key) != made_with.get(key)]
        if changed:
            raise TrainerError(
                f"{output} was made with {changed[0]} = {before.get(changed[0])!r}, now {made_with.get(changed[0])!r} "
                "(another --output, or --overwrite)"
            )
        return _whole_rows(output)
    output.parent.mkdir(parents=True, exist_ok=True)
    beside.write_text(json.dumps(made_with, ensure_ascii=False, indent=2) + "\n", encoding="utf-8")
    output.touch()
    return 0


def append(output: Path | str, rows: Iterable[dict[str, Any]], written: Callable[[dict[str, Any]], None]) -> None:
    """Append rows as they come, one write and flush per row; `written` is told of each."""
    with open(output, "ab", buffering=0) as file:
        for row in rows:
            file.write(orjson.dumps(row, option=orjson.OPT_APPEND_NEWLINE))
            written(row)


def rows_in(output: Path | str) -> Iterator[dict[str, Any]]:
    """The rows written so far."""
    with open(output, "rb") as lines:
        for line in lines:
            yield orjson.loads(line)


def record_path(output: Path) -> Path:
    """Where the record of `output` stands."""
    return output.with_name(output.name + ".run.json")


def _whole_rows(output: Path) -> int:
    """Count the rows, and cut off what follows the last line end."""
    count = end = 0
    with open(output, "rb") as lines:
        for line in lines:
            if not line.endswith(b"\n"):
                break
            count, end = count + 1, end + len(line)
    if end < output.stat().st_size:
        os.truncate(output, end)
    return count
