"""The metric's own page, as a Space: paste or upload answers, see their scores.

It runs beside the metric's files, without the package; the script bears the name of the Space.
"""

import json
import os
from pathlib import Path
from typing import Any

HERE = Path(__file__).parent
TASKS = ("ner", "re", "ee", "eet", "eea", "spo", "kg")
EXAMPLE = json.dumps(
    {
        "task": "NER",
        "output": '{"person": ["Ada"], "city": ["Ulm"]}',
        "label": '[{"entity": "Ada", "entity_type": "person"}, {"entity": "Rome", "entity_type": "city"}]',
    }
)


def scores_of(lines: str, task: str) -> dict[str, Any]:
    """Score JSON lines with `output` and `label`, and `id`, `source`, `task` where they are known.

    Raises:
        ValueError: A line is no such row, or there is none.
    """
    import evaluate

    rows = []
    for number, line in enumerate(lines.splitlines(), 1):
        if not line.strip():
            continue
        try:
            row = json.loads(line)
            rows.append({"output": row["output"], "label": row["label"], **row})
        except (ValueError, KeyError, TypeError) as problem:
            raise ValueError(f"line {number}: not a row with output and label ({type(problem).__name__})") from None
    if not rows:
        raise ValueError("no answers: one JSON object a line, with output and label")
    ids = {"ids": [str(row["id"]) for row in rows]} if all("id" in row for row in rows) else {}
    scores: dict[str, Any] = evaluate.load(str(_script())).compute(
        predictions=[str(row["output"]) for row in rows],
        references=[str(row["label"]) for row in rows],
        sources=[str(row.get("source") or "") for row in rows],
        tasks=[str(row.get("task") or task) for row in rows],
        **ids,
    )
    return scores


def _script() -> Path:
    name = os.environ.get("SPACE_ID", "user/iepile_f1").rpartition("/")[2]
    return HERE / f"{name}.py"


def page() -> Any:
    """The page; `launch()` serves it."""
    import gradio as gr

    def show(lines: str, file: str | None, task: str) -> dict[str, Any]:
        try:
            return scores_of(Path(file).read_text("utf-8") if file else lines, task)
        except ValueError as problem:
            raise gr.Error(str(problem)) from None

    with gr.Blocks(title="iepile_f1") as blocks:
        gr.Markdown("# iepile_f1\nF1 of schema-based information extraction, from raw model answers.")
        task = gr.Dropdown(TASKS, value="ner", label="Task of rows that do not name theirs")
        lines = gr.Textbox(EXAMPLE, lines=8, max_lines=20, label="Answers: one JSON object a line")
        file = gr.File(label="or a file of them", file_types=[".jsonl", ".json"], type="filepath")
        gr.Button("Score", variant="primary").click(show, [lines, file, task], gr.JSON(label="Scores"))
    return blocks


if __name__ == "__main__":
    page().launch()
