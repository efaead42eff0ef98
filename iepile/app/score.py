"""The second tab: a file of answers → its scores and the report."""

import tempfile
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from . import render as show
from .schema_input import task_words

if TYPE_CHECKING:
    from iepile_metric.report import Examined

BYTES = "32mb"
"""The largest file that the page takes."""


def scored(path: Path, task: str | None = None, **options: Any) -> "Examined":
    """Score a file as `iepile score --errors --resamples 1000 --report` does.

    Args:
        path: JSON lines.
        task: The task of rows that do not name theirs.
        options: `match`, `count`, `parse`.

    Raises:
        ValueError: Nothing in it can be scored; tells the file's name, not its place.
    """
    from iepile_metric.report import examine

    if path.suffix == ".gz":  # a small one may hold more than the memory
        raise ValueError(f"{path.name}: packed (unpack it first: gunzip {path.name})")
    try:
        examined = examine(path, task, errors=True, resamples=1_000, title=path.name, **options)
    except ValueError as error:
        raise ValueError(str(error).replace(str(path), path.name)) from None
    return replace(examined, bad=[replace(line, file=path.name) for line in examined.bad])


def score_tab() -> None:
    """Lay the tab out; inside `gr.Blocks`."""
    import gradio as gr

    from iepile_metric.accumulator import PARSES
    from iepile_metric.matching import COUNTS, MATCHES

    with gr.Row():
        with gr.Column(min_width=300):
            file = gr.File(
                label=f"Answers, JSON lines (at most {BYTES.upper()})",
                file_types=[".jsonl", ".json", ".gz"], height=152, elem_id="answers",
            )  # fmt: skip
        with gr.Column(min_width=300):
            match = gr.Radio(list(MATCHES), value="exact", label="When two texts are the same", elem_id="match")
            with gr.Row():
                count = gr.Radio(list(COUNTS), value="multiset", label="How repetitions count", min_width=140)
                parse = gr.Radio(list(PARSES), value="lenient", label="Broken answers", min_width=140)
            task = gr.Dropdown(
                [("none", ""), *((words["name"], name) for name, words in task_words().items())], value="",
                label="Task of rows that do not name theirs",
            )  # fmt: skip
    gr.HTML(
        "<p class='note'>Rows with output and label, and id, task, source where known: what iepile predict writes.</p>"
    )
    with gr.Row():
        go = gr.Button("Score", variant="primary", elem_id="score", min_width=120)
        report = gr.DownloadButton("Report file", interactive=False, elem_id="report", min_width=120)
    status = gr.HTML(show.status("No file yet."), elem_id="scored")
    scores = gr.HTML(elem_id="scores")

    def run(path: str | None, task: str, match: str, count: str, parse: str) -> Any:
        yield {go: gr.Button("Scoring …", interactive=False), status: show.status("Scoring …", "busy")}
        idle = {go: gr.Button("Score", interactive=True)}
        nothing = {scores: "", report: gr.DownloadButton(value=None, interactive=False)}
        try:
            if not path:
                raise ValueError("no file yet (iepile predict writes one)")
            examined = scored(Path(path), task or None, match=match, count=count, parse=parse)
        except Exception as problem:  # whatever it is, the button comes back
            yield {status: show.failure(problem, ValueError, OSError), **nothing, **idle}
            if not isinstance(problem, ValueError | OSError):
                raise
            return
        bad = f"{len(examined.bad):,} line{'' if len(examined.bad) == 1 else 's'} could not be scored"
        words = show.status(f"{Path(path).name}: {bad if examined.bad else 'every line was scored'}.")
        with tempfile.TemporaryDirectory() as folder:  # gradio keeps a copy for a while, to hand it out
            page = Path(folder) / f"{Path(path).stem}.html"
            page.write_text(examined.page, encoding="utf-8")
            ready = gr.DownloadButton(value=str(page), interactive=True)
            yield {status: words, scores: show.scores(examined), report: ready, **idle}

    go.click(
        run, [file, task, match, count, parse], [go, status, scores, report], concurrency_limit=1,
        trigger_mode="once", show_progress="minimal", show_progress_on=[status], api_visibility="private",
    )  # fmt: skip
