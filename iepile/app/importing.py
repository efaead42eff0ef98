"""The fourth tab: annotations of another tool → what was read of them, and the source to take along."""

import json
import shutil
import tempfile
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import islice
from pathlib import Path
from typing import TYPE_CHECKING, Any

from iepile_dataset import DataError
from iepile_dataset.atomic import json_text
from iepile_dataset.exchange import FORMATS
from iepile_dataset.exchange.format import column_names
from iepile_dataset.exchange.importing import import_source
from iepile_dataset.exchange.labels import read_label_map
from iepile_dataset.places import PREFIXES

from . import render as show
from .highlight import COLOURS, Span
from .schema_input import task_words
from .score import BYTES

if TYPE_CHECKING:
    from iepile_dataset.exchange.importing import Imported

_RECORDS = 20  # shown
_LONGEST = 20_000  # characters of one that are shown
_LABELS = {"entity": "entity_type", "relation": "relation", "event": "event_type"}


@dataclass(frozen=True)
class Read:
    """What was read of a visitor's files.

    Attributes:
        done: As `import_source` tells it.
        records: The first of them.
        archive: The folder of the source, as a zip file.
    """

    done: "Imported"
    records: Sequence[Mapping[str, Any]]
    archive: Path


def read_files(
    files: Sequence[Path], folder: Path, form: str = "auto", task: str = "", columns: str = "", labels: str = ""
) -> Read:
    """Import files as `iepile import` does.

    Args:
        files: What a visitor has given; of brat texts and annotations together.
        folder: An empty folder to work in.
        form: A name of `FORMATS`, or `auto`.
        task: Which annotation is meant where there are several; "" for the only one.
        columns: As `token=0,tag=3`.
        labels: New names, YAML or JSON.

    Raises:
        DataError: Nothing in them can be read; tells the files' names, not their places.
    """
    given = folder / "files"
    given.mkdir()
    for file in files:
        shutil.copy(file, given / file.name)
    source = given / files[0].name if len(files) == 1 else given
    name = Path(files[0].name).stem or "source"
    try:
        done = import_source(
            source, folder / "IE-xx" / name, form=form, task=task or None, columns=column_names(columns),
            labels=read_label_map(labels, "labels") if labels.strip() else None,
        )  # fmt: skip
    except (ValueError, OSError) as error:
        raise DataError(str(error).replace(f"{given}/", "").replace(str(given), name)) from None
    meta = json.loads((done.out / "meta.json").read_text("utf-8"))
    meta["imported"]["input"] = ", ".join(sorted(file.name for file in files))
    (done.out / "meta.json").write_text(json_text(meta), "utf-8")
    first = next(path for path in (done.out / f"{split}.json" for split in ("train", "dev", "test")) if path.exists())
    with first.open(encoding="utf-8") as lines:
        records = [json.loads(line) for line in islice(lines, _RECORDS)]
    archive = shutil.make_archive(str(folder / name), "zip", done.out.parent, done.out.name)
    return Read(done, records, Path(archive))


def spans_in(record: Mapping[str, Any]) -> list[Span]:
    """The places that a record states; a mention without one is not among them.

    >>> spans_in({"text": "In Ulm", "entity": [{"entity": "Ulm", "entity_type": "city", "start": 3, "end": 6}]})
    [Span(start=3, end=6, name='city', colour=0)]
    """
    colours: dict[str, int] = {}
    spans = []
    for kind, prefixes in PREFIXES.items():
        for item in record.get(kind) or ():
            label = item[_LABELS[kind]]
            colour = colours.setdefault(label, len(colours) % COLOURS)
            places = [(_name(kind, label, prefix, item), item, prefix) for prefix in prefixes]
            places += [(part["role"], part, "") for part in item.get("arguments") or ()]
            spans += [
                Span(one[f"{prefix}start"], one[f"{prefix}end"], name, colour)
                for name, one, prefix in places
                if f"{prefix}start" in one
            ]
    return spans


def _name(kind: str, label: str, prefix: str, item: Mapping[str, Any]) -> str:
    if kind == "relation":
        end = item.get(f"{prefix}type")
        name = f"{label} →" if prefix == "head_" else f"→ {label}"
        return f"{end} · {name}" if end else name
    return f"{label}!" if kind == "event" else label


def import_tab() -> None:
    """Lay the tab out; inside `gr.Blocks`."""
    import gradio as gr

    with gr.Row():
        with gr.Column(min_width=300):
            files = gr.File(
                label=f"Annotations, one file or several (at most {BYTES.upper()} each)", file_count="multiple",
                height=152, elem_id="annotations",
            )  # fmt: skip
        with gr.Column(min_width=300):
            form = gr.Dropdown(["auto", *FORMATS], value="auto", label="Format", elem_id="form")
            words = [("the only one", ""), *((words["name"], name) for name, words in task_words().items())]
            task = gr.Dropdown(words, value="", label="Annotation, where there are several", elem_id="annotation")
    with gr.Accordion("Columns and names of labels", open=False, elem_id="more"):
        columns = gr.Textbox("", label="Columns", placeholder="token=0,tag=3", elem_id="columns")
        labels = gr.Textbox("", label="New names of labels", lines=3, placeholder="PER: person", elem_id="names")
    gr.HTML(
        "<p class='note'>CoNLL, brat (.txt with .ann), Label Studio, doccano, Argilla, spaCy, tables and others: what "
        "iepile import reads.</p>"
    )
    with gr.Row():
        go = gr.Button("Import", variant="primary", elem_id="import", min_width=120)
        save = gr.DownloadButton("Source (zip)", interactive=False, elem_id="source-zip", min_width=120)
    status = gr.HTML(show.status("No file yet."), elem_id="imported")
    read = gr.HTML(elem_id="read")

    def run(paths: list[str] | None, form: str, task: str, columns: str, labels: str) -> Iterator[Any]:
        yield {go: gr.Button("Importing …", interactive=False), status: show.status("Importing …", "busy")}
        idle = {go: gr.Button("Import", interactive=True)}
        try:
            if not paths:
                raise DataError("no file yet (choose one, or drop it here)")
            with tempfile.TemporaryDirectory() as folder:  # gradio keeps a copy of the archive, to hand it out
                found = read_files([Path(path) for path in paths], Path(folder), form, task, columns, labels)
                ready = gr.DownloadButton(value=str(found.archive), interactive=True)
                words = show.status(_words(found.done))
                yield {status: words, read: show.imported(found.done, _shown(found.records)), save: ready, **idle}
        except Exception as problem:  # whatever it is, the button comes back
            nothing = {read: "", save: gr.DownloadButton(value=None, interactive=False)}
            yield {status: show.failure(problem, DataError), **nothing, **idle}
            if not isinstance(problem, DataError):
                raise

    go.click(
        run, [files, form, task, columns, labels], [go, status, read, save], concurrency_limit=1, trigger_mode="once",
        show_progress="minimal", show_progress_on=[status], api_visibility="private",
    )  # fmt: skip


def _words(done: "Imported") -> str:
    count = done.records.total()
    aside = f", {done.set_aside:,} set aside in quarantine.jsonl" if done.set_aside else ""
    return f"{count:,} record{'' if count == 1 else 's'} read as {done.format}, for {done.task.upper()}{aside}."


def _shown(records: Sequence[Mapping[str, Any]]) -> list[tuple[str, list[Span]]]:
    return [(record["text"][:_LONGEST], spans_in(record)) for record in records]
