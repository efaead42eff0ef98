"""The second tab: a file of answers → its scores and the report."""

import tempfile
from pathlib import Path
from typing import Any

from . import render as show
from .schema_input import said
from .scoring import BYTES, scored


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
                [("none", ""), *((told["name"], name) for name, told in said().items())], value="",
                label="Task of rows that do not name theirs",
            )  # fmt: skip
    gr.HTML(
        "<p class='note'>Rows with output and label, and id, task, source where known: what iepile predict writes.</p>"
    )
    with gr.Row():
        go = gr.Button("Score", variant="primary", elem_id="score", min_width=120)
        report = gr.DownloadButton("Report file", interactive=False, elem_id="report", min_width=120)
    status = gr.HTML(show.status("No file yet."), elem_id="scored")
    found = gr.HTML(elem_id="scores")

    def run(path: str | None, *options: str) -> Any:
        yield {go: gr.Button("Scoring …", interactive=False), status: show.status("Scoring …", "busy")}
        idle = {go: gr.Button("Score", interactive=True)}
        nothing = {found: "", report: gr.DownloadButton(value=None, interactive=False)}
        try:
            if not path:
                raise ValueError("no file yet (iepile predict writes one)")
            named = dict(zip(("match", "count", "parse"), options[1:]))
            result = scored(Path(path), options[0] or None, **named)
        except (ValueError, OSError) as problem:
            yield {status: show.status(str(problem), "error"), **nothing, **idle}
            return
        except Exception as problem:  # whatever it is, the button comes back
            yield {status: show.status(f"This did not work: {type(problem).__name__}", "error"), **nothing, **idle}
            raise
        bad = f"{len(result.bad):,} line{'' if len(result.bad) == 1 else 's'} could not be scored"
        told = show.status(f"{Path(path).name}: {bad if result.bad else 'every line was scored'}.")
        with tempfile.TemporaryDirectory() as folder:  # gradio keeps a copy for a while, to hand it out
            page = Path(folder) / f"{Path(path).stem}.html"
            page.write_text(result.report, encoding="utf-8")
            ready = gr.DownloadButton(value=str(page), interactive=True)
            yield {status: told, found: show.scores(result), report: ready, **idle}

    go.click(
        run, [file, task, match, count, parse], [go, status, found, report], concurrency_limit=1,
        trigger_mode="once", show_progress="minimal", show_progress_on=[status], api_visibility="private",
    )  # fmt: skip
