"""Token classification as on the Hugging Face Hub: `tokens` and tags, as JSON lines, Parquet, or a dataset object."""

from collections.abc import Iterator, Mapping, Sequence
from glob import escape
from pathlib import Path
from typing import Any

from ...errors import DataError, shown
from ..document import Document, Loss
from ..files import DataFile, split_in
from ..format import Format, ReadOptions, objects
from ..tokens import is_tag, scheme_of, tagged

_TOKENS = ("tokens", "words", "text")
_TAGS = ("ner_tags", "tags", "ner", "labels", "ner_tag", "fine_ner_tags")


def fits(file: DataFile) -> bool:
    """A list of tokens beside a list of as many tags, also in Parquet or Arrow files."""
    if file.path.suffix in (".parquet", ".arrow"):
        return (first := next(iter(_table(file)), None)) is not None and _columns(first) is not None
    return any(map(_columns, file.objects))


def _columns(row: Mapping[str, Any], options: ReadOptions | None = None) -> tuple[str, str] | None:
    """The names of the columns of tokens and tags, by what stands in them."""
    given = options.columns if options else {}
    lists = {name: value for name, value in row.items() if isinstance(value, list) and value}
    tokens = given.get("token") or next(
        (name for name in _TOKENS if name in lists and isinstance(lists[name][0], str)), ""
    )
    tags = given.get("tag") or next((name for name in _TAGS if name != tokens and _are_tags(lists.get(name))), "")
    one, other = (row.get(name) if name else None for name in (tokens, tags))
    if not isinstance(one, list) or not isinstance(other, list) or len(one) != len(other):
        return None
    return tokens, tags


def _are_tags(values: Any) -> bool:
    return isinstance(values, list) and all(
        isinstance(value, int) or (isinstance(value, str) and is_tag(value)) for value in values
    )


def read(file: DataFile, options: ReadOptions) -> Iterator[Document | Loss]:
    """The rows of a file."""
    if file.path.suffix in (".parquet", ".arrow"):
        yield from read_dataset(_table(file), options, file.name, file.split)
        file.advance(file.path.stat().st_size)
        return
    make = _maker(file.objects, options, file.name)
    yield from objects(file, make, '{"tokens": [token], "ner_tags": [tag]}')


def _maker(rows: Sequence[Mapping[str, Any]], options: ReadOptions, name: str, features: Any = None) -> Any:
    """What makes a document of a row, by the columns, the names of tags and the scheme of some rows."""
    columns = next((pair for row in rows if (pair := _columns(row, options))), None)
    if columns is None:
        raise DataError(
            f"{name}: no columns of tokens and tags among {', '.join(rows[0] if rows else ())} "
            "(name them: --columns token=words,tag=labels)"
        )
    token, tag = columns
    names = _class_names(features, tag) or _label_names(options)
    scheme = scheme_of([_tags(row[tag], names, name) for row in rows if tag in row])

    def make(row: Mapping[str, Any]) -> Document:
        if len(row[token]) != len(row[tag]):
            raise ValueError(f"{len(row[token])} tokens, {len(row[tag])} tags")
        return tagged(row[token], _tags(row[tag], names, name), scheme)

    return make


def _table(file: DataFile) -> Any:
    """A Parquet file is streamed, an Arrow file is mapped: neither grows in memory."""
    from datasets import Dataset, load_dataset

    if file.path.suffix == ".arrow":
        return Dataset.from_file(str(file.path))
    return load_dataset("parquet", data_files=escape(str(file.path)), split="train", streaming=True)


def read_dataset(
    dataset: Any, options: ReadOptions | None = None, name: str = "dataset", split: str = ""
) -> Iterator[Document | Loss]:
    """The rows of a `datasets.Dataset`, plain or streamed, or of all splits of a dictionary of them.

    Args:
        dataset: With a column of tokens and one of tags, as text or as numbers with the names of their `ClassLabel`.
        options: Its `columns` `token` and `tag` name the columns.
        name: For messages.
        split: Of the rows.

    >>> from datasets import Dataset
    >>> rows = Dataset.from_dict({"tokens": [["In", "Ulm"]], "ner_tags": [["O", "B-city"]]})
    >>> [document.spans[0].label for document in read_dataset(rows)]
    ['city']
    """
    options = options or ReadOptions()
    if isinstance(dataset, Mapping):
        for part, rows in dataset.items():
            yield from read_dataset(rows, options, f"{name}/{part}", split_in(str(part)))
        return
    some = [row for row, _ in zip(dataset, range(1000))]
    make: Any = _maker(some, options, name, dataset.features) if some else None
    for number, row in enumerate(dataset, 1):
        try:
            document = make(row)
        except DataError:
            raise
        except ValueError as problem:
            yield Loss(name, number, str(problem), "mend the row", str(row), "a row with more tokens than tags", True)
            continue
        document.file, document.line, document.split = name, number, split
        yield document


def _class_names(features: Any, column: str) -> list[str] | None:
    feature = (features or {}).get(column)
    inner = getattr(feature, "feature", feature)
    names = getattr(inner, "names", None)
    return list(names) if names else None


def _label_names(options: ReadOptions) -> list[str] | None:
    """Names of numbered tags, as `--columns names=O|B-city|I-city` gives them."""
    given = options.columns.get("names")
    return given.split("|") if given else None


def _tags(values: Sequence[Any], names: list[str] | None, file: str) -> list[str]:
    tags = []
    for value in values:
        if isinstance(value, int):
            if names is None or not 0 <= value < len(names):
                remedy = "name them in order: --columns 'names=O|B-person|I-person'"
                raise DataError(f"{file}: the tag {value} is a number without a name ({remedy})")
            value = names[value]
        if not is_tag(value):
            raise DataError(f"{file}: {shown(value)} is no tag (expected O, B-type, I-type)")
        tags.append(value[:1] + "-" + value[2:] if len(value) > 1 else value)
    return tags


def saved_dataset(path: Path) -> Any:
    """What `save_to_disk` wrote to a folder, None where it wrote nothing there."""
    if not any((path / name).is_file() for name in ("dataset_dict.json", "state.json")):
        return None
    from datasets import load_from_disk

    return load_from_disk(str(path))


FORMAT = Format(
    "huggingface", "token classification of the Hugging Face Hub", fits, read, ("tokens", "ner_tags", "tags")
)
