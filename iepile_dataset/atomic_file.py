"""Files that appear whole or not at all."""

import os
import tempfile
from pathlib import Path


def write_whole(file: Path, content: bytes) -> None:
    """Write a file in one step: who reads it sees the old content or the new, and a break leaves nothing half done.

    >>> folder = Path(tempfile.mkdtemp())
    >>> write_whole(folder / "new" / "a.txt", b"x")
    >>> [path.name for path in (folder / "new").iterdir()]
    ['a.txt']
    """
    file.parent.mkdir(parents=True, exist_ok=True)
    descriptor, name = tempfile.mkstemp(prefix=f".{file.name}-", dir=file.parent)
    try:
        with os.fdopen(descriptor, "wb") as out:
            out.write(content)
        mask = os.umask(0)
        os.umask(mask)
        os.chmod(name, 0o666 & ~mask)
        os.replace(name, file)
    finally:
        Path(name).unlink(missing_ok=True)
