"""What a prediction can be told."""

from dataclasses import dataclass, field

from .assembly import CONFLICTS
from .backends import BACKENDS, CONSTRAINTS
from .inputs import FORMATS


@dataclass
class PredictArguments:
    """What to answer, with which model, and where to."""

    model: str | None = field(
        default=None,
        metadata={"help": "A run folder (whole model or adapter), a Hub id, or what a server calls its model."},
    )
    adapter: str | None = field(default=None, metadata={"help": "An adapter on top of --model."})
    input: str = field(
        default="iepile",
        metadata={
            "help": "A file of rows, records or texts (JSON lines, CSV, TSV, plain text), - for standard input, a "
            "prepared folder, the folder of a source, a Hub id, or `iepile`."
        },
    )
    output: str | None = field(
        default=None, metadata={"help": "File to write; predictions.jsonl in the run folder by default."}
    )
    task: list[str] | None = field(
        default=None, metadata={"help": "Tasks (configurations), one or several.", "aliases": ["--config", "--tasks"]}
    )
    split: str = field(default="test", metadata={"help": "Split to answer; slices such as test[:100] work."})
    source: list[str] | None = field(default=None, metadata={"help": "Only these sources."})
    language: str | None = field(
        default=None,
        metadata={"help": "Only this language; of texts, the prompt's, else told from each.", "choices": ["en", "zh"]},
    )
    split_num: int | None = field(default=None, metadata={"help": "Most labels asked in one instruction."})
    data_dir: str | None = field(default=None, metadata={"help": "A corpus tree of your own, for `iepile`."})
    data_files: list[str] | None = field(default=None, metadata={"help": "Annotated files: paths, or split=path."})
    max_rows: int | None = field(
        default=None, metadata={"help": "Only the first so many rows (whole records), or texts."}
    )
    schema: str | None = field(
        default=None,
        metadata={"help": "What to look for in texts: labels with commas, JSON, or a file; schema.json beside them."},
    )
    input_format: str = field(default="auto", metadata={"help": "Of a file of texts.", "choices": list(FORMATS)})
    text_column: str = field(default="text", metadata={"help": "The column, or key, that holds the text."})
    whole: bool = field(default=False, metadata={"help": "A file of plain text is one document, not one a line."})
    extract: bool = field(
        default=False, metadata={"help": "Write extractions for annotated records too, instead of rows to score."}
    )
    min_confidence: float = field(default=0.0, metadata={"help": "Leave out extractions that are less sure, 0 to 1."})
    conflicts: str = field(
        default="keep",
        metadata={"help": "Different labels at one place: keep all, or the best.", "choices": list(CONFLICTS)},
    )
    confidence: bool = field(default=True, metadata={"help": "Say how sure the model is of each unit."})
    descriptions: bool = field(default=False, metadata={"help": "Tell the model the schema's label descriptions."})
    max_prompt_tokens: int | None = field(
        default=None,
        metadata={
            "help": "Cut texts into windows so that no instruction is longer; where texts are extracted from, by "
            "default as long as those of the model's training."
        },
    )
    orders: int = field(default=1, metadata={"help": "Ask each row under so many orders of its labels."})
    split_nums: list[int] | None = field(
        default=None, metadata={"help": "Ask annotated records in batches of each of these sizes, such as 1 4 8."}
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
    base_url: str | None = field(default=None, metadata={"help": "The server's address, for --backend openai."})
    tokenizer: str | None = field(
        default=None, metadata={"help": "Run folder or Hub id whose tokenizer makes the prompts, for a server."}
    )
    concurrency: int = field(default=16, metadata={"help": "Requests to a server at once."})
    timeout: float = field(default=120.0, metadata={"help": "Seconds that a request to a server may take."})
    retries: int = field(default=6, metadata={"help": "Times that a failed request is sent again."})
    revision: str | None = field(default=None, metadata={"help": "Branch, tag or commit of a Hub model."})
    trust_remote_code: bool = field(default=False, metadata={"help": "Run the model's own code; needs --revision."})
    overwrite: bool = field(default=False, metadata={"help": "Start anew where --output is there already."})
    retry_failed: bool = field(default=False, metadata={"help": "Answer the rows with an error again."})
