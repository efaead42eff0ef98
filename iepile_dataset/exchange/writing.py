"""Records → files of other tools."""

from collections.abc import Callable, Iterable, Iterator, Mapping
from pathlib import Path
from typing import Any

from ..errors import DataError
from .document import Document, Loss
from .records import document_of
from .registry import FORMATS, format_named

__all__ = ["write", "write_documents"]


def write(
    records: Iterable[Mapping[str, Any]],
    path: str | Path,
    format: str,
    *,
    on_loss: Callable[[Loss], None] | None = None,
) -> None:
    """Write records in another format.

    A mention without `start` and `end` is put at its next whole-word occurrence in the text.

    Args:
        records: Of our own format.
        path: A file; for brat a folder.
        format: A name of `WRITERS`.
        on_loss: Told of everything that the format cannot hold.

    Raises:
        DataError: There is no such format, or it holds no annotation of this kind.
    """
    documents = (document_of(record, "record", number) for number, record in enumerate(records, 1))
    write_documents(documents, Path(path), format, on_loss)


def write_documents(
    documents: Iterable[Document], path: Path, format: str, on_loss: Callable[[Loss], None] | None = None
) -> None:
    """As `write`, for documents."""
    form = format_named(format, writer=True)

    def watched() -> Iterator[Document]:
        for document in documents:
            if document.kinds and not set(document.kinds) & set(form.holds):
                kinds = ", ".join(document.kinds)
                raise DataError(f"{form.title} cannot hold {kinds} (choose {_holding(document.kinds)})")
            yield document
            # The writer has done with it when it asks for the next one.
            if on_loss:
                for kind, reason, remedy in document.losses:
                    on_loss(Loss(document.file, document.line, reason, remedy, kind=kind))

    if form.write:
        form.write(watched(), path)


def _holding(kinds: Iterable[str]) -> str:
    return " or ".join(name for name, form in FORMATS.items() if form.write and set(kinds) <= set(form.holds))
