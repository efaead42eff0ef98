"""The one reader of files of rows: JSON lines, each with its number."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

from iepile_dataset.bounded import refuse_endless
from iepile_dataset.corpus.lines import lines_in
from iepile_dataset.corpus.records import read_records

from .errors import TrainerError

__all__ = ["numbered_objects"]


def numbered_objects(path: Path | str) -> Iterator[tuple[int, dict[str, Any]]]:
    """(line number, object) for each line that is not blank.

    Raises:
        TrainerError: A line that is no JSON object, with its place.
        DataError: No file, but a pipe or a device.
        OSError: It cannot be read.

    >>> import tempfile
    >>> path = Path(tempfile.mkdtemp()) / "a.jsonl"
    >>> _ = path.write_text('{"text": "one"}\\n\\n{"text": "another"}\\n', "utf-8")
    >>> [number for number, _ in numbered_objects(path)]
    [1, 3]
    """
    refuse_endless(str(path))
    with open(path, "rb") as file:
        for number, _, row in read_records(enumerate(lines_in(file), 1)):
            if not isinstance(row, dict):
                kind = f"{type(row).__name__} instead of an object"
                reason = f"not JSON, {str(row) or 'one array'}" if isinstance(row, ValueError) else kind
                raise TrainerError(f"{path}:{number}: {reason} (one JSON object per line)")
            yield number, row
