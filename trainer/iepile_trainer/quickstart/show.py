"""The quickstart on screen: rows, loss, extractions, scores. Reads well in a log file, too."""

import json
import time
from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Any

from rich.console import Console
from rich.status import Status
from rich.table import Table
from rich.text import Text

from ..engines import Answer
from ..extraction.confidence import read
from .run import NAMES, Outcome

if TYPE_CHECKING:  # it takes transformers with it
    from ..training.progress import Moment

__all__ = ["Screen", "highlighted", "show_outcome"]

_COLOURS = ("cyan", "magenta", "green", "yellow", "blue")
_BLOCKS = "▁▂▃▄▅▆▇█"


class Screen:
    """Shows a quickstart while it runs; `tell` is what `quickstart` calls.

    On a terminal training has one line that changes; in a log file there is a new one every ten seconds.

    Args:
        console: Where to; made before training, which keeps standard output to itself.
        clock: Seconds since some moment.
    """

    def __init__(self, console: Console, clock: Callable[[], float] = time.monotonic) -> None:
        self.console, self.clock = console, clock
        self.losses: list[float] = []
        self.live: Status | None = None
        self.next_line = 0.0

    def tell(self, what: str, value: Any) -> None:
        """Show one thing that happened."""
        if what == "rows":
            show_row(self.console, value[0], len(value))
        elif what == "step":
            self._step(value)
        elif what == "stage":
            self._stage(value)
        elif what == "test":
            show_extractions(self.console, value)

    def close(self) -> None:
        """Give the terminal back, whatever happened."""
        if self.live:
            self.live.stop()
            self.live = None

    def _stage(self, text: str) -> None:
        if self.losses:
            self.close()
            self.console.print(Text.assemble("loss  ", (sparkline(self.losses), "cyan")))
            self.losses = []
        self.console.print(Text(f"\n{text} …", style="bold"))

    def _step(self, moment: "Moment") -> None:
        self.losses.append(moment.loss or 0.0)
        if self.console.is_terminal:
            self.live = self.live or self.console.status("")
            self.live.update(str(moment))
            self.live.start()
        elif self.clock() >= self.next_line or moment.step == moment.steps:
            self.console.print(str(moment), highlight=False)
            self.next_line = self.clock() + 10


def sparkline(values: Sequence[float], width: int = 60) -> str:
    """Numbers as a line of blocks.

    >>> sparkline([3.0, 2.0, 1.0, 0.0])
    '█▆▃▁'
    """
    if len(values) > width:
        values = [values[place * len(values) // width] for place in range(width)]
    low, high = min(values), max(values)
    scale = (len(_BLOCKS) - 1) / ((high - low) or 1.0)
    return "".join(_BLOCKS[round((value - low) * scale)] for value in values)


def show_row(console: Console, row: dict[str, str], count: int) -> None:
    """Show what training reads and writes, by one row."""
    asked = json.loads(row["instruction"])
    title = f"One of {count:,} training rows ({row['task']}, {row['source']})"
    table = Table(title=title, title_justify="left", show_header=False)
    table.add_column(style="dim")
    table.add_column(overflow="fold")
    for name, value in (("text", asked["input"]), ("schema", ", ".join(asked["schema"])), ("answer", row["output"])):
        table.add_row(name, Text(value))
    console.print(table)


def show_extractions(console: Console, rows: list[dict[str, Any]]) -> None:
    """Show three answered rows with their mentions highlighted: English and Chinese, entities and relations."""
    console.print(Text("\nThree extractions from sentences that were never trained on", style="italic"))
    for task, language in (("NER", "en"), ("RE", "en"), ("NER", "zh")):
        some = [row for row in rows if row["task"] == task and row["language"] == language]
        row = max(some, key=lambda row: row["label"].count("{"), default=None)
        if row is not None:
            console.print(highlighted(row))


def highlighted(row: dict[str, Any]) -> Text:
    """The text of an answered row with what the answer found in it; wrong finds are struck through.

    >>> row = {"instruction": '{"schema": ["city"], "input": "Ann is in Oslo."}', "task": "NER"}
    >>> gold = '[{"entity": "Oslo", "entity_type": "city"}]'
    >>> print(highlighted({**row, "output": '{"city": ["Oslo"]}', "label": gold}))
      Ann is in [Oslo|city].
    """
    asked = json.loads(row["instruction"])
    text, gold = asked["input"], [set(item.values()) for item in json.loads(row["label"])]
    marks: list[tuple[str, str, str]] = []  # mention, label, style
    below = Text()
    items, _ = read(row["task"].lower(), Answer(row["output"]))
    for label, *mentions in items:
        right = {label, *mentions} in gold
        if len(mentions) == 2:
            head, tail = mentions
            below.append(f"\n      {head} — {label} → {tail}{'' if right else '   (wrong)'}", _style("green", right))
            marks += [(head, "", "bold"), (tail, "", "bold")]
            continue
        colour = _COLOURS[asked["schema"].index(label) % len(_COLOURS)] if label in asked["schema"] else "cyan"
        if mentions[0] in text:
            marks.append((mentions[0], f"|{label}", _style(colour, right)))
        else:
            below.append(f"\n      {mentions[0]} — {label}   (not in the text)", _style(colour, False))
    marked, end = Text("  "), 0
    for start, mention, label, style in sorted((text.find(mention), mention, *rest) for mention, *rest in marks):
        if start >= end:
            marked.append(text[end:start]).append(f"[{mention}{label}]", style)
            end = start + len(mention)
    return marked.append(text[end:]).append(below)


def _style(colour: str, right: bool) -> str:
    return f"bold {colour}" if right else "red strike"


def show_outcome(console: Console, outcome: Outcome) -> None:
    """Show the scores, where everything lies and what to do next."""
    table = Table(title="\nF1 between 0 and 1", title_justify="left")
    table.add_column("")
    for split in outcome.scores:
        table.add_column(NAMES.get(split, split), justify="right")
    for task in outcome.scores["test"]:
        table.add_row(task.upper(), *(f"{by_task[task]['f1']:.3f}" for by_task in outcome.scores.values()))
    table.add_row("both", *(f"{value:.3f}" for value in outcome.f1.values()), style="bold")
    console.print(table)
    console.print(
        "Unseen sentences are new; their names stood in other sentences of training. Unseen names did not: they are "
        "new combinations of known words and characters, or, for cities and festivals, new altogether."
    )
    console.print(f"\nIn {outcome.folder}:", style="bold", highlight=False)
    for pattern, meaning in _CONTENTS.items():
        console.print(f"  {pattern:<34} {meaning}", highlight=False, markup=False)
    console.print("\nNext, with annotated text of your own (a folder IE-en/NER/<name>/train.json …):", style="bold")
    for command in _NEXT:
        console.print(f"  {command}", highlight=False, markup=False, soft_wrap=True)


_CONTENTS = {
    "model.safetensors": "the weights, with config.json",
    "tokenizer.json": "the tokenizer, with its chat template",
    "corpus/": "the sentences, annotated",
    "predictions.jsonl": "the answers to the test rows (…_unseen_names.jsonl alike)",
    "scores.json, run.json": "all scores; how the model was made",
    "curve.png, README.md": "the picture and the model card",
}
_NEXT = (
    "iepile prepare my_corpus --out prepared",
    "iepile train --config tiny --task ner --data_dir my_corpus --output_dir runs/mine",
    "iepile predict --model runs/mine --task ner --data_dir my_corpus --split test",
    "iepile score runs/mine/predictions.jsonl",
)
