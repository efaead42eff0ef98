import json
from pathlib import Path

import pytest


def write_source(folder: Path, schema: str | None, **splits: list) -> Path:
    """A source folder; a str among the records is written as it is, as a raw line."""
    folder.mkdir(parents=True, exist_ok=True)
    if schema is not None:
        (folder / "schema.json").write_text(schema, "utf-8")
    for split, records in splits.items():
        lines = [r if isinstance(r, str) else json.dumps(r, ensure_ascii=False) for r in records]
        (folder / f"{split}.json").write_text("".join(line + "\n" for line in lines), "utf-8")
    return folder


NER_SCHEMA = '["city", "person", "river"]\n[]\n{}\n'


@pytest.fixture
def source():
    return write_source
