"""Which rows to train on: the options of the data."""

from collections.abc import Mapping
from dataclasses import dataclass, field

from .. import TrainerError
from ..tokenization.truncate import OVERLONG
from .mixture import Mix


@dataclass
class DataArguments:
    """Which rows to train on. Those that shape instructions are the options of `load_dataset("iepile", …)`."""

    dataset: list[str] = field(
        default_factory=lambda: ["iepile"],
        metadata={
            "help": "`iepile`, a folder made by `iepile prepare`, a file or folder of rows (JSON lines, the original's "
            "train.json and dev.json among them), or a Hub id; or several of these."
        },
    )
    task: list[str] | None = field(
        default=None,
        metadata={
            "help": "Tasks (configurations), one or several: ner re ee eet eea spo kg. ner for `iepile`, else all "
            "there are; also the task of rows that name none.",
            "aliases": ["--tasks"],
        },
    )
    source: list[str] | None = field(default=None, metadata={"help": "Only these sources."})
    language: str | None = field(default=None, metadata={"help": "Only this language.", "choices": ["en", "zh"]})
    split_num: int | None = field(default=None, metadata={"help": "Most labels asked in one instruction."})
    negatives: str = field(
        default="all", metadata={"help": "Labels that do not occur to ask as well: all, none, a share, or hard."}
    )
    hard_negatives: str | None = field(
        default=None, metadata={"help": "Dictionary of confusable labels for --negatives hard, a file."}
    )
    max_empty: float | None = field(
        default=None, metadata={"help": "Largest share of training rows with an empty answer, 0 to 1."}
    )
    remainder: str = field(
        default="even",
        metadata={
            "help": "Labels left over: spread over the batches, or the original's rule.",
            "choices": ["even", "merge"],
        },
    )
    descriptions: bool = field(default=False, metadata={"help": "Ask with the label descriptions of the schema."})
    max_prompt_tokens: int | None = field(
        default=None, metadata={"help": "Most tokens of one instruction; labels and texts are cut to fit."}
    )
    tokenizer: str | None = field(
        default=None, metadata={"help": "Counts --max_prompt_tokens; the model's own by default."}
    )
    licence: str | None = field(
        default=None,
        metadata={"help": "Only sources that allow this.", "choices": ["commercial", "derivatives", "any"]},
    )
    redraw: int = field(
        default=1,
        metadata={"help": "Draw the labels of `iepile` anew so many times, one draw for each epoch, in turn."},
    )
    mix: list[str] | None = field(
        default=None,
        metadata={
            "help": "How often rows enter an epoch: ner=2 re=1 ner/wnut17=0.5; in a recipe also a mapping. The most "
            "specific name counts; 1 where nothing is said. Names the tasks to load where --task does not."
        },
    )
    max_rows_per_source: int | None = field(
        default=None, metadata={"help": "At most so many rows of each source of each task, drawn by --seed."}
    )
    epoch: int = field(default=0, metadata={"help": "Draws the labels of the train split anew."})
    strict: bool = field(default=False, metadata={"help": "The first bad record is an error."})
    data_dir: str | None = field(default=None, metadata={"help": "A corpus tree of your own, for `iepile`."})
    data_files: list[str] | None = field(
        default=None, metadata={"help": "Annotated files, for `iepile`: paths, or split=path."}
    )
    num_shards: int | None = field(default=None, metadata={"help": "Shards per split, for `iepile`."})
    train_split: str = field(default="train", metadata={"help": "Split to train on; slices such as train[:100] work."})
    eval_split: str = field(default="validation", metadata={"help": "Split for --eval_strategy steps or epoch."})
    val_set_size: float | None = field(
        default=None,
        metadata={
            "help": "Hold out so many training rows (a share below 1) for evaluation, whole records. By default the "
            "validation split; where there is none 1000 rows, or 1 %% if that is less."
        },
    )
    streaming: bool = field(
        default=False,
        metadata={"help": "Read rows while training instead of before; needs --max_steps. See also --num_shards."},
    )
    shuffle_buffer: int = field(default=10_000, metadata={"help": "Rows of a stream that are shuffled together."})
    max_rows: int | None = field(default=None, metadata={"help": "Train on at most so many rows, drawn by --seed."})
    max_eval_rows: int | None = field(default=1000, metadata={"help": "The same for evaluation."})
    overlong: str = field(
        default="window",
        metadata={
            "help": "Rows over --max_length: cut their text into windows, shorten it (drop where gold would be lost), "
            "drop, or error.",
            "choices": list(OVERLONG),
        },
    )
    prompt_format: str | None = field(
        default=None,
        metadata={
            "help": "A shipped chat template (`iepile formats` lists them), or `tokenizer` for the tokenizer's own; "
            "by default the latter, `plain` where it has none."
        },
    )
    # Training has a --seed already: one number seeds the labels that are drawn, too.
    seed: int = field(default=42, init=False)

    def __post_init__(self) -> None:
        # A YAML file may say `task: ner` where the command line gives a list.
        if isinstance(self.mix, Mapping):
            self.mix = [f"{name}={weight}" for name, weight in self.mix.items()]
        for name in ("dataset", "task", "source", "data_files", "mix"):
            if isinstance(getattr(self, name), str):
                setattr(self, name, [getattr(self, name)])
        self.negatives = str(self.negatives)
        Mix.of(self.mix)  # refuses a wrong entry now
        for name, least in (("redraw", 1), ("max_rows_per_source", 1), ("max_rows", 1), ("max_eval_rows", 1)):
            value = getattr(self, name)
            if value is not None and value < least:
                raise TrainerError(f"--{name} {value}: a whole number from {least}")
        if self.val_set_size is not None and not self.val_set_size > 0:
            raise TrainerError(f"--val_set_size {self.val_set_size}: a number of rows, or a share below 1")
        if self.redraw > 1 and self.dataset != ["iepile"]:
            raise TrainerError("--redraw makes instructions anew: it needs annotated text (--dataset iepile)")
