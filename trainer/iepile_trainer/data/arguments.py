"""Which rows to train on: the options of the data.

Those that shape instructions are the fields of the dataset's own `Options`: a new one there is one here.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field, fields, make_dataclass
from typing import Any

from iepile_dataset.options import Options

from ..command_line import option
from ..errors import TrainerError
from ..tokenization.truncate import OVERLONG
from .mixture import Mix

ROW_OPTIONS = tuple(option.name for option in fields(Options))


def _row_option(declared: Any) -> tuple[str, Any, Any]:
    metadata = {name: declared.metadata[name] for name in ("help", "choices", "aliases") if name in declared.metadata}
    return declared.name, declared.metadata.get("type", declared.type), option(declared.default, **metadata)


_RowArguments: Any = make_dataclass("_RowArguments", map(_row_option, fields(Options)))


@dataclass
class DataArguments(_RowArguments):
    """Which rows to train on. Those that shape instructions are the options of `load_dataset("iepile", …)`."""

    dataset: list[str] = field(
        default_factory=lambda: ["iepile"],
        metadata={"help": "`iepile`, a folder of `iepile prepare`, rows as JSON lines, or a Hub id; or several."},
    )
    task: list[str] | None = option(
        None, "Tasks, one or several: ner re ee eet eea spo kg; also of rows that name none.", aliases=["--tasks"]
    )
    redraw: int = option(1, "Draw the labels of `iepile` anew so many times, for epochs in turn.")
    mix: list[str] | None = option(None, "How often rows enter an epoch, 1 by default: ner=2 re=1 ner/wnut17=0.5.")
    keep_sources: float | None = option(
        None, "Going on with a run: this share of the rows that it was trained on is mixed in, so that it forgets less."
    )
    max_rows_per_source: int | None = option(None, "At most so many rows of each source of each task.")
    data_dir: str | None = option(None, "A corpus tree of your own, for `iepile`.")
    data_files: list[str] | None = option(None, "Annotated files, for `iepile`: paths, or split=path.")
    num_shards: int | None = option(None, "Shards per split, for `iepile`.")
    train_split: str = option("train", "Split to train on; slices such as train[:100] work.")
    eval_split: str = option("validation", "Split for --eval_strategy steps or epoch.")
    val_set_size: float | None = option(
        None, "Hold out so many rows (below 1 a share) where --eval_split is missing, or if given."
    )
    streaming: bool = option(False, "Read rows while training; needs --max_steps.")
    shuffle_buffer: int = option(10_000, "Rows of a stream that are shuffled together.")
    max_rows: int | None = option(None, "Train on at most so many rows, drawn by --seed.")
    max_eval_rows: int | None = option(1000, "The same for evaluation.")
    overlong: str = option("window", "Rows over --max_length: what becomes of their text.", choices=list(OVERLONG))
    prompt_format: str | None = option(
        None, "A name of `iepile formats`, or tokenizer for its own, which goes first by default."
    )
    # Training has a --seed already: one number seeds the labels that are drawn, too.
    seed: int = field(default=42, init=False)
    # Old data that is mixed in, as the old record has it.
    kept: list[dict[str, Any]] = field(default_factory=list, init=False)

    def __post_init__(self) -> None:
        # A YAML file may say `task: ner` where the command line gives a list.
        if isinstance(self.mix, Mapping):
            self.mix = [f"{name}={weight}" for name, weight in self.mix.items()]
        for name in ("dataset", "task", "source", "data_files", "mix"):
            if isinstance(getattr(self, name), str):
                setattr(self, name, [getattr(self, name)])
        self.__dict__["negatives"] = str(self.negatives)  # a recipe may give a number
        Mix.of(self.mix)  # refuses a wrong entry now
        for name, least in (("redraw", 1), ("max_rows_per_source", 1), ("max_rows", 1), ("max_eval_rows", 1)):
            value = getattr(self, name)
            if value is not None and value < least:
                raise TrainerError(f"--{name} {value}: a whole number from {least}")
        if self.keep_sources is not None and not 0 < self.keep_sources <= 1:
            raise TrainerError(f"--keep_sources {self.keep_sources}: a share of the old rows, above 0 and up to 1")
        if self.val_set_size is not None and not self.val_set_size > 0:
            raise TrainerError(f"--val_set_size {self.val_set_size}: a number of rows, or a share below 1")
        if self.redraw > 1 and self.dataset != ["iepile"]:
            raise TrainerError("--redraw makes instructions anew: it needs annotated text (--dataset iepile)")
