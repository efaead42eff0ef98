"""What a server can be told."""

from dataclasses import dataclass, field

from ..extraction.arguments import EngineArguments


@dataclass
class ServeArguments(EngineArguments):
    """Which model answers, where, and how much of what is too much."""

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
    confidence: bool = field(default=True, metadata={"help": "Say how sure the model is of each result."})
    max_prompt_tokens: int | None = field(
        default=None, metadata={"help": "Cut texts into windows so that no instruction is longer."}
    )
    base_url: str | None = field(
        default=None, metadata={"help": "Address of the server behind this one, for --backend openai."}
    )
    concurrency: int = field(default=16, metadata={"help": "Requests to the server behind at once."})
    retries: int = field(
        default=2, metadata={"help": "Times that a request to it is sent again; the tries share --timeout."}
    )
