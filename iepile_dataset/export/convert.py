"""One file of records → one file of instructions, with the rows that the original toolkit's converter writes."""

import json
import os
import posixpath
from collections import Counter
from collections.abc import Iterator
from dataclasses import asdict, dataclass, field
from hashlib import sha256
from pathlib import Path
from typing import Any

from ..atomic import write_file, written_beside
from ..corpus.layout import json_object, listed
from ..corpus.shards import Progress, Segment, advancing
from ..corpus.sources import Source, language_of
from ..errors import KEPT_PROBLEMS, DataError, Problem
from ..instructions.generate import Counts, questions_of, totals
from ..instructions.instructor import Instructor
from ..options import ConvertOptions
from ..schema import SCHEMA_FILES, Schema, alphabetical, parse_schema
from ..tasks import TASKS

__all__ = ["Converted", "convert"]

_HEAD = 1 << 16


@dataclass
class Converted:
    """What `convert` did.

    Attributes:
        rows: How many rows were written.
        counts: See `instructions.generate.Counts`.
        language: Of the prompts.
        problems: The first records that were left out.
        left_out: How many were.
        quarantine: Where they lie, None where there is none.
    """

    rows: int
    counts: Counts
    language: str
    problems: list[Problem] = field(default_factory=list)
    left_out: int = 0
    quarantine: Path | None = None

    def total(self, what: str) -> int:
        """One of the counts."""
        return totals(self.counts)[what]


def convert(
    src_path: str | os.PathLike[str],
    tgt_path: str | os.PathLike[str],
    schema_path: str | os.PathLike[str] | None = None,
    options: ConvertOptions = ConvertOptions(),  # noqa: B008 - frozen
    progress: Progress | None = None,
) -> Converted:
    """Write the instructions of one file of records.

    A row of `split="train"` has `task`, `source`, `instruction` and `output`; one of `"test"` has `id`, the SHA-256
    of the text, `task`, `source`, `instruction` and `label`. The source is the record's own `source`, else the name
    of the file's folder.

    Args:
        src_path: Records, JSON lines, such as `data/NER/sample.json`.
        tgt_path: The file to make, whole or not at all; rows that were made before are replaced.
        schema_path: The labels; the `schema.json` beside `src_path` by default.
        options: How to ask.
        progress: Called with (bytes read so far, bytes in all).

    Raises:
        DataError: There is no such file, the target holds other things, no row could be made, or with `strict` the
            first bad record.

    >>> import tempfile
    >>> from ..corpus.sources import sample_corpus
    >>> records = f"{sample_corpus()}/IE-en/NER/city_news/train.json"
    >>> target = Path(tempfile.mkdtemp()) / "train.json"
    >>> convert(records, target, options=ConvertOptions(split_num=6)).problems
    []
    >>> list(json.loads(target.read_text().splitlines()[0]))
    ['task', 'source', 'instruction', 'output']
    """
    src, tgt = os.fspath(src_path), Path(tgt_path)
    if not os.path.isfile(src):
        raise DataError(f"{src}: no such file (--src_path is a file of records, JSON lines)")
    _refuse_other(src, tgt)
    source = _source(src, _schema(src, schema_path), options)
    asker = Instructor(
        TASKS[source.task], source.schema, source.language, options.split == "train" or options.random_sort,
        options.rows, source.name, options.random_sort,
    )  # fmt: skip
    size = source.sizes[options.split]
    done = Converted(0, Counter(), source.language)
    left_out: list[Problem] = []
    with written_beside(tgt) as work, work.open("w", encoding="utf-8", newline="\n") as file:
        for row in _rows(Segment(source, options.split, 0, size), asker, options, done, left_out):
            file.write(json.dumps(row, ensure_ascii=False) + "\n")
            done.rows += 1
        if not done.rows:
            first = f"; the first: {left_out[0]}" if left_out else ""
            raise DataError(f"{src}: no row could be made of {done.total('read')} records{first}")
    advancing(progress, size)(size)
    done.left_out = len(left_out)
    done.problems = left_out[:KEPT_PROBLEMS]
    done.quarantine = _set_aside(left_out, tgt.with_name(f"quarantine-{tgt.stem}.jsonl"))
    return done


def _source(src: str, schema: Schema, options: ConvertOptions) -> Source:
    """The file as a source of one split, named by its folder."""
    split, folder = options.split, posixpath.dirname(os.path.abspath(src))
    schema = schema if options.random_sort else alphabetical(schema)
    size, mark = listed(src, {})
    language = options.language or _language(src)
    return Source(
        posixpath.basename(folder), options.task, language, schema, {split: src}, {split: size}, "", folder,
        marks={split: mark},
    )  # fmt: skip


def _set_aside(problems: list[Problem], file: Path) -> Path | None:
    """Write what was left out; where nothing was, a file of an earlier run goes."""
    if not problems:
        file.unlink(missing_ok=True)
        return None
    write_file(file, "".join(json.dumps(asdict(problem), ensure_ascii=False) + "\n" for problem in problems))
    return file


def _rows(
    segment: Segment, asker: Instructor, options: ConvertOptions, done: Converted, left_out: list[Problem]
) -> Iterator[dict[str, str]]:
    record: Any = None

    def watch(read: Any) -> None:
        nonlocal record
        record = read

    task = asker.task.name
    for _, text, questions in questions_of(segment, asker, options.rows, done.counts, left_out.append, watch):
        own = record.get("source")
        source = own if isinstance(own, str) and own else segment.source.name
        label = json.dumps(json.loads(questions.label), ensure_ascii=False) if questions.label else ""
        for asked, output in zip(questions.asked, questions.outputs):
            row = {"task": task, "source": source, "instruction": asker.instruction(asked, text)}
            if options.split == "train":
                yield row | {"output": output}
            else:
                yield {"id": sha256(text.encode()).hexdigest(), **row, "label": label}


def _refuse_other(src: str, tgt: Path) -> None:
    """A DataError where the target holds anything but rows, such as the records themselves."""
    if tgt.is_dir():
        raise DataError(f"{tgt}: a folder is in the way (--tgt_path is a file)")
    if tgt.exists() and tgt.stat().st_size:
        with tgt.open("rb") as file:
            row = json_object(file.readline())
        if row is None or "instruction" not in row:
            raise DataError(f"{tgt}: the file holds other things, which are left alone (choose another --tgt_path)")


def _schema(src: str, schema_path: str | os.PathLike[str] | None) -> Schema:
    beside = (Path(src).with_name(name) for name in SCHEMA_FILES)
    path = Path(schema_path) if schema_path else next((path for path in beside if path.is_file()), None)
    if path is None or not path.is_file():
        place = path or Path(src).with_name(SCHEMA_FILES[0])
        raise DataError(f"{place}: no such file (--schema_path names the labels, three lines)")
    return parse_schema(path.read_text("utf-8", "replace"), str(path))


def _language(src: str) -> str:
    with open(src, "rb") as file:
        records = filter(None, map(json_object, (file.read(_HEAD) + file.readline()).splitlines()))
        return language_of("".join(str(record.get("text")) for record in records))
