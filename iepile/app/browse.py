"""The third tab: the records of a corpus, and what it holds."""

from collections.abc import Mapping
from threading import Lock
from typing import Any

from iepile_dataset import DataError
from iepile_dataset.corpus.sources import Source

from . import render as show
from .records import PER_PAGE, page_of, statistics_page
from .schema_input import said


def browse_tab(corpus: str | None, sources: Mapping[str, Source]) -> None:
    """Lay the tab out; inside `gr.Blocks`.

    Args:
        corpus: The folder that was named at the start; None for the embedded sample.
        sources: What `records.sources_of` found in it.
    """
    import gradio as gr

    tasks = list(dict.fromkeys(source.task for source in sources.values()))
    first = next(iter(sources.values()))

    def keys(task: str) -> list[str]:
        return [key for key, source in sources.items() if source.task == task]

    with gr.Row():
        task = gr.Dropdown(
            [(said()[name]["name"], name) for name in tasks], value=first.task, label="Task", elem_id="in-task",
            min_width=180,
        )  # fmt: skip
        source = gr.Dropdown(keys(first.task), value=first.key, label="Source", elem_id="in-source", min_width=230)
        split = gr.Dropdown(
            list(first.files), value=next(iter(first.files)), label="Split", elem_id="in-split", min_width=120
        )
        words = gr.Textbox(label="Only records with", placeholder="a word, then Enter", elem_id="words", min_width=150)
    with gr.Row():
        back = gr.Button("← Previous", elem_id="previous", size="sm", min_width=90)
        number = gr.Number(1, precision=0, minimum=1, label="Page", elem_id="page", min_width=90)
        forward = gr.Button("Next →", elem_id="next", size="sm", min_width=90)
    status = gr.HTML(elem_id="where")
    found = gr.HTML(elem_id="records")
    with gr.Accordion("Statistics of the corpus", open=False, elem_id="statistics"):
        count = gr.Button("Count and draw", elem_id="count")
        figures = gr.HTML(elem_id="figures")

    inputs = [task, source, split, words, number]
    outputs = [source, split, number, status, found]

    def turned(by: int | None) -> Any:
        """A function that shows a page: `by` further; from the first where None."""

        def turn(task: str, key: str, part: str, words: str, number: float | None) -> Any:
            known = keys(task if task in tasks else tasks[0])
            chosen = sources[key if key in known else known[0]]
            splits = list(chosen.files)
            part = part if part in splits else splits[0]
            wanted = 1 if by is None else int(min(number, 2**31) if isinstance(number, int | float) else 1) + by
            try:
                page = page_of(chosen, part, wanted, str(words or "")[:200])
            except (OSError, DataError) as problem:
                told = show.status(f"{chosen.key}: cannot be read: {type(problem).__name__}", "error")
                return gr.skip(), gr.skip(), gr.skip(), told, ""
            at = (page.number - 1) * PER_PAGE
            told = f"{chosen.key}, {part}: records {min(at + 1, page.total):,}–{at + len(page.records):,}"
            return (
                gr.update(choices=known, value=chosen.key), gr.update(choices=splits, value=part), page.number,
                show.status(f"{told} of {page.total:,}, page {page.number:,} of {page.pages:,}"), show.records(page),
            )  # fmt: skip

        return turn

    # Values come as the browser sends them: a source may belong to the task before, which gradio would refuse.
    quiet: dict[str, Any] = {"show_progress": "hidden", "api_visibility": "private", "trigger_mode": "always_last"}
    quiet["preprocess"] = False
    for changed in (task, source, split):
        changed.input(turned(None), inputs, outputs, **quiet)
    words.submit(turned(None), inputs, outputs, **quiet)
    number.submit(turned(0), inputs, outputs, **quiet)
    back.click(turned(-1), inputs, outputs, **quiet)
    forward.click(turned(1), inputs, outputs, **quiet)

    made: list[str] = []
    turn = Lock()

    def draw(progress: Any = gr.Progress()) -> Any:  # noqa: B008 - how gradio passes it
        yield gr.Button("Counting …", interactive=False), show.status("Counting …", "busy")
        try:
            with turn:
                if not made:
                    made.append(statistics_page(corpus, lambda done, total: progress((done, max(total, 1)))))
            told = show.framed(made[0], "Statistics of the corpus")
        except (DataError, OSError) as problem:
            told = show.status(str(problem), "error")
        except Exception as problem:  # whatever it is, the button comes back
            yield gr.Button("Count and draw", interactive=True), show.status(type(problem).__name__, "error")
            raise
        yield gr.Button("Count and draw", interactive=True), told

    count.click(
        draw, outputs=[count, figures], concurrency_limit=1, trigger_mode="once", show_progress="minimal",
        api_visibility="private",
    )  # fmt: skip
    page = turned(None)(first.task, first.key, "", "", 1)
    status.value, found.value = page[3], page[4]
