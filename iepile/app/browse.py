"""The third tab: the records of a corpus, and what it holds."""

from collections.abc import Mapping
from threading import Lock
from typing import Any

from iepile_dataset import DataError
from iepile_dataset.corpus.sources import Source

from . import render as show
from .records import PER_PAGE, page_of, statistics_page
from .schema_input import task_words


def browse_tab(corpus: str | None, sources: Mapping[str, Source]) -> None:
    """Lay the tab out; inside `gr.Blocks`.

    Args:
        corpus: The folder that was named at the start; None for the embedded sample.
        sources: What `records.sources_of` found in it.
    """
    import gradio as gr

    tasks = list(dict.fromkeys(source.task for source in sources.values()))
    first = next(iter(sources.values()))
    keys = [key for key, source in sources.items() if source.task == first.task]
    with gr.Row():
        names = [(task_words()[name]["name"], name) for name in tasks]
        task = gr.Dropdown(names, value=first.task, label="Task", elem_id="in-task", min_width=180)
        source = gr.Dropdown(keys, value=first.key, label="Source", elem_id="in-source", min_width=230)
        splits = list(first.files)
        split = gr.Dropdown(splits, value=splits[0], label="Split", elem_id="in-split", min_width=120)
        words = gr.Textbox(label="Only records with", placeholder="a word, then Enter", elem_id="words", min_width=150)
    with gr.Row():
        back = gr.Button("← Previous", elem_id="previous", size="sm", min_width=90)
        number = gr.Number(1, precision=0, minimum=1, label="Page", elem_id="page", min_width=90)
        forward = gr.Button("Next →", elem_id="next", size="sm", min_width=90)
    shown = _page(sources, 1, first.task, first.key, "", "")
    status, records = gr.HTML(shown[3], elem_id="where"), gr.HTML(shown[4], elem_id="records")
    # Values come as the browser sends them: a source may belong to the task before, which gradio would refuse.
    quiet: dict[str, Any] = {
        "inputs": [task, source, split, words, number], "outputs": [source, split, number, status, records],
        "show_progress": "hidden", "api_visibility": "private", "trigger_mode": "always_last", "preprocess": False,
    }  # fmt: skip
    for changed in (task.input, source.input, split.input, words.submit):
        changed(lambda *values: _page(sources, 1, *values[:4]), **quiet)
    for event, by in ((number.submit, 0), (back.click, -1), (forward.click, 1)):
        event(lambda *values, by=by: _page(sources, _number(values[4]) + by, *values[:4]), **quiet)
    _statistics(corpus)


def _number(typed: Any) -> int:
    return int(min(typed, 2**31)) if isinstance(typed, int | float) else 1


def _page(sources: Mapping[str, Source], number: int, task: str, key: str, part: str, words: str) -> Any:
    """What the lists, the page's number, the line above the records and the records themselves become."""
    import gradio as gr

    tasks = [source.task for source in sources.values()]
    keys = [known for known, source in sources.items() if source.task == (task if task in tasks else tasks[0])]
    source = sources[key if key in keys else keys[0]]
    splits = list(source.files)
    part = part if part in splits else splits[0]
    try:
        page = page_of(source, part, number, str(words or "")[:200])
    except (OSError, DataError) as problem:
        reason = show.status(f"{source.key}: cannot be read: {type(problem).__name__}", "error")
        return gr.skip(), gr.skip(), gr.skip(), reason, ""
    before = (page.number - 1) * PER_PAGE
    place = f"{source.key}, {part}: records {min(before + 1, page.total):,}–{before + len(page.records):,}"
    return (
        gr.update(choices=keys, value=source.key), gr.update(choices=splits, value=part), page.number,
        show.status(f"{place} of {page.total:,}, page {page.number:,} of {page.pages:,}"), show.records(page),
    )  # fmt: skip


def _statistics(corpus: str | None) -> None:
    """What the corpus holds, counted when somebody asks for the first time."""
    import gradio as gr

    with gr.Accordion("Statistics of the corpus", open=False, elem_id="statistics"):
        count = gr.Button("Count and draw", elem_id="count")
        figures = gr.HTML(elem_id="figures")
    pages: list[str] = []
    turn = Lock()

    def draw(progress: Any = gr.Progress()) -> Any:  # noqa: B008 - how gradio passes it
        yield gr.Button("Counting …", interactive=False), show.status("Counting …", "busy")
        idle = gr.Button("Count and draw", interactive=True)
        try:
            with turn:
                if not pages:
                    pages.append(statistics_page(corpus, lambda done, total: progress((done, max(total, 1)))))
        except Exception as problem:  # whatever it is, the button comes back
            yield idle, show.failure(problem, DataError, OSError)
            if not isinstance(problem, DataError | OSError):
                raise
            return
        yield idle, show.framed(pages[0], "Statistics of the corpus")

    count.click(
        draw, outputs=[count, figures], concurrency_limit=1, trigger_mode="once", show_progress="minimal",
        api_visibility="private",
    )  # fmt: skip
