"""What a server can be told."""

from dataclasses import dataclass, field

from ..assembly import CONFLICTS
from ..backends import BACKENDS, CONSTRAINTS


@dataclass
class ServeArguments:
    """Which model answers, where, and how much of what is too much."""

    model: str | None = field(
        default=None,
        metadata={"help": "A run folder (whole model or adapter), a Hub id, or what a server calls its model."},
    )
    adapter: str | None = field(default=None, metadata={"help": "An adapter on top of --model."})
    host: str = field(default="127.0.0.1", metadata={"help": "Address to listen on; 0.0.0.0 for the whole network."})
    port: int = field(default=8000, metadata={"help": "Port to listen on; 0 takes any free one."})
    max_text_chars: int = field(
        default=100_000, metadata={"help": "Most characters of a request's text, or texts together."}
    )
    max_texts: int = field(default=256, metadata={"help": "Most texts of a request."})
    max_labels: int = field(default=500, metadata={"help": "Most labels of a schema, roles and attributes among them."})
    max_waiting: int = field(default=1024, metadata={"help": "Most texts that wait; more are refused with 503."})
    timeout: float = field(default=60.0, metadata={"help": "Seconds that a request may take before it is given up."})
    batch_wait_ms: float = field(
        default=5.0, metadata={"help": "Milliseconds that a first text waits for others to share its batch."}
    )
    min_confidence: float = field(default=0.0, metadata={"help": "Leave out extractions that are less sure, 0 to 1."})
    conflicts: str = field(
        default="keep",
        metadata={"help": "Different labels at one place: keep all, or the best.", "choices": list(CONFLICTS)},
    )
    confidence: bool = field(default=True, metadata={"help": "Say how sure the model is of each result."})
    split_num: int | None = field(default=None, metadata={"help": "Most labels asked in one instruction."})
    descriptions: bool = field(default=False, metadata={"help": "Tell the model the schema's label descriptions."})
    max_prompt_tokens: int | None = field(
        default=None, metadata={"help": "Cut texts into windows so that no instruction is longer."}
    )
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
    dtype: str = field(
        default="auto", metadata={"help": "Weights in memory.", "choices": ["auto", "bfloat16", "float16", "float32"]}
    )
    bits: int | None = field(default=None, metadata={"help": "Load quantised weights.", "choices": [4, 8]})
    device_map: str | None = field(default=None, metadata={"help": "auto spreads one model over all GPUs."})
    base_url: str | None = field(
        default=None, metadata={"help": "Address of the server behind this one, for --backend openai."}
    )
    tokenizer: str | None = field(
        default=None, metadata={"help": "Run folder or Hub id whose tokenizer makes the prompts, for a server."}
    )
    concurrency: int = field(default=16, metadata={"help": "Requests to the server behind at once."})
    retries: int = field(
        default=2, metadata={"help": "Times that a request to it is sent again; the tries share --timeout."}
    )
    revision: str | None = field(default=None, metadata={"help": "Branch, tag or commit of a Hub model."})
    trust_remote_code: bool = field(default=False, metadata={"help": "Run the model's own code; needs --revision."})
