"""All formats, one line each, and which of them a file is in."""

from difflib import get_close_matches

from ..errors import DataError, did_you_mean, shown
from .files import DataFile
from .format import Format
from .formats import (
    argilla,
    bioc,
    brat,
    conll,
    doccano,
    dygie,
    gliner,
    huggingface,
    instructuie,
    label_studio,
    native,
    pubtator,
    rows,
    spacy,
    table,
    universal_ie,
)

__all__ = ["FORMATS", "WRITERS", "detect", "format_named"]

FORMATS: dict[str, Format] = {
    form.name: form
    for form in (
        brat.FORMAT,
        pubtator.FORMAT,
        universal_ie.FORMAT,
        rows.FORMAT,
        native.FORMAT,
        label_studio.FORMAT,
        argilla.FORMAT,
        bioc.FORMAT,
        dygie.FORMAT,
        gliner.FORMAT,
        gliner.SECOND,
        instructuie.FORMAT,
        huggingface.FORMAT,
        doccano.FORMAT,
        spacy.FORMAT,
        table.FORMAT,
        conll.FORMAT,
    )
}
"""Format by name; of those that a file looks like, the first is meant."""

WRITERS = tuple(name for name, form in FORMATS.items() if form.write)


def format_named(name: str, writer: bool = False) -> Format:
    """A format by its name.

    Raises:
        DataError: There is none, or none that is written.
    """
    known = WRITERS if writer else tuple(FORMATS)
    if name not in known:
        raise DataError(f"unknown format {shown(name)}{did_you_mean(name, known)}")
    return FORMATS[name]


def detect(file: DataFile) -> Format | None:
    """The format of a file by what is in it, None where it is none of ours."""
    return next((form for form in FORMATS.values() if form.fits(file)), None)


def described(file: DataFile) -> str:
    """What was seen in a file of no known format, and which formats are near it.

    >>> from pathlib import Path
    >>> from tempfile import mkdtemp
    >>> path = Path(mkdtemp()) / "a.json"
    >>> _ = path.write_text('{"text": "In Ulm", "span": []}')
    >>> described(DataFile(path, "a.json"))
    'objects with the keys text, span; near are spacy (text, spans, …), ...'
    """
    values = file.objects
    if not values:
        first = next((line for line in file.start.split("\n") if line.strip()), "")
        seen = "nothing" if not first else f"lines such as {shown(first)}"
        return (
            f"{seen}; columns of tokens and tags are conll, other tables need --format table --columns text=…,entity=…"
        )
    keys = list(values[0])
    if not any(isinstance(part, list | dict) for value in values for part in value.values()):
        return f"objects with the keys {', '.join(keys[:8])} and no list in them: texts that nobody annotated"
    common = {form: [key for key in form.keys if get_close_matches(key, keys, 1)] for form in FORMATS.values()}
    near = [form for form in sorted(common, key=lambda form: -len(common[form]))[:3] if common[form]]
    names = ", ".join(f"{form.name} ({', '.join([*common[form], '…'])})" for form in near)
    shortly = ", ".join(shown(key)[1:-1] for key in keys[:8])
    return f"objects with the keys {shortly}; near are {names or 'none'}"
