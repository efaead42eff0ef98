"""The first tab: a text and labels → the questions made of them, and the model's answer."""

import json
import time
from collections.abc import Iterator
from functools import cache
from importlib import resources
from pathlib import Path
from typing import Any

import yaml

from iepile_dataset import DataError
from iepile_dataset.corpus.sources import language_of
from iepile_dataset.tasks import TASKS, task_named
from iepile_trainer.errors import TrainerError

from . import render as show
from .schema_input import from_file, lists_in, schema_from, task_words, written
from .session import DEFAULT, Asked, Model, answers, ask

_LANGUAGES = (("detect", ""), ("English", "en"), ("中文", "zh"))
_NO_MODEL = (
    f"These are the instructions. Nobody answers them yet: there is no model at {DEFAULT}. `iepile quickstart` trains "
    "a small one in about four minutes, without download; then press Extract again. Or start the page with "
    "`iepile app --model RUN`."
)


@cache
def examples() -> list[dict[str, str]]:
    """Texts with labels that the quickstart's model knows."""
    texts: list[dict[str, str]] = yaml.safe_load((resources.files(__package__) / "examples.yaml").read_text("utf-8"))
    return texts


def extract(model: Model, text: str, task: str, language: str, labels: str, triggers: str) -> Iterator[dict[str, str]]:
    """Ask, and tell what there is at each moment; the last one is whole.

    Args:
        model: Who answers.
        text: What the visitor typed.
        task: Lower-case name.
        language: `en`, `zh`, or "" to tell it from the text.
        labels: See `labels.schema_from`.
        triggers: For EEA, a line an event type: `attack: hit, struck`; or nothing.

    Yields:
        `status`, `questions`, `found` as HTML, and `json`; what is missing stays as it is.
    """
    began = time.monotonic()
    blank = {"questions": "", "found": "", "json": ""}
    try:
        entry = task_named(task)
        schema = schema_from(labels or "", entry)
        known = lists_in(triggers) if entry.hints and (triggers or "").strip() else None
        spoken = language or language_of(text or "")
        asked = ask(text or "", schema, task, spoken, known, None)
        if model.is_missing:
            yield {**blank, "questions": show.questions(asked.questions), "status": show.status(_NO_MODEL, "error")}
            return
        if not model.is_loaded:
            words = f"Loading the model {model.name} …"
            yield {**blank, "questions": show.questions(asked.questions), "status": show.status(words, "busy")}
        extractor = model.extractor()
        asked = ask(text, schema, task, spoken, known, extractor)
        yield {**blank, "questions": show.questions(asked.questions), "status": _done(0, asked)}
        for done in answers(asked, extractor):
            yield {"status": _done(done, asked)}
        result = asked.extraction(extractor)
    except (DataError, TrainerError, OSError) as problem:
        yield {**blank, "status": show.status(str(problem), "error")}
        return
    counts = [
        f"{n} {noun}{'' if n == 1 else 's'}"
        for n, noun in ((len(result), "result"), (len(asked.questions), "question"))
    ]
    yield {
        "status": show.status(
            f"{' from '.join(counts)} by {Path(model.name).name} in {time.monotonic() - began:.1f} s"
        ),
        "questions": show.questions(asked.questions, result.raw),
        "found": show.extraction(result),
        "json": json.dumps(result.as_dict(), ensure_ascii=False, indent=2),
    }


def _done(done: int, asked: Asked) -> str:
    return show.status(f"Asking the model: {done} of {len(asked.questions)} answered …", "busy")


def extract_tab(model: Model) -> None:
    """Lay the tab out; inside `gr.Blocks`."""
    import gradio as gr

    with gr.Row():
        with gr.Column(min_width=320):
            inputs, buttons = _lay_out_inputs()
            status = gr.HTML(show.status("Nothing asked yet."), elem_id="status")
        with gr.Column(min_width=320):
            result = gr.HTML(elem_id="found")
            with gr.Accordion("Instructions made of it, and what the model answered", open=False, elem_id="asked"):
                questions = gr.HTML(elem_id="questions")
            with gr.Accordion("JSON", open=False, elem_id="copy"):
                as_json = gr.Code(
                    language="json", label="Result as JSON", interactive=False, buttons=["copy", "download"],
                    max_lines=24, wrap_lines=True, elem_id="json",
                )  # fmt: skip
    _answer_clicks(model, inputs, buttons, {"status": status, "found": result, "questions": questions, "json": as_json})
    _fill_in(inputs, buttons, status)


