"""What every command that asks a model can be told."""

from dataclasses import dataclass, field

from ..engines import BACKENDS, CONSTRAINTS
from ..models.precision import DTYPES
from .merge_windows import CONFLICTS


@dataclass
class EngineArguments:
    """Which model answers, and how."""

    model: str | None = field(
        default=None,
        metadata={"help": "A run folder (whole model or adapter), a Hub id, or what a server calls its model."},
    )
    adapter: str | None = field(default=None, metadata={"help": "An adapter on top of --model."})
    split_num: int | None = field(default=None, metadata={"help": "Most labels asked in one instruction."})
    min_confidence: float = field(default=0.0, metadata={"help": "Leave out extractions that are less sure, 0 to 1."})
    conflicts: str = field(
        default="keep",
        metadata={"help": "Different labels at one place: keep all, or the best.", "choices": list(CONFLICTS)},
    )
    descriptions: bool = field(default=False, metadata={"help": "Tell the model the schema's label descriptions."})
    backend: str = field(default="transformers", metadata={"help": "Who answers.", "choices": list(BACKENDS)})
    constrain: str = field(
        default="none",
        metadata={
            "help": "json: answers have the asked shape; extractive: and quote the text.",
            "choices": list(CONSTRAINTS),
        },
    )
    batch_size: str = field(
        default="auto", metadata={"help": "Prompts answered together, or auto; halved when memory runs out."}
    )
    max_new_tokens: int = field(default=256, metadata={"help": "Longest answer."})
    dtype: str = field(default="auto", metadata={"help": "Weights in memory.", "choices": list(DTYPES)})
    bits: int | None = field(default=None, metadata={"help": "Load quantised weights.", "choices": [4, 8]})
    device_map: str | None = field(default=None, metadata={"help": "auto spreads one model over all GPUs."})
    tokenizer: str | None = field(
        default=None, metadata={"help": "Run folder or Hub id whose tokenizer makes the prompts, for a server."}
    )
    revision: str | None = field(default=None, metadata={"help": "Branch, tag or commit of a Hub model."})
    trust_remote_code: bool = field(default=False, metadata={"help": "Run the model's own code; needs --revision."})