def _lay_out_inputs() -> tuple[dict[str, Any], dict[str, Any]]:
    """What a visitor fills in, in the order of `extract`; and the buttons."""
    import gradio as gr

    first = examples()[0]
    with gr.Row(elem_id="examples"):
        buttons = {example["name"]: gr.Button(example["name"], size="sm", min_width=120) for example in examples()}
    inputs = {"text": gr.Textbox(first["text"], lines=5, max_lines=16, label="Text", elem_id="text")}
    with gr.Row():
        names = [(words["name"], name) for name, words in task_words().items()]
        inputs["task"] = gr.Dropdown(names, value=first["task"], label="Task", elem_id="task", min_width=230)
        inputs["language"] = gr.Radio(
            _LANGUAGES, value="", label="Language of the prompt", elem_id="language", min_width=230
        )
    inputs["labels"] = gr.Textbox(
        first["labels"], lines=2, max_lines=12, label="Labels", info=task_words()[first["task"]]["hint"],
        elem_id="labels",
    )  # fmt: skip
    inputs["triggers"] = gr.Textbox(
        lines=2, max_lines=8, label="Known triggers", visible=False, elem_id="triggers",
        info="An event type a line, with its triggers in the text: lawsuit: sued. Without any, all are asked.",
    )  # fmt: skip
    with gr.Row():
        buttons["go"] = gr.Button("Extract", variant="primary", elem_id="extract", min_width=110)
        buttons["stop"] = gr.Button("Stop", interactive=False, elem_id="stop", min_width=80)
        buttons["file"] = gr.UploadButton(
            "Load schema", type="binary", file_types=[".json", ".yaml", ".yml"], elem_id="schema", min_width=110
        )
    return inputs, buttons


def _answer_clicks(model: Model, inputs: dict[str, Any], buttons: dict[str, Any], shown: dict[str, Any]) -> None:
    """Extract while a visitor waits, and stop where one has had enough."""
    import gradio as gr

    go, stop, status = buttons["go"], buttons["stop"], shown["status"]
    stopping: set[str | None] = set()  # visitors who have had enough
    idle = {go: gr.Button("Extract", interactive=True), stop: gr.Button("Stop", interactive=False)}

    def run(
        text: str, task: str, language: str, labels: str, triggers: str, request: gr.Request
    ) -> Iterator[dict[Any, Any]]:
        stopping.discard(request.session_hash)
        yield {go: gr.Button("Extracting …", interactive=False), stop: gr.Button("Stop", interactive=True)}
        try:
            for values in extract(model, text, task, language, labels, triggers):
                if request.session_hash in stopping:
                    yield {status: show.status("Stopped.")}
                    break
                yield {shown[name]: value for name, value in values.items()}
        except Exception as problem:  # whatever it is, the button comes back
            yield {status: show.failure(problem), **idle}
            raise
        finally:
            stopping.discard(request.session_hash)
        yield idle

    def halt(request: gr.Request) -> Any:
        stopping.add(request.session_hash)
        return gr.Button("Stopping …", interactive=False)

    go.click(
        run, list(inputs.values()), [go, stop, *shown.values()], concurrency_limit=1, concurrency_id="model",
        trigger_mode="once", show_progress="minimal", show_progress_on=[status], api_visibility="private",
    )  # fmt: skip
    # Not by gradio's own `cancels`, which leaves the button dead until the step that runs has ended.
    stop.click(halt, outputs=stop, queue=False, show_progress="hidden", api_visibility="private")


def _fill_in(inputs: dict[str, Any], buttons: dict[str, Any], status: Any) -> None:
    """Hints for the chosen task, the labels of a schema file, the examples."""
    import gradio as gr

    quiet: dict[str, Any] = {"show_progress": "hidden", "api_visibility": "private"}
    task, labels = inputs["task"], inputs["labels"]
    task.change(
        lambda name: (gr.Textbox(info=task_words()[name]["hint"]), gr.Textbox(visible=TASKS[name].hints is not None)),
        task, [labels, inputs["triggers"]], queue=False, **quiet,
    )  # fmt: skip

    def load(content: bytes, name: str) -> tuple[Any, str]:
        try:
            schema = from_file(content, "the schema file", TASKS[name])
            return written(schema, TASKS[name]), show.status(f"{len(TASKS[name].labels(schema))} labels loaded.")
        except DataError as problem:
            return gr.skip(), show.status(str(problem), "error")

    buttons["file"].upload(load, [buttons["file"], task], [labels, status], **quiet)
    filled = [inputs[name] for name in ("text", "task", "language", "labels")]
    for example in examples():
        values = (example["text"], example["task"], "", example["labels"])
        buttons[example["name"]].click(lambda values=values: values, outputs=filled, queue=False, **quiet)
